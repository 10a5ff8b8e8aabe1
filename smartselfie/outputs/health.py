"""How the daemon is: the small file that it writes, and what `smartselfie status` makes of it."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import stat
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import platformdirs
import psutil

from smartselfie._version import __version__
from smartselfie.outputs import BaseOutput
from smartselfie.records import Event, View

log = logging.getLogger(__name__)

PATTERN = "status-*.json"
"""The files of all daemons of a user: one a folder of pictures, which has one writer."""
EVERY = 1.0
"""Seconds between two writings of the file."""
STALE = 10.0
"""Seconds without a new file after which the loop counts as stuck: a slow disk may hold it for some."""
SYSTEM = Path("/run/smartselfie")
"""Where the systemd unit's file is."""

Status = dict[str, object]


class Store(Protocol):
    """What is asked of the saver."""

    @property
    def folder(self) -> Path:
        """Where the pictures go."""
        ...

    @property
    def saved(self) -> int:
        """Pictures written since the start."""
        ...

    @property
    def lost(self) -> int:
        """Pictures that could not be written."""
        ...

    @property
    def outage(self) -> str:
        """Why no picture can be written; empty when they can."""
        ...


class Health(BaseOutput):
    """An output that writes the status file, at most once a second.

    `camera` tells the camera's state and, in words, what is wrong with it; None for a recording. `outputs`
    tells how those are who are told. The file is replaced in one step, so that no reader sees
    half of one, and removed by `close`. That it cannot be written is a warning, said once.
    """

    view_every = 0.25  # oftener than it writes, to know how old the newest frame is

    def __init__(
        self,
        folder: Path,
        *,
        source: str,
        store: Store,
        camera: Callable[[], tuple[str, str]] | None = None,
        outputs: Callable[[], list[dict[str, object]]] = list,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self.path = folder / status_name(store.folder)
        self._source = source
        self._store, self._camera, self._outputs = store, camera, outputs
        self._clock, self._now = clock, now
        self._started, self._started_at = now(), clock()
        self._due = float("-inf")
        self._frame: tuple[int, float] | None = None
        self._frame_at: float | None = None
        self._cpu = time.process_time(), self._started_at
        self._error: dict[str, object] | None = None
        self._said = False
        try:
            _make_private(folder)
        except OSError as error:
            self._due = float("inf")  # never: the folder may be a trap
            self._complain(error)

    def view(self, view: View) -> None:
        """Write the file when it is due."""
        now = self._clock()
        frame = view.frame.seq, view.frame.at
        if view.frame.at > 0 and frame != self._frame:
            self._frame, self._frame_at = frame, now
        if now >= self._due:
            self._due = now + EVERY
            try:
                self._write(self._status(view, now))
            except OSError as error:
                self._complain(error)

    def event(self, event: Event) -> None:
        """Remember an event that tells of trouble as the last error."""
        told = {
            "camera_lost": lambda: f"camera lost: {event.get('reason')}",
            "save_failed": lambda: f"pictures cannot be written: {event.get('reason')}",
            "disk_full": lambda: f"disk full: {event.get('reason')}",
            "config_refused": lambda: "settings refused: {}".format(
                " ".join(map(str, event.get("errors", ())))  # type: ignore[call-overload]
            ),
        }.get(str(event.get("event")))
        if told is not None:
            self._error = {"time": _stamp(self._now()), "what": told()}

    def close(self) -> None:
        """Remove the file: whoever finds none knows that nothing runs. Harmless when repeated."""
        with suppress(OSError):
            if read_status(self.path).get("pid") == os.getpid():
                self.path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _status(self, view: View, now: float) -> Status:
        state, trouble = self._camera() if self._camera is not None else ("", "")
        age = None if self._frame_at is None else round(now - self._frame_at, 2)
        return {
            "version": __version__,
            "pid": os.getpid(),
            "started": _stamp(self._started),
            "time": _stamp(self._now()),
            "clock": now,  # never rounded up: a reader within the same millisecond would see the future
            "uptime": round(now - self._started_at, 1),
            "state": view.decision.state.value,
            "why": view.decision.why,
            "source": self._source,
            "camera": {"state": state, "notice": trouble} if self._camera is not None else None,
            "frame_age": age,
            "fps": round(view.fps, 1) if age is not None and age < 2 else 0.0,
            "faces": len(view.faces),
            "shots": view.shots,
            "saved": self._store.saved,
            "lost": self._store.lost,
            "folder": str(self._store.folder),
            "disk_free": _free(self._store.folder),
            "outage": self._store.outage,
            "notices": list(view.notices),
            "last_error": self._error,
            "outputs": self._outputs(),
            "memory": resident(),
            "cpu": self._share(now),
            "threads": threading.active_count(),
        }

    def _share(self, now: float) -> float:
        """Share of one core used since the last look."""
        (used, at), self._cpu = self._cpu, (time.process_time(), now)
        return round((self._cpu[0] - used) / (now - at), 3) if now > at else 0.0

    def _write(self, status: Status) -> None:
        part = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            part.write_text(json.dumps(status, indent=1) + "\n", encoding="utf-8")
            part.chmod(0o644)  # whatever the service's umask: the machine's other users may ask how it is
            part.replace(self.path)
        finally:
            part.unlink(missing_ok=True)

    def _complain(self, error: OSError) -> None:
        if not self._said:
            self._said = True
            log.warning(
                "%s cannot be written (%s): 'smartselfie status' is blind", self.path, error.strerror or error
            )


def runtime_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where this user's status file belongs."""
    if given := environment.get("RUNTIME_DIRECTORY"):
        return Path(given.partition(":")[0])
    if session := environment.get("XDG_RUNTIME_DIR"):
        return Path(session, "smartselfie")
    return _own_folder()


def _own_folder() -> Path:
    with warnings.catch_warnings():  # where a session has no folder the system's temporary one will do
        warnings.simplefilter("ignore")
        return platformdirs.user_runtime_path("smartselfie", appauthor=False)


def status_name(pictures: Path) -> str:
    """Return the name of the status file of the daemon that saves its pictures there."""
    digest = hashlib.blake2b(os.fsencode(pictures.absolute()), digest_size=6).hexdigest()
    return PATTERN.replace("*", digest)


def find_statuses(folders: Iterable[Path] = (), pictures: Path | None = None) -> list[tuple[Path, Status]]:
    """Return the status files and what they say, looked for where this user's and the system's are.

    `pictures`: only that of the daemon that saves there. Raises `FileNotFoundError` where there is none.
    """
    places = tuple(folders) or tuple(dict.fromkeys((runtime_folder(), _own_folder(), SYSTEM)))
    found = []
    for folder in places:
        for path in sorted(folder.glob(PATTERN if pictures is None else status_name(pictures))):
            with suppress(FileNotFoundError, PermissionError):
                found.append((path, read_status(path)))
    if not found:
        whose = "" if pictures is None else f" of {pictures}"
        raise FileNotFoundError(f"no status{whose} in {', '.join(map(str, dict.fromkeys(places)))}")
    return found


def read_status(path: Path) -> Status:
    """Return what a status file says; {} when it makes no sense. Raises `OSError` when it cannot be read."""
    try:
        status = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}


