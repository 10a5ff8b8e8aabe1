"""Encoded pictures on their way to the disk: written in order, kept while it takes none, never lost silently.

Without a thread or a lock: one thread calls, others only read `status`.
"""

from __future__ import annotations

import errno
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from smartselfie.errors import SaveError
from smartselfie.pictures.files import ENDINGS
from smartselfie.records import Shot
from smartselfie.saving.folder import PictureFolder
from smartselfie.saving.names import Namer
from smartselfie.saving.storage import OVERLAY, Storage, in_words
from smartselfie.seams import Emit

log = logging.getLogger(__name__)

_TIDY_EVERY = 600.0
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(slots=True)
class EncodedPicture:
    """A shot, encoded."""

    shot: Shot | None
    """For the view; let go of when the picture has to wait, because frames are large."""
    taken: datetime
    score: float
    """How much it smiles, 0..1."""
    ending: str
    data: bytes
    overlay: bytes
    """The annotated copy, a JPEG; empty for none."""
    event: dict[str, object]
    """What to announce of it; `file` is filled in."""
    path: Path | None = None

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data) + len(self.overlay)


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """How an outbox is doing."""

    outage: str = ""
    """Why no picture can be written, in words; empty when they can."""
    full: bool = False
    """The outage is for want of space on the disk, or within the limits of storage."""
    limited: bool = False
    """A limit of storage is reached: no picture is to be taken."""
    waiting: int = 0
    saved: int = 0
    lost: int = 0
    last_shot: Shot | None = None
    """The newest that was written, with its `path`."""


