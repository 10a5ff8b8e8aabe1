"""Hours of random faults on the real program, with a report: `make soak MINUTES=20`.

Two daemons run all the time, one on a network camera that fails in every way there is, one on the demo in its
own speed; a third reads a folder of pictures again and again. Settings change and break at random. Sampled
every second: memory, file handles, threads, the age of the newest frame. Before and after the faults there is
a rest at the same size and settings, and these two are compared: larger pictures take more memory, and what
is drawn on them is loaded when it is first asked for; the warm-up does everything twice. Exit code 1 when a
check fails.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smartselfie.outputs.health import resident
from tests.faults.program import QUICK, Program, smiling_picture, write_smiles
from tests.mjpeg_server import Fault, MjpegServer
from tests.shared import ROOT

FLAT = 3.0
"""MB by which the memory may grow from the rest after the warm-up to the rest at the end."""
REST = 20.0
"""Seconds of such a rest."""
WARM_UPS = 2
"""So often everything is done before it counts: each reconnect is a new thread, and where the allocator first
puts the largest pictures of such a thread stays taken; after the second round the level no longer rises."""
BACK_WITHIN = 3.0
"""Seconds from a camera's return to its pictures."""
IDLE_CPU = 0.03
"""Most of a core that a lost camera may cost."""
FRESH = 5.0
"""Seconds after the last fault after which frames must be new."""
SIZES = ((320, 240), (480, 360), (640, 480))


@dataclass
class Samples:
    """What was seen of one program, a sample a second."""

    name: str
    at: list[float] = field(default_factory=list)
    phase: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    handles: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)

    def take(self, program: Program, at: float, phase: str, calm: bool) -> None:
        """Look at the program; `calm`: no fault lately."""
        process = Path("/proc", str(program.pid))
        self.at.append(at)
        self.phase.append(phase)
        self.memory.append(resident(program.pid) / 1e6)
        self.handles.append(len(list((process / "fd").iterdir())))
        self.threads.append(len(list((process / "task").iterdir())))
        age = program.status().get("frame_age")
        if calm and (age is None or age > FRESH):
            self.stale.append(f"at {at:.0f} s the newest frame was {age} s old")

    def rests(self, values: list[float] | list[int]) -> tuple[float, float]:
        """Medians of the rest before and of the rest after the faults."""

        def median(phase: str) -> float:
            return statistics.median(v for v, when in zip(values, self.phase, strict=True) if when == phase)

        return median("before"), median("after")


