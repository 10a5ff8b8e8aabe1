"""What the trigger knows of one face: its count, its evidence, and whether it rests after a picture. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from smartselfie.deciding.evidence import EvidenceModel, History
from smartselfie.deciding.rules import EPSILON, MAX_GAP, MIN_TIMED_FRAMES, Rules, below
from smartselfie.records import Box, Face

COVERED = 0.5
"""A mouth is hidden when the detector says so with this probability, on average over some frames."""
COVERED_WEIGHT = 0.3
"""Weight of the newest frame in that average."""
OUTSIDE = 0.15
"""A landmark this far outside its box, in widths of the box, is a wrong guess."""

FEW_FRAMES = "set trigger.rule: frames and trigger.hold: 3"
"""What lets a source fire whose frames come more than `MAX_GAP` apart."""


@dataclass(slots=True)
class Smile:
    """One face over time. Times in seconds."""

    first_seen: float
    last_seen: float = 0.0
    box: Box = field(default_factory=lambda: Box(0, 0, 0, 0))
    unsure: str = ""
    """Why the detector's find is doubtful, in words; empty when it is not."""
    covered: float = 0.0
    """Running probability that the mouth is hidden."""
    missed: int = 0
    """Frames in a row in which it was not detected."""
    score: float = 0.0
    top: str = ""
    """The class it looks like most."""
    frames: int = 0
    """Smiling frames in a row."""
    interval: float = 1 / 30
    """Seconds between two frames, lately."""
    dipped: bool = False
    """Whether one frame without a smile was forgiven in this hold."""
    since: float = 0.0
    """When the smiling frames began."""
    last_smile: float = 0.0
    gap: float = 0.0
    """Seconds between the last two frames that it was seen in."""
    held_at: float | None = None
    """When it last had smiled for the whole hold."""
    fired_at: float | None = None
    """When its picture was taken; None when it does not rest."""
    released: bool = False
    """Whether it has fallen below `release` since then."""
    history: History = field(default_factory=History)
    certainty: float = 0.0
    """What the model says of its last second."""
    waits_for: str = ""
    """What the model waits for, in words."""

    @property
    def size(self) -> int:
        """The box's longer side, in pixels."""
        return max(self.box.width, self.box.height)

    @property
    def is_covered(self) -> bool:
        """Whether the mouth is hidden."""
        return self.covered >= COVERED

    @property
    def rests(self) -> bool:
        """Whether its picture was taken and the next may not be yet."""
        return self.fired_at is not None

    def reset(self) -> None:
        """Holding starts anew."""
        self.frames, self.held_at, self.dipped = 0, None, False
        self.certainty = 0.0
        self.history.clear()

    def see(self, face: Face, at: float, rules: Rules, model: EvidenceModel | None) -> None:
        """Take the scored face of the frame of time `at`."""
        if self.last_seen and at > self.last_seen and not self.missed:
            self.gap = at - self.last_seen
            self.interval += 0.2 * (min(MAX_GAP, at - self.last_seen) - self.interval)
        self.last_seen, self.missed, self.box = at, 0, face.box
        self.unsure = doubt(face, rules.min_score)
        if face.covered is not None:
            self.covered += COVERED_WEIGHT * (face.covered - self.covered)
        self.score, self.top = face.smile, face.seems
        self.released |= self.score < rules.release_level
        if self.fired_at is not None and self.released and at - self.fired_at >= rules.cooldown - EPSILON:
            self.fired_at = None
            self.reset()
        self.history.see(at, self.score, face.mouth_motion)
        self._weigh(model)
        self._count(at, rules)

    def miss(self, rules: Rules) -> None:
        """It was not detected in a frame."""
        self.missed += 1
        if self.missed > rules.grace:
            self.frames, self.certainty = 0, 0.0
            self.history.clear()

    def take(self, at: float) -> None:
        """Its picture is taken."""
        self.fired_at, self.released = at, False

    def progress(self, rules: Rules) -> float:
        """How much of the hold it has done, 0..1, whether it rests or not."""
        if self.frames == 0:
            return 0.0
        if rules.rule == "evidence":
            return min(1.0, self.certainty / rules.certainty)
        if rules.hold_frames is None:
            assert rules.hold_seconds is not None
            time_done = (self.last_smile - self.since + EPSILON) / rules.hold_seconds
            return min(1.0, time_done, self.frames / MIN_TIMED_FRAMES)
        if rules.hold_rate is None:
            return min(1.0, self.frames / rules.hold_frames)
        return min(1.0, self.frames / rules.frames_needed(self.interval))

    def counted(self, rules: Rules, at: float) -> float:
        """How much of the hold counts: nothing while it rests, unless a repeat is due."""
        if self.fired_at is not None:
            due = rules.repeat is not None and at - self.fired_at >= rules.repeat - EPSILON
            if not due or self.released:
                return 0.0
        return self.progress(rules)

    def why_not(self, rules: Rules, at: float) -> str:
        """Say why it does not smile, in words; empty when it does."""
        if self.fired_at is not None:
            left = self.fired_at + rules.cooldown - at
            return f"picture taken, resting {left:.1f} s" if left > 0 else "picture taken, still smiling"
        if self.is_covered:
            return "mouth covered"
        if self.frames:
            return ""
        if self.missed:
            return "out of sight"
        wanted = " or ".join(rules.expression)
        if not self.top or self.score >= rules.smile_level:
            return f"{wanted} {below(self.score, rules.smile_level)}"
        return f"{self.top}, {wanted} {self.score:.2f}"

    def why_hold(self, rules: Rules) -> str:
        """Say how far the hold has come, in words; empty without a smile."""
        if not self.frames or self.rests:
            return ""
        if self.gap > MAX_GAP + EPSILON and (rules.rule == "evidence" or rules.hold_frames is None):
            return f"frames {self.gap:.1f} s apart are too few, {FEW_FRAMES}"
        if rules.rule == "evidence":
            return f"{self.waits_for or 'a moment more'} ({self.certainty:.2f} of {rules.certainty:.2f})"
        if rules.hold_frames is None:
            return f"smile {self.last_smile - self.since:.1f} of {rules.hold_seconds:.1f} s"
        needed = rules.frames_needed(self.interval)
        return f"smile {min(self.frames, needed)} of {needed}"

    def _weigh(self, model: EvidenceModel | None) -> None:
        features = self.history.features() if model is not None else None
        if model is None or features is None:
            self.certainty, self.waits_for = 0.0, ""
        else:
            self.certainty, self.waits_for = model(features), model.waits_for(features)

    def _count(self, at: float, rules: Rules) -> None:
        if self.is_covered:
            self.frames, self.dipped = 0, False
        elif not self.top and self.score >= rules.smile_level:
            if self.frames == 0 or (
                rules.hold_seconds is not None and at - self.last_smile > MAX_GAP + EPSILON
            ):
                self.frames, self.since, self.dipped = 0, at, False
            self.frames += 1
            self.last_smile = at
            if self.progress(rules) >= 1:
                self.held_at, self.dipped = at, False
        elif self.frames and not self.dipped and self.score >= rules.release_level:
            self.dipped = True  # a single frame is forgiven: it neither counts nor resets
            self.since += self.interval
        else:
            self.frames, self.dipped = 0, False


def doubt(face: Face, min_score: float) -> str:
    """Say why a find is doubtful, in words; empty when it is not."""
    if face.score is not None and face.score < min_score:
        return f"unsure: face {below(face.score, min_score)}"
    if face.landmarks is not None:
        box, margin = face.box, OUTSIDE * face.box.width
        for x, y in face.landmarks:
            if not (box.x - margin <= x <= box.right + margin and box.y - margin <= y <= box.bottom + margin):
                return "unsure: features outside of the face"
    return ""
