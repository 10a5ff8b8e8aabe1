"""How much pictures may take: which of the oldest to remove, and when to stop.

`plan` decides, without any I/O; `Storage` looks at a folder and does what it says. Only pictures that this
program wrote are ever removed, and never one that a person rated 5.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from smartselfie.errors import PictureError
from smartselfie.pictures.files import PictureInfo, read_metadata

log = logging.getLogger(__name__)

OVERLAY = "-overlay"
"""What follows a picture's name (before the ending) in the name of its annotated copy."""
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that is set says less: this program was written later."""
READING = 0.2
"""Seconds for which one look at the folder reads what is in its files; the rest is read by `learn`."""
_KEPT_RATING = 5
_ENDINGS = {".jpg", ".jpeg", ".png"}
_CLOCK_SLACK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a folder of pictures may take; None: no limit."""

    max_size: int | None = None
    """Bytes of all pictures together."""
    min_free: int | None = None
    """Bytes that must stay free on the disk."""
    max_age: float | None = None
    """Seconds; older pictures are removed, whatever `when_full` says."""
    when_full: str = "stop"
    """stop, or remove_oldest."""

    def __post_init__(self) -> None:
        if self.when_full not in ("stop", "remove_oldest"):
            raise ValueError(f"when_full: need stop or remove_oldest, got {self.when_full!r}")
        for name in ("max_size", "min_free", "max_age"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"need {name} >= 0, got {value}")


@dataclass(frozen=True, slots=True)
class Stored:
    """A picture in the folder, as `plan` sees it."""

    name: str
    size: int
    """Bytes, those of its annotated copy included."""
    age: float | None
    """Seconds; None where no clock that was set has seen it taken."""
    rating: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do before a picture is written."""

    remove: tuple[str, ...] = ()
    full: str = ""
    """Which limit still leaves no room, in words; empty when all are kept."""


def plan(pictures: Iterable[Stored], limits: Limits, *, incoming: int, free: int) -> Plan:
    """Return what to remove so that `incoming` bytes fit, and whether they do.

    `pictures` come oldest first, `free` is what the disk has. When removing every picture that may go would
    not make enough room, none is removed for it. A disk without room breaks no limit by itself: it says so
    when it is written to.
    """
    pictures = list(pictures)
    old = [
        each
        for each in pictures
        if limits.max_age is not None
        and each.age is not None
        and each.age > limits.max_age
        and each.rating < _KEPT_RATING
    ]
    remove = tuple(each.name for each in old)
    gone = set(remove)
    left = [each for each in pictures if each.name not in gone]
    taken = sum(each.size for each in left)
    free += sum(each.size for each in old)
    beyond_size = taken + incoming - limits.max_size if limits.max_size is not None else 0
    beyond_free = incoming + limits.min_free - free if limits.min_free else 0
    full = ""
    if beyond_free > 0 and beyond_free >= beyond_size:
        full = f"{in_words(free)} free, {in_words(limits.min_free or 0)} must stay"
    elif beyond_size > 0:
        full = f"pictures take {in_words(taken)} of the {in_words(limits.max_size or 0)} they may"
    if limits.when_full == "stop":
        return Plan(remove, full)
    missing = max(beyond_size, beyond_free, incoming - free)
    if missing <= 0:
        return Plan(remove)
    oldest = []
    for each in left:
        if each.rating < _KEPT_RATING:
            oldest.append(each.name)
            missing -= each.size
            if missing <= 0:
                return Plan((*remove, *oldest))
    return Plan(remove, full and f"{full}, and removing pictures that may go would not be enough")


def in_words(size: int) -> str:
    """Return a number of bytes as people write it: 512 bytes, 1.5 MB."""
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(value) < 999.5:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def clock_is_set(now: datetime, newest: datetime | None) -> bool:
    """Whether the wall clock can be believed: not before this program, nor well before the newest picture."""
    return now >= EARLIEST and (newest is None or now >= newest - _CLOCK_SLACK)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is remembered of a file, small because there are thousands."""

    key: tuple[int, ...]
    """Size in bytes first; another key means that the file has changed."""
    ours: bool = False
    rating: int = 0
    taken: float | None = None
    """Seconds since 1970."""
    read: bool = True
    """False: it has only been listed yet. Its size counts as ours, and it stays."""

    @property
    def size(self) -> int:
        return self.key[0]


def _know(path: str, key: tuple[int, ...]) -> _Known:
    info = _read_ours(Path(path))
    if info is None:
        return _Known(key)
    return _Known(key, True, info.rating, info.taken.timestamp() if info.taken is not None else None)


def _copies(names: Iterable[str]) -> dict[str, list[str]]:
    """The annotated copies that belong to each picture."""
    stems = {name[: name.rfind(".")]: name for name in names}
    found: dict[str, list[str]] = {}
    for stem, name in stems.items():
        owner = stems.get(stem.removesuffix(OVERLAY))
        if owner is not None and owner != name:
            found.setdefault(owner, []).append(name)
    return found


