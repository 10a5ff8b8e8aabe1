"""Frames for the loop, at the pace they are wanted; None in between is a tick without one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from smartselfie.capture.camera import Camera
from smartselfie.capture.pace import Pace
from smartselfie.records import Frame
from smartselfie.seams import Source

TICK = 0.2
"""Longest time the loop goes without a look at commands and viewers, in seconds."""


def live_frames(
    camera: Camera, pace: Pace, wake: threading.Event, faces: Callable[[], int]
) -> Iterator[Frame | None]:
    """Yield the camera's newest frames, as often as `pace` allows; never ends by itself.

    `faces` tells how many there were in the last frame; `wake` ends a pause early.
    """
    due = time.monotonic()
    while True:
        wait = due - time.monotonic()
        if wait > 0:
            _pause(wake, wait)
            if wait > TICK:
                yield None
                continue
        frame = camera.newest(TICK)
        yield frame
        if frame is not None:
            pace.note(at=frame.at, cpu=time.process_time(), faces=faces())
            camera.interval = pace.interval
            due = max(due + pace.interval, time.monotonic() - pace.interval)


def recorded_frames(source: Source, wake: threading.Event, *, realtime: bool) -> Iterator[Frame | None]:
    """Yield every frame of a recording; with `realtime` not before its time."""
    start = time.monotonic()
    while (frame := source.read()) is not None:
        while realtime and (wait := start + frame.at - time.monotonic()) > 0:
            _pause(wake, wait)
            if wait > TICK:
                yield None
        yield frame


def _pause(wake: threading.Event, wait: float) -> None:
    wake.wait(min(wait, TICK))
    wake.clear()
