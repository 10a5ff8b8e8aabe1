"""The status file, `smartselfie status`, and word to systemd: time is an argument, the files are real."""

from __future__ import annotations

import io
import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from smartselfie.commands.status import status
from smartselfie.daemon.watchdog import Watchdog, open_watchdog
from smartselfie.outputs.health import (
    STALE,
    Health,
    Status,
    find_statuses,
    is_alive,
    problems,
    read_status,
    runtime_folder,
    status_name,
)
from smartselfie.records import Decision, Frame, State, View


class Store:
    """A saver's word."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.saved, self.lost, self.outage = folder, 3, 0, ""


class Clock:
    """Monotonic seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def view(seq: int = 1, at: float = 1.0, *, shots: int = 0, notices: tuple[str, ...] = ()) -> View:
    """What the loop shows."""
    frame = Frame(np.zeros((4, 4, 3), np.uint8), seq, at)
    return View(frame, (), Decision(State.WATCHING, 0.0, False, "nobody"), 0.6, 25.0, shots, None, notices)


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def health(tmp_path: Path, clock: Clock) -> Health:
    """Health of a daemon whose camera is well."""
    return make(tmp_path, clock)


def make(folder: Path, clock: Clock, camera: tuple[str, str] = ("ok", ""), source: str = "auto") -> Health:
    """Health whose camera says that."""
    return Health(
        folder / "run",
        source=source,
        store=Store(folder),
        camera=lambda: camera,
        clock=clock,
        now=lambda: datetime(2026, 11, 20, 18, 30, tzinfo=UTC),
    )


def written(health: Health) -> Status:
    """What the file says."""
    return read_status(health.path)


def said(folder: Path, *, as_json: bool = False) -> tuple[int, str]:
    """What `smartselfie status` returns and prints."""
    out = io.StringIO()
    return status(as_json=as_json, out=out, folders=[folder]), out.getvalue()


# --- the file


def test_the_file_tells_how_it_is(health: Health, tmp_path: Path) -> None:
    """State, camera, frame rate, pictures, disk and memory stand in it, as JSON."""
    health.view(view(shots=4, notices=("camera is black",)))
    found = written(health)
    assert found["pid"] == os.getpid()
    assert (found["state"], found["why"], found["fps"]) == ("watching", "nobody", 25.0)
    assert (found["shots"], found["saved"], found["lost"]) == (4, 3, 0)
    assert found["camera"] == {"state": "ok", "notice": ""}
    assert found["notices"] == ["camera is black"]
    assert found["folder"] == str(tmp_path)
    assert found["time"] == "2026-11-20T18:30:00+00:00"
    assert isinstance(found["disk_free"], int)
    assert isinstance(found["memory"], int)
    assert found["memory"] > 10_000_000


def test_the_file_is_written_once_a_second(health: Health, clock: Clock) -> None:
    """Views within a second of the last writing leave the file as it is."""
    health.view(view(shots=1))
    clock.now += 0.9
    health.view(view(shots=2))
    assert written(health)["shots"] == 1
    clock.now += 0.1
    health.view(view(shots=2))
    assert written(health)["shots"] == 2


def test_a_reader_of_the_same_moment_finds_it_well(health: Health, clock: Clock) -> None:
    """The file never tells of a time after that of its writing."""
    clock.now = 100.0006
    health.view(view())
    assert problems(written(health), now=clock.now, alive=lambda pid: True) == []


def test_frame_age_grows_while_no_frame_comes(health: Health, clock: Clock) -> None:
    """The age counts from the newest frame; while none comes the frame rate is nought."""
    health.view(view(seq=7))
    clock.now += 5
    health.view(view(seq=7))
    assert (written(health)["frame_age"], written(health)["fps"]) == (5.0, 0.0)
    clock.now += 1
    health.view(view(seq=8))
    assert written(health)["frame_age"] == 0.0


def test_frame_age_is_unknown_before_the_first_frame(health: Health) -> None:
    """The empty picture that stands in for a first frame has no age."""
    health.view(view(seq=0, at=0.0))
    assert written(health)["frame_age"] is None


def test_trouble_is_remembered(health: Health) -> None:
    """The last event that tells of trouble stays as the last error; other events are none."""
    health.event({"event": "camera_lost", "reason": "stalled"})
    health.event({"event": "camera_back"})
    health.view(view())
    error = written(health)["last_error"]
    assert error == {"time": "2026-11-20T18:30:00+00:00", "what": "camera lost: stalled"}


def test_everybody_may_read_it(health: Health) -> None:
    """Whatever the service's umask is, other users can ask how it is."""
    before = os.umask(0o077)
    try:
        health.view(view())
    finally:
        os.umask(before)
    assert health.path.stat().st_mode & 0o777 == 0o644


