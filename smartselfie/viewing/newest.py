"""One slot between threads: the newest value wins, and nobody ever queues."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Holds the newest value; writers never wait, readers may wait for a newer one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._value: T | None = None
        self._count = 0

    def put(self, value: T) -> None:
        """Replace the value and wake who waits."""
        with self._changed:
            self._value = value
            self._count += 1
            self._changed.notify_all()

    def get(self, after: int = 0, timeout: float | None = 0) -> tuple[int, T | None]:
        """Return the count of values so far and the newest one.

        Waits up to `timeout` seconds (None: for ever) until more than `after` values have been put; None when
        there is none newer.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._count > after, timeout)
            return self._count, self._value if self._count > after else None