def problems(status: Status, *, now: float, alive: Callable[[int], bool] | None = None) -> list[str]:
    """Return why a daemon with this status is unwell, in words; [] when it is well.

    `now` is monotonic seconds, which all processes share since the machine's start: the wall clock may jump.
    """
    pid = status.get("pid")
    if not isinstance(pid, int):
        return ["its status file makes no sense"]
    if not (alive or is_alive)(pid):
        return [f"it died: process {pid} is gone and has left its status file behind"]
    silent = now - _number(status.get("clock"))
    if not 0 <= silent <= STALE:
        since = f"for {silent:.0f} s" if silent > 0 else "since the machine was started"
        return [f"it is stuck: process {pid} has not told how it is {since}"]
    camera, outage = status.get("camera"), status.get("outage")
    found = []
    if isinstance(camera, dict) and camera.get("state") not in _GIVES_PICTURES:
        found.append(str(camera.get("notice") or "no camera"))
    if outage:
        found.append(str(outage))
    return found


_GIVES_PICTURES = ("ok", "frozen", "black")
"""Camera states in which pictures arrive; that they are frozen or black may be meant."""


def is_alive(pid: int) -> bool:
    """Whether there is such a process, whoever's."""
    return psutil.pid_exists(pid)


def resident(pid: int | None = None) -> int:
    """Return the bytes of memory that a process, by default this one, has in use now."""
    return int(psutil.Process(pid).memory_info().rss)


def _make_private(folder: Path) -> None:
    """Make the folder; refuse one that somebody else put there, where everybody may."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    status = folder.lstat()
    whose = os.getuid() if hasattr(os, "getuid") else status.st_uid
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != whose:
        raise PermissionError(f"{folder} is somebody else's")


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:  # its disk is gone, which the saver says
        return None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _stamp(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