class Soak:
    """The daemons, the faults and the record of both."""

    def __init__(self, folder: Path, minutes: float, seed: int) -> None:
        self.folder, self.seconds = folder, minutes * 60
        self.chance = random.Random(seed)
        self.faults: Counter[str] = Counter()
        self.recoveries: list[float] = []
        self.idle: list[float] = []
        self.troubles: list[str] = []
        self.file_runs = 0
        self.phase, self.warm = "warm-up", 0.0
        self._start = time.monotonic()
        self._fault_ended = self._start

    def run(self) -> list[Samples]:
        """Do everything for the time given; returns the samples of both daemons."""
        with ExitStack() as stack:
            self.camera = stack.enter_context(MjpegServer(smiling_picture, size=SIZES[0], fps=15))
            (self.folder / "camera" / "stick").mkdir(parents=True)
            config = QUICK.replace("folder: pictures", "folder: stick/pictures")
            self.live = stack.enter_context(
                Program(self.folder / "camera", "--source", self.camera.url, config=config)
            )
            self.live.pictures = self.folder / "camera" / "stick" / "pictures"
            self.demo = stack.enter_context(
                Program(self.folder / "demo", "--source", "demo", "--realtime", "--set", "source.fps=10")
            )
            self.good = config
            self.settings = config + "#"
            source = write_smiles(self.folder / "source", 60)
            both = (self.live, Samples("network camera")), (self.demo, Samples("demo"))
            for program, _ in both:
                program.wait_for("shot")
            self._start = self._fault_ended = time.monotonic()
            todo = self._phases()
            resume = self._start
            file_run: Program | None = None
            while True:
                now = time.monotonic()
                if now >= resume:
                    if (wait := next(todo, None)) is None:
                        break
                    resume = now + wait
                for program, samples in both:
                    calm = now - self._fault_ended > 2 * FRESH
                    samples.take(program, now - self._start, self.phase, calm)
                file_run = self._file_run(file_run, source)
                time.sleep(max(0.0, 1.0 - (time.monotonic() - now)))  # a sample a second is the purpose
            self._finish(file_run)
            return [samples for _, samples in both]

    def _file_run(self, running: Program | None, source: Path) -> Program | None:
        """Keep one program reading the folder, and judge each that has ended."""
        if running is not None:
            if running.process.poll() is None:
                return running
            code, shots = running.wait(), len(running.named("shot"))
            if code != 0 or running.check_pictures() != shots or shots == 0:
                self.troubles.append(f"a folder run ended with {code} and {shots} shots")
            running.__exit__(None, None, None)
            shutil.rmtree(running.folder)
            self.file_runs += 1
        if self.chance.random() < 0.1:
            return Program(self.folder / f"file-{self.file_runs}", "--source", str(source))
        return None

    def _phases(self) -> Iterator[float]:
        """Do everything twice, rest, do it at random, rest; yields the seconds until the next step."""
        kinds: dict[str, Callable[[], Iterator[float]]] = {
            "camera dies": self._die,
            "camera misbehaves": self._misbehave,
            "new resolution": self._resize,
            "settings change": self._change,
            "settings break": self._break,
            "folder vanishes": self._pull,
            "machine stands still": self._freeze,
        }
        for _ in range(WARM_UPS):
            for size in SIZES:
                self.camera.size = size
                overlay = self.good.replace("pictures}", "pictures, save_overlay: true}")
                yield from self._set("overlay", overlay)
                yield 4.0
                yield from self._set("plain", self.good)
            for kind in kinds.values():
                yield from self._fault(kind)
                yield 2.0
        yield from self._rest("before")
        self.warm = began = time.monotonic() - self._start
        self.phase = "faults"
        while time.monotonic() - self._start - began < self.seconds:
            name = self.chance.choice(list(kinds))
            self.faults[name] += 1
            yield from self._fault(kinds[name])
            yield self.chance.uniform(3, 25)
        yield from self._rest("after")

    def _fault(self, kind: Callable[[], Iterator[float]]) -> Iterator[float]:
        self._fault_ended = float("inf")
        yield from kind()
        self._fault_ended = time.monotonic()

    def _rest(self, phase: str) -> Iterator[float]:
        self.camera.size = SIZES[0]
        yield from self._set("rest", self.good)
        yield 5.0
        self.phase = phase
        yield REST

    def _set(self, name: str, config: str) -> Iterator[float]:
        """Write settings, and wait for their effect where they differ from the last."""
        since = len(self.live.events)
        config += f"# {name}\n"
        changes = config.rpartition("#")[0] != self.settings.rpartition("#")[0]
        self.settings = config
        self.live.config.write_text(config)
        if changes:
            self.live.wait_for("config_reloaded", since)
        yield 0.0

    def _healed(self, since: int) -> Iterator[float]:
        """Wait for the camera to be back, and note how long that took."""
        healed = time.monotonic()
        while not self.live.named("camera_back", since):
            if time.monotonic() - healed > 30:
                self.troubles.append("the camera was not back after 30 s")
                return
            time.sleep(0.02)
        self.recoveries.append(time.monotonic() - healed)
        yield 0.0

    def _die(self) -> Iterator[float]:
        since = len(self.live.events)
        self.camera.stop()
        self.live.wait_for("camera_lost", since)
        used, start = self.live.cpu(), time.monotonic()
        yield self.chance.uniform(1, 15)
        if time.monotonic() - start > 5:
            self.idle.append((self.live.cpu() - used) / (time.monotonic() - start))
        self.camera.start()
        yield from self._healed(since)

    def _misbehave(self) -> Iterator[float]:
        since = len(self.live.events)
        fault = self.chance.choice((Fault.STALL, Fault.HALF, Fault.GARBAGE, Fault.BLACK, Fault.FROZEN))
        self.faults[f"  {fault.value}"] += 1
        self.camera.fault = fault
        self.live.wait_for("camera_lost", since)
        yield self.chance.uniform(0, 6)
        self.camera.fault = Fault.NONE
        yield from self._healed(since)

    def _resize(self) -> Iterator[float]:
        self.camera.size = self.chance.choice(SIZES)
        yield 0.0

    def _change(self) -> Iterator[float]:
        wanted = self.good.replace("hold: 1,", f"hold: {self.chance.randint(1, 4)},")
        wanted = wanted.replace("repeat: 200ms", f"repeat: {self.chance.choice((200, 300, 500))}ms")
        quality = self.chance.randint(40, 95)
        overlay = self.chance.choice(("true", "false"))
        wanted = wanted.replace("pictures}", f"pictures, quality: {quality}, save_overlay: {overlay}}}")
        yield from self._set("change", wanted)

    def _break(self) -> Iterator[float]:
        since = len(self.live.events)
        self.live.config.write_text(self.good[: self.chance.randint(30, 200)] + "\nno_such: [")
        self.live.process.send_signal(signal.SIGHUP)
        self.live.wait_for("config_refused", since)
        self.live.config.write_text(self.settings)
        yield 0.0

    def _pull(self) -> Iterator[float]:
        stick, away = self.live.pictures.parent, self.live.pictures.parent.with_name("pulled")
        since = len(self.live.events)
        stick.rename(away)
        self.live.wait_for("save_failed", since)
        yield self.chance.uniform(0, 8)
        away.rename(stick)

    def _freeze(self) -> Iterator[float]:
        for program in (self.live, self.demo):
            program.process.send_signal(signal.SIGSTOP)
        yield self.chance.uniform(1, 4)
        for program in (self.live, self.demo):
            program.process.send_signal(signal.SIGCONT)

    def _finish(self, file_run: Program | None) -> None:
        """Heal everything, end both daemons and look at what they have saved."""
        away = self.live.pictures.parent.with_name("pulled")
        if away.exists():
            away.rename(self.live.pictures.parent)
        self.camera.fault = Fault.NONE
        for program in (self.live, self.demo):
            program.process.send_signal(signal.SIGCONT)
        if file_run is not None:
            file_run.__exit__(None, None, None)
        self.shots = {}
        for program in (self.live, self.demo):
            status = program.status()
            if status.get("lost"):
                self.troubles.append(f"{status['lost']} pictures lost")
            code = program.end()
            shots = len(program.named("shot"))
            if code != 0 or program.events[-1] != {"event": "stopped", "pictures": shots}:
                self.troubles.append(f"a daemon ended with {code}: {program.events[-1]}; {shots} shots")
            program.check_pictures()
            self.shots[program] = shots


