"""`smartselfie status` with several daemons: all are listed, one that is unwell is enough for exit code 1."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path

from smartselfie.commands.status import status
from smartselfie.outputs.health import status_name


def write(run: Path, pictures: str, **more: object) -> None:
    """The status file of a daemon that saves there."""
    told = {"pid": os.getpid(), "clock": time.monotonic(), "folder": pictures, "outage": "", **more}
    (run / status_name(Path(pictures))).write_text(json.dumps(told))


def test_a_stuck_daemon_is_not_hidden_by_a_well_one(tmp_path: Path) -> None:
    """Both are listed, and the code is 1; --folder looks at one alone."""
    write(tmp_path, "/a")
    write(tmp_path, "/b", clock=time.monotonic() - 3600)
    out = io.StringIO()
    assert status(out=out, folders=[tmp_path]) == 1
    assert "/a" in out.getvalue()
    assert "unwell: it is stuck" in out.getvalue()
    assert status(out=io.StringIO(), folders=[tmp_path], pictures=Path("/a")) == 0
    assert status(out=io.StringIO(), folders=[tmp_path], pictures=Path("/b")) == 1
    assert status(out=io.StringIO(), folders=[tmp_path], pictures=Path("/c")) == 1


def test_json_of_several_has_a_list(tmp_path: Path) -> None:
    """One daemon is told as ever, several as `daemons`."""
    write(tmp_path, "/a")
    out = io.StringIO()
    status(as_json=True, out=out, folders=[tmp_path])
    assert json.loads(out.getvalue())["folder"] == "/a"
    write(tmp_path, "/b", outage="disk full")
    out = io.StringIO()
    assert status(as_json=True, out=out, folders=[tmp_path]) == 1
    told = json.loads(out.getvalue())
    assert told["ok"] is False
    assert sorted(each["folder"] for each in told["daemons"]) == ["/a", "/b"]
