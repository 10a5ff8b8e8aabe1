"""A command for each event: no shell, a time-out, and its exit code as the answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from smartselfie.errors import OutputError, RefusedError
from smartselfie.outputs.delivery_queue import Delivery
from smartselfie.outputs.exec import Exec
from tests.waiting import until

WRITE = """
import json, os, sys
with open(sys.argv[1], "w") as out:
    json.dump([sys.argv[2:], json.load(sys.stdin), os.environ["SMARTSELFIE_DELIVERY"]], out)
"""
EVENT = {
    "event": "shot",
    "file": "/p/{camera} $(touch x) a.jpg",
    "time": "2026-11-20T18:30:12.417+01:00",
    "faces": [{"scores": {"happy": 0.93}}],
}


def test_a_command_gets_what_it_asks_for(tmp_path: Path) -> None:
    """Values take the place of their names once, as they are: nothing is a shell's business."""
    out = tmp_path / "out"
    run = [sys.executable, "-c", WRITE, str(out), "{file}", "{date} {time}", "{score}", "{nothing}", "{name}"]
    Exec(run)(Delivery(1, "key", EVENT, 0.0))
    arguments, event, key = json.loads(out.read_text())
    assert arguments == [EVENT["file"], "2026-11-20 183012", "0.93", "{nothing}", "{camera} $(touch x) a.jpg"]
    assert (event, key) == (EVENT, "key")


@pytest.mark.parametrize(("code", "kind"), [(1, RefusedError), (75, OutputError)])
def test_exit_codes(code: int, kind: type[Exception]) -> None:
    """75 asks for patience, others count against this delivery."""
    with pytest.raises(kind, match=r"another try|ended with") as caught:
        Exec([sys.executable, "-c", f"raise SystemExit({code})"])(Delivery(1, "k", EVENT, 0.0))
    assert type(caught.value) is kind


def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    """Also one that has started others and ignores SIGTERM."""
    pid = tmp_path / "pid"
    child = f"""
import os, signal, time
signal.signal(15, signal.SIG_IGN)
open({str(pid)!r}, "w").write(str(os.getpid()))
time.sleep(60)"""
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with pytest.raises(RefusedError, match="has not ended within 1 s"):
        Exec([sys.executable, "-c", parent], timeout=1.0)(Delivery(1, "k", EVENT, 0.0))
    if pid.exists():
        until(lambda: _is_dead(pid.read_text()))


def _is_dead(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] in "ZX"
    except OSError:
        return True


def test_a_command_that_is_not_there() -> None:
    """The delivery waits until it is installed."""
    with pytest.raises(OutputError, match="there is no command nosuchthing; install it"):
        Exec(["nosuchthing"]).test()