def test_closing_removes_the_file(health: Health) -> None:
    """A daemon that stopped leaves no file; closing twice is harmless."""
    health.view(view())
    health.close()
    health.close()
    assert list(health.path.parent.iterdir()) == []


def test_closing_leaves_another_daemons_file(health: Health) -> None:
    """The file of a daemon that took over is not removed."""
    health.path.write_text('{"pid": 1}')
    health.close()
    assert health.path.exists()


def test_a_folder_that_cannot_be_written_is_said_once(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a place for its file the daemon works on, and warns once."""
    (tmp_path / "run" / status_name(tmp_path)).mkdir(parents=True)
    health = make(tmp_path, clock)
    for _ in range(3):
        clock.now += 1
        health.view(view())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "smartselfie status" in caplog.text


def test_somebody_elses_folder_is_not_used(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A link that waits under the folder's name in /tmp leads nobody to write elsewhere."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    health = make(tmp_path, clock)
    health.view(view())
    assert "somebody else's" in caplog.text
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_another_users_folder_is_not_used(
    health: Health, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder under the right name that belongs to another user is not written to."""
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    make(tmp_path, clock).view(view())
    assert list(health.path.parent.iterdir()) == []


# --- where it is


def test_the_runtime_folder_is_the_services_then_the_users() -> None:
    """systemd's folder goes before the session's, and that before /tmp."""
    both = {"RUNTIME_DIRECTORY": "/run/a:/run/b", "XDG_RUNTIME_DIR": "/run/user/7"}
    assert runtime_folder(both) == Path("/run/a")
    assert runtime_folder({"XDG_RUNTIME_DIR": "/run/user/7"}) == Path("/run/user/7/smartselfie")
    assert runtime_folder({}).name == "smartselfie"


def test_every_daemon_has_a_status_file(tmp_path: Path) -> None:
    """All are found, wherever they lie; the folder of the pictures picks one."""
    for name in "abc":
        (tmp_path / name).mkdir()
        (tmp_path / name / status_name(Path("/pictures") / name)).write_text(json.dumps({"pid": 1}))
    folders = [tmp_path / name for name in "abc"]
    assert [path.parent.name for path, _ in find_statuses(folders)] == ["a", "b", "c"]
    assert [path.parent.name for path, _ in find_statuses(folders, Path("/pictures/b"))] == ["b"]
    with pytest.raises(FileNotFoundError, match="of /pictures/d"):
        find_statuses(folders, Path("/pictures/d"))


# --- well or unwell


def well(**changes: object) -> Status:
    """The status of a daemon that is well, at second 100, but for the changes."""
    return {"pid": 7, "clock": 100.0, "camera": {"state": "ok", "notice": ""}, "outage": ""} | changes


@pytest.mark.parametrize("state", ["ok", "frozen", "black"])
def test_a_daemon_that_gets_pictures_is_well(state: str) -> None:
    """A picture that is frozen or black may be meant, and is no illness."""
    assert problems(well(camera={"state": state}), now=100.5, alive=lambda pid: True) == []


def test_a_recordings_daemon_is_well() -> None:
    """Without a camera none can be lost."""
    assert problems(well(camera=None), now=100.5, alive=lambda pid: True) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"camera": {"state": "unplugged", "notice": "camera lost, trying again"}}, "camera lost"),
        ({"camera": {"state": "stalled", "notice": "camera gives no pictures"}}, "no pictures"),
        ({"camera": {"state": "starting", "notice": "waiting for the camera"}}, "waiting for"),
        ({"outage": "disk full (0 bytes free)"}, "disk full"),
        ({"clock": 100.0 - STALE - 2}, "stuck: process 7 has not told how it is for 12 s"),
        ({"clock": 5000.0}, "since the machine was started"),
        ({"pid": None}, "makes no sense"),
    ],
)
def test_an_unwell_daemon_says_why(changes: Status, words: str) -> None:
    """A lost camera, a full disk, a loop that stands still: each is named."""
    (problem,) = problems(well(**changes), now=100.5, alive=lambda pid: True)
    assert words in problem


def test_a_dead_daemon_is_told_from_a_stuck_one() -> None:
    """A file whose process is gone says that it died."""
    (problem,) = problems(well(), now=100.5, alive=lambda pid: False)
    assert "died: process 7 is gone" in problem


def test_a_process_is_alive_whoevers_it_is() -> None:
    """This process and the first one live; a number that no process can have does not."""
    assert is_alive(os.getpid())
    assert is_alive(1)
    assert not is_alive(2**22 + 1)


def test_no_file_is_unwell(tmp_path: Path) -> None:
    """Without a daemon the command says how to start one, and returns 1."""
    code, text = said(tmp_path)
    assert code == 1
    assert "no daemon runs here; start it with: smartselfie" in text


