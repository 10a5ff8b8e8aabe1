"""When to take the picture: a state machine over the tracked faces. Pure: no I/O, no clock.

A face *smiles* in a frame when happy is its largest class and P(happy) >= threshold. Counting is per track,
so two faces that take turns do not add up. A *policy* over the faces that take part says whose smiles are
needed; when they have held, it fires, and then rests until those faces have fallen below `release` or left,
and `cooldown` has passed: one smile is one picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from smartselfie.records import Box, Decision, Face, Meter, State

MAX_GAP = 0.25
"""Seconds between two smiling frames beyond which a hold that is measured in time starts anew."""
MIN_TIMED_FRAMES = 3
"""Smiling frames that a hold measured in time needs at the least."""
EPSILON = 1e-6
"""Seconds by which media times may be off through rounding."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The trigger's settings; times in seconds. Raises ValueError when they contradict each other."""

    threshold: float = 0.9
    release: float | None = None
    """P(happy) below which a smile is over; None: two thirds of the threshold."""
    hold_frames: int | None = 10
    """Consecutive smiling frames; or None, and then `hold_seconds`."""
    hold_seconds: float | None = None
    grace: int = 2
    """Frames in which a face may be undetected without losing its count."""
    leave_after: float = 1.0
    cooldown: float = 2.0
    repeat: float | None = None
    """Another picture this long after the last, while the smile lasts."""
    policy: str | int = "any"
    """any, all, largest, or how many."""
    min_face: float = 0.14
    """Smallest face that takes part, as a share of the picture's shorter side."""
    min_relative: float = 0.0
    """... and as a share of the largest face."""
    min_presence: float = 0.0
    """How long a face must have been seen to take part."""
    together: float | None = None
    """all and counts: smiles that reached the hold within this time add up; None: they must hold at once."""
    countdown: float | None = None

    def __post_init__(self) -> None:
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
        if self.repeat is not None and self.repeat < self.cooldown:
            raise ValueError(f"need repeat >= cooldown, got repeat={self.repeat}, cooldown={self.cooldown}")
        if self.policy not in ("any", "all", "largest") and not (
            isinstance(self.policy, int) and self.policy >= 1
        ):
            raise ValueError(f"need policy any, all, largest or a count >= 1, got {self.policy!r}")

    @property
    def release_level(self) -> float:
        """P(happy) below which a smile is over."""
        return self.threshold * 2 / 3 if self.release is None else self.release


@dataclass(slots=True)
class _Track:
    """What the trigger remembers of one face."""

    first_seen: float
    last_seen: float = 0.0
    size: int = 0
    missed: int = 0
    """Frames in a row in which it was not detected."""
    happy: float = 0.0
    top: str = ""
    frames: int = 0
    """Smiling frames in a row."""
    since: float = 0.0
    """When those began."""
    last_smile: float = 0.0
    held_at: float | None = None
    """When it last had smiled for the whole hold."""
    released: bool = False
    """Whether it has fallen below `release` since the last shot."""

    def reset(self) -> None:
        self.frames, self.held_at = 0, None


@dataclass(frozen=True, slots=True)
class _Poll:
    """What the policy says of one frame."""

    met: bool
    progress: float
    why: str
    tracks: tuple[int, ...] = ()
    """Those whose smiles count."""