def judge(soak: Soak, found: list[Samples]) -> list[tuple[str, bool, str]]:
    """Return each check: what, whether it holds, and what was measured."""
    checks = []
    for samples in found:
        first, last = samples.rests(samples.memory)
        flat = last - first <= FLAT
        checks.append((f"{samples.name}: memory", flat, f"{first:.1f} MB, at the end {last:.1f} MB"))
        for what, values in (("file handles", samples.handles), ("threads", samples.threads)):
            before, after = samples.rests(values)
            checks.append((f"{samples.name}: {what}", after <= before, f"{before:g}, at the end {after:g}"))
        words = "; ".join(samples.stale[:3]) or f"never older than {FRESH:g} s without a fault"
        checks.append((f"{samples.name}: frames", not samples.stale, words))
    slowest = max(soak.recoveries, default=0.0)
    count = len(soak.recoveries)
    checks.append(("camera back", slowest <= BACK_WITHIN, f"{count} times, at the latest {slowest:.2f} s"))
    most = max(soak.idle, default=0.0)
    checks.append(("lost camera: processor", most < IDLE_CPU, f"{len(soak.idle)} times, at most {most:.1%}"))
    shots = sum(soak.shots.values())
    words = (
        "; ".join(soak.troubles) or f"{shots} pictures, all whole, none lost; {soak.file_runs} folder runs"
    )
    checks.append(("pictures", not soak.troubles, words))
    return checks


def plot(found: list[Samples], warm: float, path: Path) -> None:
    """Draw the memory over time."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
    for samples in found:
        axes.plot([at / 60 for at in samples.at], samples.memory, label=samples.name, linewidth=1.2)
    axes.axvline(warm / 60, color="0.6", linewidth=0.8, linestyle="--")
    axes.annotate("warm-up ends", (warm / 60, 0), (4, 6), textcoords="offset points", color="0.4")
    axes.set(xlabel="minutes", ylabel="resident memory, MB", title="Memory under random faults")
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def main() -> int:
    """Soak, write the report, return the exit code."""
    parser = argparse.ArgumentParser(description="Random faults on the real program.")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="where the report goes; default: runs/soak-TIME")
    given = parser.parse_args()
    out = given.out or ROOT / "runs" / f"soak-{datetime.now():%Y%m%d-%H%M}"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="smartselfie-soak-") as folder:
        soak = Soak(Path(folder), given.minutes, given.seed)
        try:
            found = soak.run()
        finally:
            for name in ("camera", "demo"):
                if (log := Path(folder, name, "log.txt")).exists():
                    shutil.copy(log, out / f"{name}.log")
    checks = judge(soak, found)
    plot(found, soak.warm, out / "memory.png")
    lines = [
        f"# Soak: {given.minutes:g} minutes of faults, seed {given.seed}",
        "",
        "![memory](memory.png)",
        "",
    ]
    lines += [f"- {'ok' if good else 'FAILED'}: {what}: {words}" for what, good, words in checks]
    lines += ["", "Faults:", "", *(f"- {name.strip()}: {count}" for name, count in soak.faults.items())]
    (out / "report.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    print(f"\n{out / 'report.md'}")
    return 0 if all(good for _, good, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
