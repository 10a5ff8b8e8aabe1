"""The thread that turns shots into files, so that the loop need not wait for the disk."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from smartselfie.errors import SaveError
from smartselfie.records import Shot
from smartselfie.saving.defaults import FORMAT, NAME, QUALITY
from smartselfie.saving.encoding import SaverOptions, encoded
from smartselfie.saving.folder import PictureFolder
from smartselfie.saving.names import Namer
from smartselfie.saving.outbox import Outbox, label
from smartselfie.saving.storage import Limits, Storage
from smartselfie.seams import Emit

BUFFER_BYTES = 128 * 1024 * 1024
"""Encoded pictures kept while they cannot be written: about 40 of 12 megapixels, 400 of 1280x720."""
QUEUE_SIZE = 3
"""Shots waiting to be encoded: they are whole frames, 36 MB each at 12 megapixels."""
PATIENCE = 8.0
"""Seconds for which the loop waits when a disk hangs: longer, and nobody could end the program."""


class FolderSaver:
    """Writes shots to a folder in a thread of its own, in the order they come.

    A `shot` event (`event` names another) follows each file once it is on the disk. While the folder cannot
    be written, at most `buffer_bytes` of encoded pictures are kept, and written when it can be again; the
    pace of `retry` is its first and longest pause in seconds. `save_failed` and `disk_full` say so once, and
    name every loss. Raises `SaveError` when another program writes to the folder. `keep` bounds the number of
    pictures in the folder: the oldest go. `trigger` and `model_version` are noted in each picture.
    """

    def __init__(
        self,
        folder: Path | PictureFolder,
        *,
        emit: Emit,
        format: str = FORMAT,
        quality: int = QUALITY,
        name: str = NAME,
        save_overlay: bool = False,
        trigger: Mapping[str, object] | None = None,
        model_version: str = "",
        limits: Limits | None = None,
        keep: int | None = None,
        event: str = "shot",
        buffer_bytes: int = BUFFER_BYTES,
        queue_size: int = QUEUE_SIZE,
        retry: tuple[float, float] = (0.5, 5.0),
        patience: float = PATIENCE,
        thread_name: str = "saver",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder if isinstance(folder, PictureFolder) else PictureFolder(folder)
        self._options = SaverOptions(format, quality, name, save_overlay, trigger or {}, model_version)
        self._storage = Storage(self._folder.path, limits or Limits(), now=now, monotonic=monotonic)
        self._outbox = Outbox(
            self._folder,
            self._storage,
            Namer(name),
            emit=emit,
            event=event,
            keep=keep,
            buffer_bytes=buffer_bytes,
            retry=retry,
            monotonic=monotonic,
        )
        self._queue_size = queue_size
        self._patience = patience
        self._changed = threading.Condition()  # guards everything below
        self._queue: deque[Shot] = deque()
        self._encoding: Shot | None = None
        self._namer: Namer | None = None
        self._resume = False
        self._idle = False
        self._closing = False
        self._failure: BaseException | None = None
        self._told = False
        self._outbox.open()
        self._thread = threading.Thread(target=self._run, name=thread_name, daemon=True)
        self._thread.start()

    def save(self, shot: Shot) -> None:
        """Take the shot over; waits while the queue is full.

        When the disk hangs for longer than its patience, the shot is lost, and said. Raises what the thread
        failed with, `SaveError` after `close`.
        """
        with self._changed:
            room = self._changed.wait_for(
                lambda: len(self._queue) < self._queue_size or self._closing or self._failure is not None,
                self._patience,
            )
            self._raise_failure()
            if self._closing:
                raise SaveError("the saver is closed")
            if room:
                self._queue.append(shot)
                self._idle = False
                self._changed.notify_all()
        if not room:
            self._outbox.lose([label(shot.taken)], _why_lost(self._patience))

    def change(
        self,
        *,
        format: str | None = None,
        quality: int | None = None,
        name: str | None = None,
        save_overlay: bool | None = None,
        trigger: Mapping[str, object] | None = None,
        model_version: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Store shots differently from now on; None leaves a setting as it is.

        Raises `ValueError` (`ConfigError` for the name) and changes nothing when a value is bad.
        """
        wanted: dict[str, Any] = {
            "format": format,
            "quality": quality,
            "name": name,
            "save_overlay": save_overlay,
            "trigger": trigger,
            "model_version": model_version,
        }
        given = {key: value for key, value in wanted.items() if value is not None}
        with self._changed:
            options = replace(self._options, **given)
            if options.name != self._options.name:
                self._namer = Namer(options.name)
            self._options = options
            if limits is not None:
                self._storage.limits = limits
        if limits is not None:
            self.resume()

    @property
    def options(self) -> SaverOptions:
        """How shots are stored now."""
        return self._options

    @property
    def limits(self) -> Limits:
        """How much they may take now."""
        return self._storage.limits

    def resume(self) -> None:
        """Try again at once to write what waits."""
        with self._changed:
            self._resume = True
            self._idle = False
            self._changed.notify_all()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until every shot is on the disk, or kept for it; False after `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._idle or self._failure is not None, timeout)
            self._raise_failure()
            return self._idle

    def close(self, timeout: float = 10.0) -> None:
        """Write what is queued, try once more what waits, and stop; what could not be written is named.

        Raises what the thread failed with, if nothing else has raised it yet. Harmless when repeated.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout)
        with self._changed:
            self._raise_failure()
            if not self._thread.is_alive():
                return
            pending = [self._encoding] if self._encoding is not None else []
            labels = [label(shot.taken) for shot in (*pending, *self._queue)]
            self._queue.clear()
        self._outbox.lose([*self._outbox.labels(), *labels], f"the disk did not take it within {timeout:g} s")

    def __enter__(self) -> FolderSaver:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        """Where the pictures go."""
        return self._folder.path

    @property
    def saved(self) -> int:
        """Pictures written since the start."""
        return self._outbox.status.saved

    @property
    def lost(self) -> int:
        """Pictures that were taken and could not be written."""
        return self._outbox.status.lost

    @property
    def last_shot(self) -> Shot | None:
        """The newest shot that was written, with its `path`."""
        return self._outbox.status.last_shot

    @property
    def outage(self) -> str:
        """Why no picture can be written, in words; empty when they can."""
        return self._outbox.status.outage

    @property
    def full(self) -> str:
        """Which limit of storage forbids more pictures, in words; empty when none does.

        A disk that merely takes nothing now is no reason to stop: pictures wait for it.
        """
        status = self._outbox.status
        return status.outage if status.limited else ""

    @property
    def notices(self) -> tuple[str, ...]:
        """What is wrong, in words for the view: "disk full (...): 3 pictures waiting"."""
        status = self._outbox.status
        found = []
        if status.outage:
            found.append(status.outage + (f": {_pictures(status.waiting)} waiting" if status.waiting else ""))
        if status.lost:
            found.append(f"{_pictures(status.lost)} lost")
        return tuple(found)

    def _raise_failure(self) -> None:
        """Raise what the thread failed with, to the first who asks."""
        if self._failure is None:
            return
        told, self._told = self._told, True
        if not told:
            raise self._failure
        if not self._closing:
            raise SaveError("the saver has stopped") from self._failure

    def _run(self) -> None:
        try:
            while self._step():
                pass
        except BaseException as error:  # stored, and raised in the loop
            with self._changed:
                self._failure = error
                pending = [self._encoding] if self._encoding is not None else []
                labels = [label(shot.taken) for shot in (*pending, *self._queue)]
                self._changed.notify_all()
            self._outbox.lose([*self._outbox.labels(), *labels], f"the saver failed: {error}")
        finally:
            self._folder.release()

    def _step(self) -> bool:
        """Encode one shot and write what can be written; False when the saver is closed and all is done."""
        learning = self._learn()
        with self._changed:
            wait = min(self._outbox.seconds_to_wait(), 0.001 if learning else float("inf"))
            if wait > 0 and not (self._queue or self._closing or self._resume):
                self._idle = True
                self._changed.notify_all()
                self._changed.wait(wait)
            shot = self._encoding = self._queue.popleft() if self._queue else None
            last = self._closing and not self._queue
            now, self._resume = self._resume or last, False
            options, namer, self._namer = self._options, self._namer, None
            self._idle = False
            self._changed.notify_all()
        if namer is not None:
            self._outbox.name_with(namer)
        if shot is not None:
            self._outbox.add(encoded(shot, options))
            with self._changed:
                self._encoding = None
        self._outbox.write(now=now)
        if last:
            self._outbox.give_up()
        return not last

    def _learn(self) -> bool:
        """Have the storage learn a little while there is nothing to save; whether it has more to learn."""
        with self._changed:
            if self._queue or self._closing:
                return False
        try:
            return not self._storage.learn(0.05)
        except OSError:  # who writes a picture next says so
            return False


def _why_lost(patience: float) -> str:
    return f"the disk has not answered for {patience:g} s" if patience else "the disk does not keep up"


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"
