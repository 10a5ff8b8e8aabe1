"""The page under hostile clients beside a camera at 30 frames a second: `make hostile MINUTES=10`.

Some 800 connections that are slow, silent, greedy or half gone, an events pipe that nobody reads, and one
honest viewer. Counted: frames analysed a second, pictures lost, memory, descriptors, lines of the log, and
how soon the page answers at the end. A report is written; exit code 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from smartselfie.outputs.health import resident
from tests.faults.program import Program, smiling_picture
from tests.hostile_clients import KINDS
from tests.mjpeg_server import MjpegServer
from tests.shared import ROOT

CONFIG = """
source: {size: [320, 240]}
trigger: {rule: frames, hold: 1, cooldown: 0, repeat: 1s, min_presence: 0, min_face: 0, release: 0.01}
moment: null
saver: {folder: pictures}
storage: {min_free: 0}
outputs: [{kind: events, file: unread}]
"""
WARM = 15.0
"""Seconds before anything is counted."""
KEPT_RATE, GROWN, LINES, ANSWER = 0.95, 20.0, 100, 2.0
"""What is promised: share of the frame rate, MB, lines of the log, seconds to an answer at the end."""


@dataclass
class Phase:
    """What was seen in one part of the time, a sample a second."""

    fps: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    handles: list[int] = field(default_factory=list)
    viewed: int = 0
    seconds: float = 0.0


class Viewer:
    """An honest one: asks for the next picture when it has one, comes back when it is turned away."""

    def __init__(self, port: int) -> None:
        self._address = f"ws://127.0.0.1:{port}/api/v1/live"
        self.pictures = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="viewer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Leave."""
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            try:
                # another address than the attack's, as another machine's would be
                plain = socket.create_connection(
                    ("127.0.0.1", int(self._address.rsplit(":", 1)[1].split("/")[0])), 5, ("127.0.0.2", 0)
                )
                with connect(self._address, sock=plain, open_timeout=5) as live:
                    while not self._stop.is_set():
                        live.send("next")
                        while not isinstance(live.recv(timeout=5), bytes):
                            pass
                        self.pictures += 1
            except (OSError, TimeoutError, WebSocketException):
                continue


def watch(program: Program, viewer: Viewer, seconds: float) -> Phase:
    """Look at the program once a second."""
    seen, before = Phase(seconds=seconds), viewer.pictures
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(1.0)
        status = program.status()
        if "fps" in status:
            seen.fps.append(float(status["fps"]))
        seen.memory.append(resident(program.pid) / 1e6)
        seen.handles.append(len(list(Path(f"/proc/{program.pid}/fd").iterdir())))
    seen.viewed = viewer.pictures - before
    return seen


def free_port() -> int:
    """A port that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def run(folder: Path, seconds: float) -> list[tuple[str, bool, str]]:
    """Do it; returns each check: what, whether it holds, what was measured."""
    port = free_port()
    folder.mkdir()
    os.mkfifo(folder / "unread")
    unread = os.open(folder / "unread", os.O_RDONLY | os.O_NONBLOCK)
    with (
        MjpegServer(smiling_picture, size=(320, 240), fps=30) as camera,
        Program(folder, "--source", camera.url, "--listen", f"127.0.0.1:{port}", config=CONFIG) as program,
    ):
        program.wait_for("shot")
        viewer = Viewer(port)
        watch(program, viewer, WARM)
        calm = watch(program, viewer, max(20.0, seconds / 6))
        attack = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile_clients", f"127.0.0.1:{port}", str(seconds)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        attacked = watch(program, viewer, seconds)
        told = attack.communicate(timeout=60)[0].strip()
        ended = time.monotonic()
        answered = float("inf")
        while time.monotonic() - ended < 10 and answered == float("inf"):
            try:
                if httpx.get(f"http://127.0.0.1:{port}/", timeout=2).status_code == 200:
                    answered = time.monotonic() - ended
            except httpx.HTTPError:
                time.sleep(0.05)
        after = watch(program, viewer, 40.0)
        viewer.stop()
        lost = program.status().get("lost")
        stopping = time.monotonic()
        code = program.end()
        stopped = time.monotonic() - stopping
        shots, kept = len(program.named("shot")), program.check_pictures()
        lines = program.said().count("\n")
    os.close(unread)
    rate, before = statistics.mean(attacked.fps), statistics.mean(calm.fps)
    grown = statistics.median(after.memory) - statistics.median(calm.memory)
    peak = max(attacked.memory) - statistics.median(calm.memory)
    handles = statistics.median(after.handles) - statistics.median(calm.handles)
    return [
        (
            "frames",
            rate >= KEPT_RATE * before,
            f"{rate:.1f} a second analysed, {before:.1f} without ({rate / before:.1%})",
        ),
        (
            "pictures",
            shots == kept and not lost and code == 0,
            f"{shots} announced, {kept} there, {lost} lost",
        ),
        ("memory", peak <= GROWN, f"{peak:+.1f} MB at the most, {grown:+.1f} MB afterwards"),
        ("descriptors", handles <= 2, f"{max(attacked.handles)} at the most, {handles:+g} afterwards"),
        ("log", lines < LINES, f"{lines} lines"),
        ("page", answered <= ANSWER, f"answers {answered:.2f} s after the end"),
        ("viewer", attacked.viewed > 0, f"{attacked.viewed / attacked.seconds:.1f} pictures a second, "
         f"{calm.viewed / calm.seconds:.1f} without"),
        ("end", stopped < 8, f"{stopped:.1f} s, with an events pipe that nobody reads; exit code {code}"),
        ("attack", bool(told), told),
    ]  # fmt: skip


def main() -> int:
    """Run, report, return the exit code."""
    parser = argparse.ArgumentParser(description="The page under hostile clients.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--out", type=Path, help="where the report goes; default: runs/hostile-TIME.md")
    given = parser.parse_args()
    out = given.out or ROOT / "runs" / f"hostile-{datetime.now():%Y%m%d-%H%M}.md"
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="smartselfie-hostile-") as folder:
        checks = run(Path(folder, "daemon"), given.minutes * 60)
    many = sum(count for _, count in KINDS.values())
    lines = [f"# {many} hostile clients for {given.minutes:g} minutes", ""]
    lines += [f"- {'ok' if good else 'FAILED'}: {what}: {words}" for what, good, words in checks]
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    print(f"\n{out}")
    return 0 if all(good for _, good, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
