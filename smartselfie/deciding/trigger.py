"""When to take the picture: a state machine over the tracked faces. Pure: no I/O, no clock.

Each face is judged for itself (`smile.Smile`), so two faces that take turns do not add up. A *policy* over
the faces that take part says whose smiles are needed; when they have held, it fires. The faces whose smiles
are in the picture then rest, each until it has fallen below `release` or left, and `cooldown` has passed:
one smile is one picture, and one person's picture does not block another's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from smartselfie.deciding.evidence import EvidenceModel
from smartselfie.deciding.rules import EPSILON, Rules
from smartselfie.deciding.smile import Smile
from smartselfie.deciding.tracking import distance_in_sizes
from smartselfie.records import Box, Decision, Face, Meter, State


@dataclass(frozen=True, slots=True)
class _Poll:
    """What the policy says of one frame."""

    met: bool
    progress: float
    why: str
    tracks: tuple[int, ...] = ()
    """Those whose smiles count."""
    awaited: int = 0
    """So many more are needed than have held, where some have."""


@dataclass
class Trigger:
    """Decides frame by frame. `rules` may be replaced at any time; counts are kept.

    `model` is what the rule `evidence` asks; without one that rule fires nothing.
    """

    rules: Rules = field(default_factory=Rules)
    model: EvidenceModel | None = None

    def __post_init__(self) -> None:
        self._smiles: dict[int, Smile] = {}
        self._state = State.WATCHING
        self._fired_by: tuple[int, ...] = ()
        self._countdown_from = 0.0
        self._gone: list[tuple[Box, float]] = []
        """Faces that left while they rested: where, and when their picture was taken."""

    @property
    def armed(self) -> bool:
        """Whether it may fire."""
        return self._state is not State.DISARMED

    def arm(self, on: bool) -> None:
        """Let it fire, or not; holds start anew, what was fired before still rests."""
        if on == self.armed:
            return
        self._state = State.WATCHING if on else State.DISARMED
        self._reset()

    def update(self, faces: Sequence[Face], *, at: float, size: tuple[int, int]) -> Decision:
        """Take one frame's detected, scored faces; `at` in seconds, `size` (width, height) of the frame."""
        self._see(faces, at)
        part, meters = self._who_takes_part(at, min(size))
        match self._state:
            case State.DISARMED:
                return Decision(State.DISARMED, 0.0, False, "disarmed", meters=meters)
            case State.COUNTDOWN:
                return self._count_down(at, part, meters)
            case State.WATCHING | State.HOLDING | State.RESTING:
                pass
        poll = self._poll(part, at)
        if poll.met and self.rules.countdown:
            self._state, self._countdown_from, self._fired_by = State.COUNTDOWN, at, poll.tracks
            return self._count_down(at, part, meters)
        if poll.met:
            return self._fire(at, poll.tracks, poll.why, part, meters)
        if poll.progress > 0:
            self._state = State.HOLDING
        else:
            rests = any(smile.rests for smile in self._smiles.values())
            self._state = State.RESTING if rests else State.WATCHING
        return Decision(self._state, poll.progress, False, poll.why, meters=meters, awaited=poll.awaited)

    # --- what is known of each face

    def _see(self, faces: Iterable[Face], at: float) -> None:
        seen = set()
        for face in faces:
            if face.scores is None:
                continue
            seen.add(face.track)
            smile = self._smiles.get(face.track)
            if smile is None:
                smile = self._smiles[face.track] = Smile(first_seen=at)
                smile.fired_at, smile.released = self._rested(face.box, at), True
            smile.see(face, at, self.rules, self.model)
        for number, smile in list(self._smiles.items()):
            if number in seen:
                continue
            smile.miss(self.rules)
            if at - smile.last_seen >= self.rules.leave_after - EPSILON:
                del self._smiles[number]
                if smile.fired_at is not None:
                    self._gone.append((smile.box, smile.fired_at))

    def _rested(self, box: Box, at: float) -> float | None:
        """When the face was photographed that left here a moment ago: the detector may only have lost it."""
        self._gone = [gone for gone in self._gone if at - gone[1] < self.rules.cooldown]
        near = [fired_at for there, fired_at in self._gone if distance_in_sizes(there, box) is not None]
        return max(near, default=None)

    def _reset(self) -> None:
        for smile in self._smiles.values():
            smile.reset()

    # --- whose smiles are needed

    def _who_takes_part(self, at: float, shorter_side: int) -> tuple[dict[int, Smile], tuple[Meter, ...]]:
        largest = max((smile.size for smile in self._smiles.values()), default=0)
        smallest = self.rules.min_face * shorter_side
        part: dict[int, Smile] = {}
        meters = []
        for number, smile in sorted(self._smiles.items()):
            why = smile.unsure
            if smile.size < smallest:
                why = f"too small: {smile.size} px < {smallest:.0f} px"
            elif smile.size < self.rules.min_relative * largest:
                why = "in the background"
            elif at - smile.first_seen < self.rules.min_presence - EPSILON:
                why = "just arrived"
            if not why:
                part[number] = smile
            meters.append(
                Meter(
                    number,
                    smile.progress(self.rules),
                    smile.frames > 0,
                    not why,
                    why or smile.why_not(self.rules, at),
                    rests=smile.rests,
                    notice=self._notice(smile),
                )
            )
        return part, tuple(meters)

    def _notice(self, smile: Smile) -> str:
        """What a person should know of a face that takes part: why its smile does not count yet."""
        if smile.is_covered:
            return "mouth covered"
        if self.rules.rule == "evidence" and smile.frames and not smile.rests:
            return smile.waits_for if smile.certainty < self.rules.certainty else ""
        return ""

    def _poll(self, part: dict[int, Smile], at: float) -> _Poll:
        if not part:
            return _Poll(False, 0.0, self._why_nobody())
        policy = self.rules.policy
        if policy == "largest":
            part = dict([max(part.items(), key=lambda item: item[1].size)])
        if policy in ("any", "largest"):
            smile = self._foremost(part, at)
            progress = smile.counted(self.rules, at)
            met = progress >= 1 and smile.missed == 0
            held = tuple(each for each, other in part.items() if other.counted(self.rules, at) >= 1)
            return _Poll(met, progress, self._why(smile, at), held)
        needed = len(part) if policy == "all" else int(policy)
        if needed > len(part):
            return _Poll(False, 0.0, f"{len(part)} of {needed} faces in the picture")
        if needed == 1:
            why = self._why(self._foremost(part, at), at)
        else:
            why = self._why_group(part, needed, at)
        held = tuple(number for number, smile in part.items() if self._holds(smile, at))
        best = sorted((smile.counted(self.rules, at) for smile in part.values()), reverse=True)
        progress = best[needed - 1] if self.rules.together is None else sum(best[:needed]) / needed
        met = len(held) >= needed and any(part[number].missed == 0 for number in held)
        if not met and len(held) < needed:
            progress = min(progress, 0.99)
        awaited = needed - len(held) if 0 < len(held) < needed else 0
        return _Poll(met, 1.0 if met else progress, why, held, awaited)

    def _foremost(self, part: dict[int, Smile], at: float) -> Smile:
        """The face that comes nearest to firing."""
        return max(
            part.values(),
            key=lambda smile: (
                smile.counted(self.rules, at),
                smile.missed == 0,
                not smile.rests,
                smile.score,
            ),
        )

    def _holds(self, smile: Smile, at: float) -> bool:
        if smile.counted(self.rules, at) >= 1:
            return True
        together = self.rules.together
        if together is None or smile.held_at is None or smile.rests:
            return False
        return at - smile.held_at <= together + EPSILON

    # --- in words

    def _why_nobody(self) -> str:
        if not self._smiles:
            return "no face"
        largest = max(self._smiles.values(), key=lambda smile: smile.size)
        if largest.unsure:
            return largest.unsure
        return f"no face large enough or long enough in the picture ({largest.size} px)"

    def _why(self, smile: Smile, at: float) -> str:
        return smile.why_hold(self.rules) or smile.why_not(self.rules, at)

    def _why_group(self, part: dict[int, Smile], needed: int, at: float) -> str:
        if all(smile.rests for smile in part.values()):
            return self._why(self._foremost(part, at), at)
        held = sum(1 for smile in part.values() if self._holds(smile, at))
        if held and held < needed:
            return f"waiting for {needed - held} of {needed}"
        smiling = sum(1 for smile in part.values() if smile.frames or self._holds(smile, at))
        return f"{smiling} of {needed} faces smile"

    # --- countdown, shot

    def _count_down(self, at: float, part: dict[int, Smile], meters: tuple[Meter, ...]) -> Decision:
        total = self.rules.countdown or 0.0
        left = self._countdown_from + total - at
        for number in self._fired_by:
            smile = self._smiles.get(number)
            gone = smile is None or smile.missed > self.rules.grace
            if smile is None or gone or (smile.missed == 0 and smile.score < self.rules.release_level):
                lost = "a face is out of sight" if smile is None or gone else f"happy {smile.score:.2f}"
                self._state = State.WATCHING
                self._reset()
                return Decision(self._state, 0.0, False, f"countdown cancelled: {lost}", meters=meters)
        if left <= EPSILON:
            return self._fire(at, self._fired_by, "countdown done", part, meters)
        return Decision(
            State.COUNTDOWN, 1 - left / total, False, "hold the pose", meters=meters, countdown=left
        )

    def _fire(
        self, at: float, tracks: tuple[int, ...], why: str, part: dict[int, Smile], meters: tuple[Meter, ...]
    ) -> Decision:
        """Fire; whoever smiles in this frame has had the picture, whether the policy asked for it or not."""
        self._state, self._fired_by = State.RESTING, tracks
        for number, smile in self._smiles.items():
            if number in tracks or (number in part and smile.frames and not smile.missed):
                smile.take(at)
        return Decision(State.RESTING, 1.0, True, why, tracks, meters)
