"""Gives back to the system what the C library keeps of pictures that are gone.

Every reconnected camera is a new thread with an arena of its own, in which glibc keeps what the largest
pictures once took. Nothing leaks, but reconnects and changes of size make the process larger than it need be.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterable

from smartselfie.records import Command

EVERY = 10.0
"""Seconds; it takes a few milliseconds."""


class HeapTrimmer:
    """A tick that has the C library trim its heaps now and then."""

    def __init__(self, trim: Callable[[int], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._trim = trim
        self._clock = clock
        self._next = clock() + EVERY

    def __call__(self) -> Iterable[Command]:
        """Trim when it is time; never asks for anything."""
        if self._clock() >= self._next:
            self._trim(0)
            self._next = self._clock() + EVERY
        return ()


def heap_trimmer() -> HeapTrimmer | None:
    """Return the tick where the C library is glibc, else None: others give back by themselves."""
    try:
        return HeapTrimmer(ctypes.CDLL(None).malloc_trim)
    except (AttributeError, OSError, TypeError):  # musl and macOS have no such function
        return None