def test_a_broken_file_is_unwell(tmp_path: Path) -> None:
    """A file that is no JSON is a problem in words, not an error."""
    (tmp_path / status_name(tmp_path)).write_text("{")
    code, text = said(tmp_path)
    assert code == 1
    assert "makes no sense" in text


def test_a_well_daemon_is_shown(tmp_path: Path) -> None:
    """What the daemon wrote a moment ago is shown, and 0 returned."""
    health = Health(tmp_path, source="auto", store=Store(tmp_path), camera=lambda: ("ok", ""))
    health.view(view(shots=2))
    code, text = said(tmp_path)
    assert code == 0
    assert "2 taken, 3 saved" in text
    assert "watching: nobody" in text
    assert "unwell" not in text


def test_a_lost_camera_is_shown(tmp_path: Path) -> None:
    """The problem comes first, and 1 is returned."""
    camera = ("unplugged", "camera lost, trying again")
    Health(tmp_path, source="auto", store=Store(tmp_path), camera=lambda: camera).view(view())
    code, text = said(tmp_path)
    assert code == 1
    assert text.startswith("unwell: camera lost, trying again\n")


def test_json_carries_the_verdict(tmp_path: Path) -> None:
    """--json prints one object with `ok`, `problems` and all that the file says."""
    Health(tmp_path, source="demo", store=Store(tmp_path)).view(view())
    code, text = said(tmp_path, as_json=True)
    found = json.loads(text)
    assert (code, found["ok"], found["problems"], found["source"]) == (0, True, [], "demo")
    code, text = said(tmp_path / "nowhere", as_json=True)
    assert (code, json.loads(text)["ok"]) == (1, False)


# --- systemd


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """The other end of NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.setblocking(False)
        yield heard


def heard(systemd: socket.socket) -> list[str]:
    """The lines that have come."""
    lines = []
    while True:
        try:
            lines += systemd.recv(4096).decode().split("\n")
        except BlockingIOError:
            return lines


def test_the_first_view_means_ready(systemd: socket.socket, clock: Clock) -> None:
    """When the loop has gone round once it is ready, once; a camera is not needed for that."""
    watchdog = Watchdog(systemd.getsockname(), usec=2_000_000, clock=clock)
    watchdog(view(seq=0, at=0.0, notices=("waiting for the camera",)))
    assert heard(systemd) == ["READY=1", "WATCHDOG=1", "STATUS=waiting for the camera; watching, 0 pictures"]
    clock.now += 1
    watchdog(view(notices=("waiting for the camera",)))
    assert heard(systemd) == ["WATCHDOG=1"]
    watchdog.close()


def test_life_is_shown_in_half_the_time_allowed(systemd: socket.socket, clock: Clock) -> None:
    """Signs of life come at half of WATCHDOG_USEC, however fast the loop is."""
    watchdog = Watchdog(systemd.getsockname(), usec=20_000_000, clock=clock)
    signs = 0
    for _ in range(200):
        watchdog(view())
        signs += heard(systemd).count("WATCHDOG=1")
        clock.now += 0.5
    assert signs == 10
    watchdog.close()


def test_no_sign_of_life_is_given_where_none_is_awaited(systemd: socket.socket, clock: Clock) -> None:
    """Without a watchdog only news are told: at most one message a second."""
    watchdog = Watchdog(systemd.getsockname(), clock=clock)
    watchdog(view(shots=0))
    watchdog(view(shots=1))
    clock.now += 1
    watchdog(view(shots=2))
    assert [line for line in heard(systemd) if "STATUS" in line] == [
        "STATUS=watching, 0 pictures",
        "STATUS=watching, 2 pictures",
    ]
    watchdog.close()


def test_closing_says_so(systemd: socket.socket, caplog: pytest.LogCaptureFixture) -> None:
    """The end is announced once."""
    watchdog = Watchdog(systemd.getsockname())
    watchdog.close()
    watchdog.close()
    assert heard(systemd) == ["STOPPING=1"]
    assert caplog.records == []


def test_a_deaf_supervisor_does_not_stop_the_loop(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A socket that nobody has is one warning."""
    watchdog = Watchdog(str(tmp_path / "nobody"), usec=1_000_000, clock=clock)
    for _ in range(3):
        clock.now += 1
        watchdog(view())
    watchdog.close()
    assert len(caplog.records) == 1


def test_no_supervisor_no_watchdog(systemd: socket.socket) -> None:
    """Started by hand there is no watchdog; one meant for another process is not fed."""
    assert open_watchdog({}) is None
    address = systemd.getsockname()
    for pid, signs in ((os.getpid(), ["WATCHDOG=1"]), (1, [])):
        environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "5000000", "WATCHDOG_PID": str(pid)}
        watchdog = open_watchdog(environment)
        assert watchdog is not None
        watchdog(view())
        assert [line for line in heard(systemd) if line == "WATCHDOG=1"] == signs
        watchdog.close()