class Storage:
    """Keeps one folder within its limits; used by the one thread that writes there.

    What a file says of itself is remembered until the file changes, so that thousands of pictures cost one
    look at the folder's entries for each new one, and not even that while no limit is near.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self.limits = limits
        self._folder = folder
        self._now = now
        self._monotonic = monotonic
        self._free = free
        self._known: dict[str, _Known] = {}
        self._unread: list[str] | None = None  # None: the folder has not been listed
        self._born: dict[str, float] = {}  # of this run's pictures: sound also while the wall clock is not
        self._said_clock = False
        self._is_short = False  # of room: then it matters which pictures are ours

    def saved(self, name: str) -> None:
        """Note that a picture has just been written."""
        self._born[name] = self._monotonic()

    def learn(self, seconds: float) -> bool:
        """Read what pictures say of themselves, for so long; whether all of them have been read.

        Thousands take seconds: done while nothing else is to do, they hold up neither a picture nor the end.
        Raises `OSError` when the folder cannot be read.
        """
        if self.limits.max_size is None and self.limits.max_age is None and not self._is_short:
            return True
        if self._unread is None:
            self._scan()
        assert self._unread is not None
        until = self._monotonic() + seconds
        while self._unread and self._monotonic() < until:
            name = self._unread.pop()
            known = self._known.get(name)
            if known is not None and not known.read:
                self._known[name] = _know(str(self._folder / name), known.key)
        return not self._unread

    def make_room(self, incoming: int) -> str:
        """Remove what the limits say, so that `incoming` bytes fit; returns which limit forbids them, or "".

        Raises `OSError` when the folder cannot be read.
        """
        limits = self.limits
        free = self._free(self._folder)
        if limits.max_size is None and limits.max_age is None and free >= incoming + (limits.min_free or 0):
            return ""
        self._is_short = True
        refused: set[str] = set()
        while True:
            pictures, copies = self._look()
            decided = plan(
                (each for each in pictures if each.name not in refused), limits, incoming=incoming, free=free
            )
            if not decided.remove:
                return decided.full
            refused |= {name for name in decided.remove if not self._remove([name, *copies.get(name, [])])}
            if removed := [name for name in decided.remove if name not in refused]:
                more = f" and {len(removed) - 1} more" if len(removed) > 1 else ""
                log.info("%s: removed %s%s to stay within the limits", self._folder, removed[0], more)
            free = self._free(self._folder)

    def keep_newest(self, count: int) -> None:
        """Remove all but the newest `count` pictures (those rated 5 stay)."""
        pictures, copies = self._look()
        for each in pictures[: max(len(pictures) - count, 0)]:
            if each.rating < _KEPT_RATING:
                self._remove([each.name, *copies.get(each.name, [])])

    def _look(self) -> tuple[list[Stored], dict[str, list[str]]]:
        """The folder's pictures, oldest first, and the annotated copies that belong to each."""
        ours = self._scan()
        copies = _copies(ours)
        attached = {name for names in copies.values() for name in names}
        newest = max((each.taken for each in ours.values() if each.taken is not None), default=None)
        now, passed = self._now(), self._monotonic()
        sound, wall = self._clock_is_sound(now, newest), now.timestamp()

        def stored(name: str, known: _Known) -> Stored:
            size, rating, age = known.size, known.rating, None
            if sound and known.taken is not None and known.taken >= EARLIEST.timestamp():
                age = wall - known.taken
                if name in self._born:
                    age = min(age, passed - self._born[name])
            for copy in copies.get(name, ()):
                size, rating = size + ours[copy].size, max(rating, ours[copy].rating)
            if not known.read:
                rating = _KEPT_RATING  # who knows what it is
            return Stored(name, size, age, rating)

        order = sorted(
            (self._born.get(name, float("-inf")), known.taken or 0.0, name)
            for name, known in ours.items()
            if name not in attached
        )
        return [stored(name, ours[name]) for _, _, name in order], copies

    def _scan(self) -> dict[str, _Known]:
        """What is known of each of our pictures, by name."""
        known: dict[str, _Known] = {}
        until = time.perf_counter() + READING
        with os.scandir(self._folder) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith(".") or name[name.rfind(".") :].lower() not in _ENDINGS:
                    continue
                try:
                    if not entry.is_file(follow_symlinks=False):
                        continue
                    status = entry.stat(follow_symlinks=False)
                except OSError:  # deleted by somebody while we look, or not to be looked at
                    continue
                key = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
                before = self._known.get(name)
                if before is not None and before.key == key:
                    known[name] = before
                elif time.perf_counter() < until:
                    known[name] = _know(entry.path, key)
                else:
                    known[name] = _Known(key, read=False)
        self._known = known
        self._unread = [name for name, each in known.items() if not each.read]
        self._born = {name: born for name, born in self._born.items() if name in known}
        return {name: each for name, each in known.items() if each.ours or not each.read}

    def _clock_is_sound(self, now: datetime, newest: float | None) -> bool:
        latest = datetime.fromtimestamp(newest, UTC) if newest is not None else None
        sound = clock_is_set(now, latest)
        if not sound and self.limits.max_age is not None and not self._said_clock:
            self._said_clock = True
            reference = max(latest, EARLIEST) if latest is not None else EARLIEST
            log.warning(
                "max_age waits: the clock says %s, which is before %s",
                f"{now:%Y-%m-%d}",
                f"{reference:%Y-%m-%d}",
            )
        return sound

    def _remove(self, names: list[str]) -> bool:
        """Remove a picture and its copies; False when it may not go after all, as it says by now."""
        paths = [self._folder / name for name in names]
        infos = [_read_ours(path) for path in paths if path.exists()]
        if any(info is None or info.rating >= _KEPT_RATING for info in infos):
            return False
        for path in paths:
            path.unlink(missing_ok=True)
        return True


def _read_ours(path: Path) -> PictureInfo | None:
    """What one of our pictures says of itself; None for every other file."""
    try:
        info = read_metadata(path)
    except (PictureError, OSError):  # one file that cannot be read must not stop the saving of others
        return None
    return info if info.ours else None
