"""How often a live camera is looked at. Pure: times are arguments."""

from __future__ import annotations

IDLE_AFTER = 2.0
"""Seconds without a face until the idle rate applies."""
SLOWEST = 1.0
"""Seconds between two frames at the most, whatever the budget: below one frame a second nothing is seen."""
WEIGHT = 0.1
"""Weight of the newest frame in the running cost of one."""


class Pace:
    """Says how long to wait between two frames.

    `max_fps` bounds the rate, `idle_fps` too while there is no face, and `cpu_budget` (a share of one core)
    stretches the interval until the process stays within it. None of them touches a picture's quality.
    """

    def __init__(self, *, max_fps: float, idle_fps: float, cpu_budget: float | None = None) -> None:
        self.max_fps = max_fps
        self.idle_fps = idle_fps
        self.cpu_budget = cpu_budget
        self._cost: float | None = None
        self._cpu: float | None = None
        self._face_at: float | None = None
        self._idle = False

    def note(self, *, at: float, cpu: float, faces: int) -> None:
        """Take one analysed frame: `at` monotonic seconds, `cpu` seconds the process has used so far."""
        if self._cpu is not None:
            spent = cpu - self._cpu
            self._cost = spent if self._cost is None else (1 - WEIGHT) * self._cost + WEIGHT * spent
        self._cpu = cpu
        if faces or self._face_at is None:
            self._face_at = at
        self._idle = at - self._face_at >= IDLE_AFTER

    @property
    def interval(self) -> float:
        """Seconds from one frame to the next."""
        wanted = 1 / (min(self.max_fps, self.idle_fps) if self._idle else self.max_fps)
        return max(wanted, self._affordable())

    @property
    def notice(self) -> str | None:
        """Words for people when the budget lowers the rate, else None."""
        affordable = self._affordable()
        if affordable <= 1.02 / self.max_fps:
            return None
        kept = "" if affordable < SLOWEST else ", and even that costs more"
        return f"CPU budget {self.cpu_budget:.0%}: {1 / affordable:.1f} frames a second{kept}"

    def _affordable(self) -> float:
        if self.cpu_budget is None or self._cost is None:
            return 0.0
        return min(self._cost / self.cpu_budget, SLOWEST)
