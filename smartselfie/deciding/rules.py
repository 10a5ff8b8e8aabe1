"""The trigger's settings, checked against each other. Pure."""

from __future__ import annotations

from dataclasses import dataclass

MAX_GAP = 0.25
"""Seconds between two smiling frames beyond which a hold that is measured in time starts anew."""
MIN_TIMED_FRAMES = 3
"""Smiling frames that a hold measured in time needs at the least."""
EPSILON = 1e-6
"""Seconds by which media times may be off through rounding."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The trigger's settings; times in seconds. Raises ValueError when they contradict each other."""

    rule: str = "evidence"
    """frames: a smile is held for the hold. evidence: a small model of the last second is certain enough."""
    certainty: float = 0.8
    """evidence: how sure the model must be, 0..1."""
    expression: tuple[str, ...] = ("happy",)
    """What a picture is wanted of; "smile" stands for it in all that follows."""
    threshold: float = 0.9
    release: float | None = None
    """Score below which a smile is over; None: two thirds of the threshold."""
    hold_frames: int | None = 10
    """Consecutive smiling frames; or None, and then `hold_seconds`."""
    hold_seconds: float | None = None
    hold_rate: float | None = 30.0
    """Frames a second at which `hold_frames` is meant: at other rates it lasts as long, at least three
    frames. None: so many frames at any rate."""
    grace: int = 2
    """Frames in which a face may be undetected without losing its count."""
    leave_after: float = 1.0
    cooldown: float = 2.0
    """Shortest time between two shots of one face."""
    repeat: float | None = None
    """Another picture this long after the last, while the smile lasts."""
    policy: str | int = "any"
    """any, all, largest, or how many."""
    min_face: float = 0.1
    """Smallest face that takes part, as a share of the picture's shorter side."""
    min_relative: float = 0.4
    """... and as a share of the largest face."""
    min_presence: float = 0.3
    """How long a face must have been seen to take part."""
    min_score: float = 0.0
    """How sure the detector must be of a face that takes part, where it says."""
    together: float | None = None
    """all and counts: smiles that reached the hold within this time add up; None: they must hold at once."""
    countdown: float | None = None

    def __post_init__(self) -> None:
        if self.rule not in ("frames", "evidence"):
            raise ValueError(f"need rule frames or evidence, got {self.rule!r}")
        if not 0 < self.certainty < 1:
            raise ValueError(f"need 0 < certainty < 1, got certainty={self.certainty}")
        if not 0 < self.threshold <= 1:
            raise ValueError(f"need 0 < threshold <= 1, got threshold={self.threshold}")
        if self.release is not None and not 0 <= self.release < self.threshold:
            raise ValueError(
                f"need 0 <= release < threshold, got release={self.release}, threshold={self.threshold}"
            )
        if (self.hold_frames is None) == (self.hold_seconds is None):
            raise ValueError("need either hold_frames or hold_seconds")
        if self.hold_frames is not None and self.hold_frames < 1:
            raise ValueError(f"need hold_frames >= 1, got {self.hold_frames}")
        if self.hold_seconds is not None and self.hold_seconds <= 0:
            raise ValueError(f"need hold_seconds > 0, got {self.hold_seconds}")
        if self.hold_rate is not None and self.hold_rate <= 0:
            raise ValueError(f"need hold_rate > 0, got {self.hold_rate}")
        if self.repeat is not None and self.repeat < self.cooldown:
            raise ValueError(f"need repeat >= cooldown, got repeat={self.repeat}, cooldown={self.cooldown}")
        if self.policy not in ("any", "all", "largest") and not (
            isinstance(self.policy, int) and self.policy >= 1
        ):
            raise ValueError(f"need policy any, all, largest or a count >= 1, got {self.policy!r}")

    @property
    def release_level(self) -> float:
        """Score below which a smile is over."""
        return self.threshold * 2 / 3 if self.release is None else self.release

    @property
    def smile_level(self) -> float:
        """Score from which a frame shows a smile; with the rule evidence faint ones count, too."""
        return self.threshold if self.rule == "frames" else self.release_level

    def frames_needed(self, interval: float) -> int:
        """How many smiling frames a hold given in frames takes when they are so many seconds apart."""
        assert self.hold_frames is not None
        if self.hold_rate is None:
            return self.hold_frames
        scaled = round(self.hold_frames / self.hold_rate / max(interval, EPSILON) + 0.2)
        return max(min(MIN_TIMED_FRAMES, self.hold_frames), scaled)


def below(value: float, limit: float) -> str:
    """ "0.52 < 0.60", with as many digits as it takes to show that it is smaller."""
    digits = 2
    while f"{value:.{digits}f}" == f"{limit:.{digits}f}" and digits < 6:
        digits += 1
    return f"{value:.{digits}f} < {limit:.{digits}f}"