@dataclass
class Trigger:
    """Decides frame by frame. `rules` may be replaced at any time; counts are kept."""

    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        self._tracks: dict[int, _Track] = {}
        self._state = State.WATCHING
        self._fired_by: tuple[int, ...] = ()
        self._fired_at: float | None = None
        self._countdown_from = 0.0

    @property
    def armed(self) -> bool:
        """Whether it may fire."""
        return self._state is not State.DISARMED

    def arm(self, on: bool) -> None:
        """Let it fire, or not; holds start anew."""
        if on == self.armed:
            return
        if not on:
            self._state = State.DISARMED
        else:  # what was fired before still rests
            self._state = State.WATCHING if self._fired_at is None else State.RESTING
        self._reset(self._tracks)

    def update(self, faces: Sequence[Face], *, at: float, size: tuple[int, int]) -> Decision:
        """Take one frame's detected, scored faces; `at` in seconds, `size` (width, height) of the frame."""
        self._see(faces, at)
        part, meters = self._who_takes_part(at, min(size))
        poll = self._poll(part, at)
        match self._state:
            case State.DISARMED:
                return Decision(State.DISARMED, 0.0, False, "disarmed", meters=meters)
            case State.RESTING:
                if self._rests(poll, at):
                    return Decision(State.RESTING, 0.0, False, self._why_rests(at), meters=meters)
                if not (poll.met and self._unreleased()):  # not a repeat: holding starts with this frame
                    self._state = State.WATCHING
                    self._reset(self._tracks)
                    self._see(faces, at, again=True)
                    part, meters = self._who_takes_part(at, min(size))
                    poll = self._poll(part, at)
            case State.COUNTDOWN:
                return self._count_down(at, meters)
            case State.WATCHING | State.HOLDING:
                pass
        if poll.met and self.rules.countdown:
            self._state, self._countdown_from, self._fired_by = State.COUNTDOWN, at, poll.tracks
            return self._count_down(at, meters)
        if poll.met:
            return self._fire(at, poll.tracks, poll.why, meters)
        self._state = State.HOLDING if poll.progress > 0 else State.WATCHING
        return Decision(self._state, poll.progress, False, poll.why, meters=meters)

    # --- what is known of each face

    def _see(self, faces: Iterable[Face], at: float, *, again: bool = False) -> None:
        seen = set()
        for face in faces:
            if face.scores is None:
                continue
            seen.add(face.track)
            track = self._tracks.setdefault(face.track, _Track(first_seen=at))
            track.last_seen, track.missed, track.size = at, 0, _side(face.box)
            track.happy, track.top = face.scores.happy, face.scores.top
            track.released |= track.happy < self.rules.release_level
            if track.top == "happy" and track.happy >= self.rules.threshold:
                self._count(track, at)
            else:
                track.frames = 0
        if again:
            return
        for number, track in list(self._tracks.items()):
            if number in seen:
                continue
            track.missed += 1
            if track.missed > self.rules.grace:
                track.frames = 0
            if at - track.last_seen >= self.rules.leave_after - EPSILON:
                del self._tracks[number]

    def _count(self, track: _Track, at: float) -> None:
        timed = self.rules.hold_seconds is not None
        if track.frames == 0 or (timed and at - track.last_smile > MAX_GAP + EPSILON):
            track.frames, track.since = 0, at
        track.frames += 1
        track.last_smile = at
        if self._progress(track) >= 1:
            track.held_at = at

    def _progress(self, track: _Track) -> float:
        """How much of the hold this face has done, 0..1."""
        if self.rules.hold_frames is not None:
            return min(1.0, track.frames / self.rules.hold_frames)
        assert self.rules.hold_seconds is not None
        if track.frames == 0:
            return 0.0
        time_done = (track.last_smile - track.since + EPSILON) / self.rules.hold_seconds
        return min(1.0, time_done, track.frames / MIN_TIMED_FRAMES)

    def _reset(self, tracks: Iterable[int]) -> None:
        for number in tracks:
            self._tracks[number].reset()

    # --- whose smiles are needed

    def _who_takes_part(self, at: float, shorter_side: int) -> tuple[dict[int, _Track], tuple[Meter, ...]]:
        largest = max((track.size for track in self._tracks.values()), default=0)
        smallest = self.rules.min_face * shorter_side
        part: dict[int, _Track] = {}
        meters = []
        for number, track in sorted(self._tracks.items()):
            why = ""
            if track.size < smallest:
                why = f"too small: {track.size} px < {smallest:.0f} px"
            elif track.size < self.rules.min_relative * largest:
                why = "in the background"
            elif at - track.first_seen < self.rules.min_presence - EPSILON:
                why = "just arrived"
            else:
                part[number] = track
            takes_part = not why
            smiles = track.frames > 0
            meters.append(
                Meter(number, self._progress(track), smiles, takes_part, why or self._why_not(track))
            )
        return part, tuple(meters)

    def _why_not(self, track: _Track) -> str:
        if track.frames:
            return ""
        if track.missed:
            return "out of sight"
        if track.top == "happy" or track.happy >= self.rules.threshold:
            return f"happy {_below(track.happy, self.rules.threshold)}"
        return f"{track.top}, happy {track.happy:.2f}"

    def _poll(self, part: dict[int, _Track], at: float) -> _Poll:
        if not part:
            return _Poll(False, 0.0, self._why_nobody())
        policy = self.rules.policy
        if policy == "largest":
            part = dict([max(part.items(), key=lambda item: item[1].size)])
        if policy in ("any", "largest"):
            _, track = max(part.items(), key=self._rank)
            progress = self._progress(track)
            met = progress >= 1 and track.missed == 0
            held = tuple(each for each, other in part.items() if self._progress(other) >= 1)
            return _Poll(met, progress, self._why_hold(track) or self._why_not(track), held)
        needed = len(part) if policy == "all" else int(policy)
        if needed > len(part):
            return _Poll(False, 0.0, f"{len(part)} of {needed} faces in the picture")
        if needed == 1:
            _, track = max(part.items(), key=self._rank)
            why = self._why_hold(track) or self._why_not(track)
        else:
            why = self._why_group(part, needed, at)
        held = tuple(number for number, track in part.items() if self._holds(track, at))
        best = sorted((self._progress(track) for track in part.values()), reverse=True)
        progress = best[needed - 1] if self.rules.together is None else sum(best[:needed]) / needed
        met = len(held) >= needed and any(part[number].missed == 0 for number in held)
        return _Poll(met, 1.0 if met else min(progress, 0.99) if len(held) < needed else progress, why, held)

    def _rank(self, item: tuple[int, _Track]) -> tuple[float, bool, float]:
        track = item[1]
        return self._progress(track), track.missed == 0, track.happy

    def _holds(self, track: _Track, at: float) -> bool:
        if self._progress(track) >= 1:
            return True
        together = self.rules.together
        return together is not None and track.held_at is not None and at - track.held_at <= together + EPSILON

    # --- in words

    def _why_nobody(self) -> str:
        if not self._tracks:
            return "no face"
        largest = max(self._tracks.values(), key=lambda track: track.size)
        return f"no face large enough or long enough in the picture ({largest.size} px)"

    def _why_hold(self, track: _Track) -> str:
        if not track.frames:
            return ""
        if self.rules.hold_frames is not None:
            return f"smile {min(track.frames, self.rules.hold_frames)} of {self.rules.hold_frames}"
        return f"smile {track.last_smile - track.since:.1f} of {self.rules.hold_seconds:.1f} s"

    def _why_group(self, part: dict[int, _Track], needed: int, at: float) -> str:
        smiling = sum(1 for track in part.values() if track.frames or self._holds(track, at))
        held = sum(1 for track in part.values() if self._holds(track, at))
        if held and held < needed:
            return f"waiting for {needed - held} of {needed}"
        return f"{smiling} of {needed} faces smile"

    def _why_rests(self, at: float) -> str:
        left = (self._fired_at or 0.0) + self.rules.cooldown - at
        if left > 0:
            return f"picture taken, resting {left:.1f} s"
        return "picture taken, waiting for the smile to end"

    # --- countdown, shot, rest

    def _count_down(self, at: float, meters: tuple[Meter, ...]) -> Decision:
        total = self.rules.countdown or 0.0
        left = self._countdown_from + total - at
        for number in self._fired_by:
            track = self._tracks.get(number)
            gone = track is None or track.missed > self.rules.grace
            if track is None or gone or (track.missed == 0 and track.happy < self.rules.release_level):
                lost = "a face is out of sight" if track is None or gone else f"happy {track.happy:.2f}"
                self._state = State.WATCHING
                self._reset(self._tracks)
                return Decision(self._state, 0.0, False, f"countdown cancelled: {lost}", meters=meters)
        if left <= EPSILON:
            return self._fire(at, self._fired_by, "countdown done", meters)
        return Decision(
            State.COUNTDOWN, 1 - left / total, False, "hold the pose", meters=meters, countdown=left
        )

    def _fire(self, at: float, tracks: tuple[int, ...], why: str, meters: tuple[Meter, ...]) -> Decision:
        self._state, self._fired_by, self._fired_at = State.RESTING, tracks, at
        for track in self._tracks.values():
            track.released = False
        return Decision(State.RESTING, 1.0, True, why, tracks, meters)

    def _unreleased(self) -> bool:
        return any(number in self._tracks and not self._tracks[number].released for number in self._fired_by)

    def _rests(self, poll: _Poll, at: float) -> bool:
        since = at - (self._fired_at or 0.0) + EPSILON
        if self._unreleased():
            return self.rules.repeat is None or since < self.rules.repeat or not poll.met
        return since < self.rules.cooldown


def _side(box: Box) -> int:
    return max(box.width, box.height)


def _below(value: float, limit: float) -> str:
    """ "0.52 < 0.60", with as many digits as it takes to show that it is smaller."""
    digits = 2
    while f"{value:.{digits}f}" == f"{limit:.{digits}f}" and digits < 6:
        digits += 1
    return f"{value:.{digits}f} < {limit:.{digits}f}"
