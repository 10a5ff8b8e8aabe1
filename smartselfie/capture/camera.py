"""Owns the capture thread of a live source: the newest frame wins, a lost camera is found again."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from smartselfie.capture.watch import CameraStatus, FrameStatistics, Watch, backoff
from smartselfie.errors import CameraLostError, CameraStuckError, SourceError
from smartselfie.records import Frame
from smartselfie.seams import Emit, Source

log = logging.getLogger(__name__)

OPENING = 30.0
"""Seconds that opening can take at the least (a name server may be slow) before it counts as blocked."""
MARGIN = 0.5
"""A reader that is late gets these seconds more to come back by itself (network sources do)."""
SLACK = 0.75
"""A frame is due when this share of the wanted interval has passed: cameras are not punctual."""

_WORDS = {
    CameraStatus.STARTING: "waiting for the camera",
    CameraStatus.LOST: "camera lost, trying again",
    CameraStatus.STALLED: "camera gives no pictures, trying again",
    CameraStatus.FROZEN: "camera picture is frozen",
    CameraStatus.BLACK: "camera is black or covered",
}


@runtime_checkable
class Grabbing(Protocol):
    """A source that can pass over frames without the work of decoding them."""

    def grab(self) -> None:
        """Wait for the next frame; may block, and raises as `read` does."""
        ...

    def retrieve(self) -> Frame | None:
        """Return the frame that was grabbed, None when it is damaged."""
        ...


class Camera:
    """Reads a live source in a thread of its own, watches it, and opens it anew when it is lost.

    `open_source` opens the source, in the thread, as often as needed. `open_after` is its patience for the
    first frame; `stall_after`, `frozen_after` and
    `black_after` are seconds (see `Watch`); a loss of more than `give_up` seconds ends in `CameraLostError`,
    None waits for ever. `emit` gets `camera_lost` (with `reason`) and `camera_back`, from the thread that
    calls `newest`. `retry_in` says how long to wait after so many failures in a row. A context manager:
    entering starts it, leaving closes it.

    `interval` may be set at any time: the seconds between the frames that the loop means to take. Those in
    between are not decoded, where the source can do without.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        *,
        stall_after: float = 3.0,
        open_after: float = 10.0,
        frozen_after: float = 20.0,
        black_after: float = 2.0,
        give_up: float | None = None,
        wait_for_first: bool = False,
        emit: Emit,
        clock: Callable[[], float] = time.monotonic,
        retry_in: Callable[[int], float] = lambda attempt: backoff(attempt, random.random()),
    ) -> None:
        self.interval = 0.0
        self._open_source = open_source
        self._stall_after, self._give_up = stall_after, give_up
        self._open_after = open_after
        self._wait_for_first = wait_for_first
        self._emit, self._clock, self._retry_in = emit, clock, retry_in
        self._changed = threading.Condition()
        self._watch = Watch(
            stall_after=stall_after,
            first_after=open_after,
            frozen_after=frozen_after,
            black_after=black_after,
        )
        self._statistics = FrameStatistics()
        self._reader: _Reader | None = None
        self._blocked: _Reader | None = None
        self._readers = 0
        self._frame: Frame | None = None
        self._frame_at = -float("inf")
        self._waiting = False
        self._seq = -1
        self._seq_base = 0
        self._size: tuple[int, int] | None = None
        self._opened = False
        self._error: BaseException | None = None
        self._trouble = ""
        self._told = CameraStatus.STARTING
        self._told_at = 0.0

    @property
    def status(self) -> CameraStatus:
        """How the camera is."""
        return self._watch.status

    @property
    def notice(self) -> str:
        """What is wrong, in words for people; empty when all is well."""
        return _WORDS.get(self._watch.status, "")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Open the camera for the first time.

        With `wait_for_first` it returns at once and goes on trying; else it raises what opening raises:
        `NoCameraError`, or `CameraStuckError` when the driver does not answer.
        """
        self._new_reader()
        if self._wait_for_first:
            return
        try:
            with self._changed:
                while not self._opened:
                    self._judge(self._clock())
                    if self._error is None and self._watch.status is CameraStatus.LOST:
                        self._error = self._reader.error if self._reader is not None else None
                    if self._error is not None:
                        raise self._error
                    self._changed.wait(0.1)
        except BaseException:
            self.close()
            raise

    def newest(self, timeout: float = 0.5) -> Frame | None:
        """Return the newest frame that nobody has taken, None when none comes within `timeout` seconds.

        Raises `CameraStuckError` when a reader is blocked in the driver, `CameraLostError` when the camera
        has been gone for `give_up` seconds, and whatever else ended the thread.
        """
        end = self._clock() + timeout
        while True:
            with self._changed:
                now = self._clock()
                self._judge(now)
                frame, self._frame = self._frame, None
                if frame is None and self._error is None and self._told is self._watch.status and now < end:
                    self._waiting = True
                    self._changed.wait(min(end - now, 0.1))
                    self._waiting = False
                    continue
            self._tell(now)
            if frame is not None:
                return frame
            if self._error is not None:
                raise self._error
            if now >= end:
                return None

    def close(self, timeout: float = 1.0) -> None:
        """Stop the thread; one that is blocked is left behind, without waiting if it has been for long.

        Harmless when repeated.
        """
        with self._changed:
            readers = [reader for reader in (self._reader, self._blocked) if reader is not None]
            self._reader = self._blocked = None
            for reader in readers:
                reader.stop.set()
        for reader in readers:
            busy = reader.busy_since
            blocked = busy is not None and self._clock() - busy > timeout
            reader.thread.join(0 if blocked else timeout)
            if reader.thread.is_alive():
                log.debug("%s is blocked and left behind", reader.thread.name)

    # What follows is called with the lock held.

    def _judge(self, now: float) -> None:
        """Do what is due by the clock alone: the reader may be blocked."""
        self._watch.tick(now)
        lost = self._watch.status in (CameraStatus.LOST, CameraStatus.STALLED)
        since = self._watch.since
        if lost and self._give_up is not None and since is not None and now - since >= self._give_up:
            self._fail(CameraLostError(f"the camera has been gone for {now - since:.0f} s: {self._trouble}"))
        reader = self._reader
        if reader is None or self._error is not None:
            return
        if self._blocked is not None and not self._blocked.thread.is_alive():
            self._blocked = None  # it came back, and has given the device back
        if self._blocked is not None:
            if now - reader.alive_at >= self._stall_after:
                self._fail(
                    CameraStuckError("the camera's driver does not answer", remedy="a restart may cure it")
                )
        elif reader.busy_since is not None and now - reader.busy_since >= self._patience(reader):
            log.debug("%s is blocked; one more try", reader.thread.name)
            reader.stop.set()
            self._blocked = reader
            self._watch.stuck(now)
            self._new_reader()

    def _patience(self, reader: _Reader) -> float:
        patience = self._stall_after + MARGIN
        if reader.has_read:
            return patience
        first = self._open_after + MARGIN
        return max(patience, first if reader.is_open else OPENING, first)

    def _fail(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error
        self._changed.notify_all()

    def _new_reader(self) -> None:
        self._readers += 1
        self._reader = _Reader(self, f"camera-{self._readers}", self._clock())
        self._reader.thread.start()

    # Without the lock, in the thread of whoever calls `newest`.

    def _tell(self, now: float) -> None:
        """Announce and log a change of the status, once each."""
        was, status = self._told, self._watch.status
        if status is was:
            return
        self._told = status
        if status is CameraStatus.OK:
            if was is not CameraStatus.STARTING:
                log.info("the camera is back after %.1f s", now - self._told_at)
                self._emit("camera_back", after=round(now - self._told_at, 2), reason=was.value)
            return
        if was in (CameraStatus.STARTING, CameraStatus.OK):
            self._told_at = now
        why = f" ({self._trouble})" if self._trouble and not status.gives_frames else ""
        log.warning("%s%s", _WORDS[status], why)
        self._emit("camera_lost", reason=status.value)

    # In the reader's thread.

    def run_reader(self, reader: _Reader) -> None:
        """Open, read, and open anew, until told to stop."""
        try:
            attempt = 0
            while not reader.stop.is_set():
                again = False
                try:
                    again = self._read_all(reader)
                except SourceError as error:
                    with self._changed:
                        if not reader.stop.is_set():
                            reader.error, self._trouble = error, str(error)
                            self._watch.failed(self._clock())
                            self._changed.notify_all()
                attempt = 0 if reader.has_read else attempt + 1
                if not again:
                    reader.stop.wait(self._retry_in(attempt))
        except BaseException as error:
            with self._changed:
                self._fail(error)

    def _read_all(self, reader: _Reader) -> bool:
        """Read until the source fails or is to be opened anew (True)."""
        reader.is_open = reader.has_read = False
        with reader.busy(self._clock):
            source = self._open_source()
        try:
            with self._changed:
                self._opened = reader.is_open = True
                self._seq_base = self._seq + 1
                self._watch.opened(self._clock())
                self._changed.notify_all()
            grabbing = source if isinstance(source, Grabbing) else None
            while not reader.stop.is_set():
                frame = self._grab(reader, grabbing) if grabbing is not None else self._read(reader, source)
                if frame is not None and self._take(reader, frame):
                    return True
        finally:
            source.close()
        return False

    def _read(self, reader: _Reader, source: Source) -> Frame:
        with reader.busy(self._clock):
            frame = source.read()
        if frame is None:
            raise CameraLostError("the stream has ended")
        return frame

    def _grab(self, reader: _Reader, source: Grabbing) -> Frame | None:
        """Return the next frame; None for one that is damaged, or that the loop would not look at."""
        with reader.busy(self._clock):
            source.grab()
        with self._changed:
            now = self._clock()
            if reader.has_read and not self._waiting and now - self._frame_at < SLACK * self.interval:
                reader.alive_at = now
                self._watch.passed(now)
                return None
        return source.retrieve()

    def _take(self, reader: _Reader, frame: Frame) -> bool:
        """Put a frame where `newest` finds it; returns whether to open the source anew."""
        with self._changed:
            if reader.stop.is_set():
                return False
            now = self._frame_at = self._clock()
            reader.has_read, reader.alive_at, self._trouble = True, now, ""
            self._statistics(frame.image)
            if self._size not in (None, frame.size):
                log.info("the camera's pictures are now %dx%d", *frame.size)
            self._size = frame.size
            self._watch.frame(now, light=self._statistics.light, changed=self._statistics.changed)
            self._seq = self._seq_base + frame.seq
            self._frame = frame if self._seq_base == 0 else replace(frame, seq=self._seq)
            again, self._watch.reconnect = self._watch.reconnect, False
            if again:
                self._watch.closed()
            self._changed.notify_all()
            return again


class _Reader:
    """One capture thread, and what others may know of it without its help."""

    def __init__(self, camera: Camera, name: str, started: float) -> None:
        self.stop = threading.Event()
        self.alive_at = started
        """When it was started or gave its last frame."""
        self.is_open = False
        self.has_read = False
        """Whether there was a frame since it last opened the source."""
        self.busy_since: float | None = None
        """Since when it waits for the driver."""
        self.error: SourceError | None = None
        self.thread = threading.Thread(target=camera.run_reader, args=(self,), name=name, daemon=True)

    @contextmanager
    def busy(self, clock: Callable[[], float]) -> Iterator[None]:
        """Mark what may block."""
        self.busy_since = clock()
        try:
            yield
        finally:
            self.busy_since = None
