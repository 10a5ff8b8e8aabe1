"""When the next delivery may be tried: pauses that grow while it fails, and a rate. Time is an argument."""

from __future__ import annotations

import random
from collections.abc import Callable

PAUSES = (1.0, 30.0)
"""Shortest and longest pause in seconds while the far side takes nothing."""


class Pace:
    """Says how long to wait. Pure: no clock, no I/O.

    Each failure doubles the pause, up to the longest of `pauses`; `jitter` (0..1) shortens it by up to a
    half, so that many cameras do not knock at once when a far side is back. `per_minute` bounds the tries,
    after a burst of as many.
    """

    def __init__(
        self,
        *,
        pauses: tuple[float, float] = PAUSES,
        per_minute: int | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        if not 0 < pauses[0] <= pauses[1]:
            raise ValueError(f"need 0 < shortest <= longest pause, got {pauses}")
        self._pauses, self._per_minute, self._jitter = pauses, per_minute, jitter
        self._failures = 0
        self._not_before = float("-inf")
        self._left = float(per_minute or 0)
        self._counted_at: float | None = None

    @property
    def failures(self) -> int:
        """Failures in a row."""
        return self._failures

    def wait(self, at: float) -> float:
        """Return the seconds until a try is allowed; 0: now."""
        wait = max(0.0, self._not_before - at)
        if self._per_minute is not None:
            self._refill(at, self._per_minute)
            if self._left < 1 - 1e-9:  # rounding must not ask for a wait of nothing
                wait = max(wait, (1 - self._left) * 60 / self._per_minute)
        return wait

    def begin(self, at: float) -> None:
        """A try begins."""
        if self._per_minute is not None:
            self._refill(at, self._per_minute)
            self._left -= 1

    def succeed(self) -> None:
        """It went well: the next may follow at once."""
        self._failures, self._not_before = 0, float("-inf")

    def fail(self, at: float, wish: float = 0.0) -> None:
        """It failed; `wish` is the pause the far side asks for: at most ten times the longest counts."""
        shortest, longest = self._pauses
        pause = min(longest, shortest * 2.0 ** min(self._failures, 30)) * (1 - self._jitter() / 2)
        self._failures += 1
        self._not_before = at + max(pause, min(wish, 10 * longest))

    def hurry(self) -> None:
        """The far side is said to be back: the pause is over, the rate still counts."""
        self._not_before = float("-inf")

    def _refill(self, at: float, per_minute: int) -> None:
        if self._counted_at is not None:
            self._left = min(per_minute, self._left + max(0.0, at - self._counted_at) * per_minute / 60)
        self._counted_at = at