class Outbox:
    """Writes pictures to a folder and announces each that is in place.

    While the folder takes none, at most `buffer_bytes` of pictures wait; the first attempt comes after
    `retry[0]` seconds, later ones after twice as long each, at most `retry[1]`. An outage is logged and
    announced when it begins; every lost picture is named.
    """

    def __init__(
        self,
        folder: PictureFolder,
        storage: Storage,
        namer: Namer,
        *,
        emit: Emit,
        event: str,
        keep: int | None,
        buffer_bytes: int,
        retry: tuple[float, float],
        monotonic: Callable[[], float],
    ) -> None:
        self.status = OutboxStatus()
        self._folder = folder
        self._storage = storage
        self._namer = namer
        self._emit = emit
        self._event = event
        self._keep = keep
        self._buffer_bytes = buffer_bytes
        self._retry = retry
        self._monotonic = monotonic
        self._waiting: deque[EncodedPicture] = deque()
        self._counted = False
        self._delay = retry[0]
        self._due = self._tidy_at = monotonic()

    def open(self) -> None:
        """Open the folder; a disk that cannot be used is an outage, a second writer a `SaveError`."""
        try:
            self._open_folder()
        except SaveError:
            raise
        except OSError as error:
            self._begin_outage(error)

    def name_with(self, namer: Namer) -> None:
        """Name pictures so from now on."""
        self._namer, self._counted = namer, False

    def seconds_to_wait(self) -> float:
        """Seconds until `write` has something to do, even if no picture comes; 0 when it has by now."""
        due = self._due if self.status.outage else self._tidy_at
        return max(due - self._monotonic(), 0.0)

    def add(self, picture: EncodedPicture) -> None:
        """Put a picture behind those that wait."""
        if self.status.outage:
            picture.shot = None
        self._waiting.append(picture)
        self._note()

    def write(self, *, now: bool = False) -> None:
        """Write what waits; during an outage only when the next attempt is due, or `now` demands it."""
        due = now or self.seconds_to_wait() <= 0
        if due or not self.status.outage:
            self._write_all(tidy=due)
        self._drop_overflow()

    def give_up(self) -> None:
        """Name and forget what waits."""
        self.lose(self.labels(), self.status.outage)
        self._waiting.clear()
        self._note()

    def labels(self) -> list[str]:
        """Return what people would call the pictures that wait."""
        return [label(picture.taken) for picture in list(self._waiting)]

    def lose(self, labels: Iterable[str], why: str) -> None:
        """Say that pictures are lost."""
        labels = list(labels)
        if not labels:
            return
        self.status = replace(self.status, lost=self.status.lost + len(labels))
        for each in labels:
            log.error("lost: %s: %s", each, why)
        self._emit("save_failed", folder=str(self._folder.path), reason=why, lost=labels)

    def _write_all(self, *, tidy: bool) -> None:
        if tidy and not self._try(self._tidy):
            return
        while self._waiting:
            picture = self._waiting[0]
            if picture.path is None:
                if not self._try(partial(self._write_picture, picture)):
                    return
                self._announce(picture)
            if picture.overlay and not self._try(partial(self._write_overlay, picture)):
                return
            self._waiting.popleft()
            self._note()
            if self._keep is not None and not self._try(partial(self._storage.keep_newest, self._keep)):
                return
        self._end_outage()

    def _try(self, step: Callable[[], None]) -> bool:
        """Whether a step succeeded; what the disk answers otherwise begins an outage, or goes on with one."""
        try:
            step()
        except OSError as error:
            self._begin_outage(error)
            return False
        return True

    def _open_folder(self) -> None:
        if self._folder.prepare() or not self._counted:
            self._namer.continue_after(Path(name).stem for name in self._folder.names())
            self._counted = True

    def _tidy(self) -> None:
        """Apply the limits also while no picture comes: ages grow, and a full disk is to be said early."""
        self._tidy_at = self._monotonic() + _TIDY_EVERY
        self._open_folder()
        self._make_room(0)

    def _make_room(self, size: int) -> None:
        if why := self._storage.make_room(size):
            raise _LimitError(errno.ENOSPC, why)

    def _write_picture(self, picture: EncodedPicture) -> None:
        self._open_folder()
        self._make_room(picture.size)
        name = self._namer(picture.taken, picture.score, self._is_taken)
        picture.path = self._folder.write(name + picture.ending, picture.data)
        self._storage.saved(picture.path.name)

    def _write_overlay(self, picture: EncodedPicture) -> None:
        assert picture.path is not None
        self._folder.write(f"{picture.path.stem}{OVERLAY}.jpg", picture.overlay)

    def _is_taken(self, name: str) -> bool:
        """Whether a name without ending is in use, with any ending that a picture or its copy has."""
        return any(self._folder.has(name + end) for end in (*ENDINGS.values(), f"{OVERLAY}.jpg"))

    def _announce(self, picture: EncodedPicture) -> None:
        shot = replace(picture.shot, path=picture.path) if picture.shot else self.status.last_shot
        self.status = replace(self.status, saved=self.status.saved + 1, last_shot=shot)
        self._emit(self._event, **{**picture.event, "file": str(picture.path)})

    def _note(self) -> None:
        self.status = replace(self.status, waiting=len(self._waiting))

    def _begin_outage(self, error: OSError) -> None:
        full = error.errno in _FULL
        reason = error.strerror or str(error)
        limited = isinstance(error, _LimitError)
        words = f"pictures cannot be written ({reason})"
        if full:
            words = f"{'storage' if limited else 'disk'} full ({reason})"
        if not full:
            self._folder.release()  # so that a pulled disk can be unmounted, and mounted again
        before = self.status
        self.status = replace(before, outage=words, full=full, limited=limited)
        self._delay = min(2 * self._delay, self._retry[1]) if before.outage else self._retry[0]
        self._due = self._monotonic() + self._delay
        for picture in self._waiting:
            picture.shot = None
        if before.outage and before.full == full:
            return
        folder = str(self._folder.path)
        what = "no more are taken" if limited else "pictures wait in memory"
        log.error("%s: %s; %s until that ends", folder, words, what)
        if self._waiting or not limited:
            self._emit("save_failed", folder=folder, reason=reason, waiting=len(self._waiting))
        if full:
            self._emit("disk_full", folder=folder, reason=reason)

    def _end_outage(self) -> None:
        if self.status.outage:
            self.status = replace(self.status, outage="", full=False, limited=False)
            log.warning("%s: pictures are written again", self._folder.path)

    def _drop_overflow(self) -> None:
        """Keep what was taken first: later pictures are lost when they do not fit."""
        dropped: list[str] = []
        while self._waiting and sum(each.size for each in self._waiting) > self._buffer_bytes:
            dropped.insert(0, label(self._waiting.pop().taken))
        if dropped:
            self._note()
            self.lose(
                dropped, f"{self.status.outage}, and no more than {in_words(self._buffer_bytes)} can wait"
            )


class _LimitError(OSError):
    """A limit of storage leaves no room."""


def label(taken: datetime) -> str:
    """Return what people would call a picture that has no name yet."""
    return f"the picture of {taken:%Y-%m-%d %H:%M:%S}.{taken.microsecond // 1000:03}"
