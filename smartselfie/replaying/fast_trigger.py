"""The trigger over whole recordings at once: what `Trigger` decides with policy any, very much faster.

A face that smiles from one frame to the next makes a *run*; a run is a matter of the threshold and of `grace`
alone. All that is left to do for each hold, release and cool-down is to walk from shot to shot. A test holds
this to the real trigger, shot by shot.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from smartselfie.deciding.trigger import EPSILON, Rules, Trigger
from smartselfie.replaying.scores import Recording

Ints = npt.NDArray[np.int64]


def supports(rules: Rules) -> bool:
    """Whether the quick way knows these rules: policy any, a hold in frames, no repeat, no countdown."""
    return (
        rules.policy == "any"
        and rules.hold_frames is not None
        and rules.repeat is None
        and not rules.countdown
    )


def real_shots(recording: Recording, rules: Rules) -> list[float]:
    """Return when the trigger itself fires."""
    trigger = Trigger(rules)
    return [
        frame.at
        for frame in recording.frames
        if trigger.update(frame.faces, at=frame.at, size=recording.size).fire
    ]


@dataclass(frozen=True, slots=True)
class _Life:
    """One face from its arrival to its leaving."""

    first: int
    """The frame of its arrival."""
    frames: Ints
    """Which frames it was detected in."""
    ordered: list[int]
    """The same as a list, for bisection of single numbers: ten times as quick."""
    happy: npt.NDArray[np.float64]
    """P(happy), by detection."""
    top: npt.NDArray[np.bool_]
    """Whether happy was its largest class, by detection."""
    part: list[bool]
    """Whether it took part, by frame from its arrival on."""
    left: int
    """The frame in which it had left; the number of frames when it never did."""


@dataclass(slots=True)
class _Known:
    """A face that has not left yet."""

    since: float
    first: int
    last: float = 0.0
    size: int = 0
    rows: list[tuple[int, float, bool]] = field(default_factory=list)
    part: list[bool] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive smiling detections of one life, the last included."""

    life: int
    first: int
    last: int
    first_frame: int
    last_frame: int


class FastTrigger:
    """One recording, ready for many rules; they may differ in threshold, release, hold, grace, cool-down."""

    def __init__(self, recording: Recording, rules: Rules) -> None:
        self._times = [frame.at for frame in recording.frames]
        self._lives = _lives(recording, rules)
        self._runs: dict[tuple[float, int], list[_Run]] = {}
        self._below: dict[float, list[list[int]]] = {}
        self._cool: dict[tuple[int, float], int] = {}

    def shots(self, rules: Rules) -> list[float]:
        """Return when the trigger would fire."""
        assert supports(rules)
        assert rules.hold_frames is not None
        hold = rules.hold_frames
        runs = [
            run for run in self._all_runs(rules.threshold, rules.grace) if run.last - run.first + 1 >= hold
        ]
        shots: list[float] = []
        begin = first_run = 0
        while True:
            while first_run < len(runs) and runs[first_run].last_frame < begin:
                first_run += 1
            fired = self._first(runs, first_run, begin, hold)
            if fired is None:
                return shots
            shots.append(self._times[fired])
            held = self._held(runs, first_run, begin, fired, rules)
            begin = max(
                self._cooled(fired, rules.cooldown),
                *(self._released(life, fired, rules.release_level) for life in held),
            )

    def _cooled(self, frame: int, cooldown: float) -> int:
        """Return the first frame after a shot in which the cool-down has passed."""
        known = self._cool.get((frame, cooldown))
        if known is not None:
            return known
        fired = self._times[frame]
        cooled = max(frame + 1, bisect_left(self._times, fired + cooldown - 2 * EPSILON))
        while cooled < len(self._times) and self._times[cooled] - fired + EPSILON < cooldown:
            cooled += 1  # the very sum that the trigger makes
        self._cool[frame, cooldown] = cooled
        return cooled

    def _first(self, runs: list[_Run], index: int, begin: int, hold: int) -> int | None:
        """Return the first frame from `begin` on in which a face completes its hold."""
        best: int | None = None
        while index < len(runs) and (best is None or runs[index].first_frame <= best):
            run = runs[index]
            index += 1
            life = self._lives[run.life]
            position = self._start(run, begin) + hold - 1
            while position <= run.last and not life.part[life.ordered[position] - life.first]:
                position += 1
            if position <= run.last and (best is None or life.ordered[position] < best):
                best = life.ordered[position]
        return best

    def _start(self, run: _Run, begin: int) -> int:
        """The first detection of a run that counts when holds start anew in frame `begin`."""
        if run.first_frame >= begin:
            return run.first
        return bisect_left(self._lives[run.life].ordered, begin, run.first, run.last + 1)

    def _held(self, runs: list[_Run], index: int, begin: int, frame: int, rules: Rules) -> list[int]:
        """Return the lives whose hold is complete in a frame: all of them fired."""
        held = []
        while index < len(runs) and runs[index].first_frame <= frame:
            run = runs[index]
            index += 1
            life = self._lives[run.life]
            last = bisect_right(life.ordered, frame) - 1
            if not run.first <= last <= run.last or frame >= life.left:
                continue
            missed = frame - life.ordered[last]
            enough = last - self._start(run, begin) + 1 >= (rules.hold_frames or 0)
            if missed <= rules.grace and enough and life.part[frame - life.first]:
                held.append(run.life)
        return held

    def _all_runs(self, threshold: float, grace: int) -> list[_Run]:
        known = self._runs.get((threshold, grace))
        if known is None:
            known = sorted(
                (run for index in range(len(self._lives)) for run in self._runs_of(index, threshold, grace)),
                key=lambda run: run.first_frame,
            )
            self._runs[threshold, grace] = known
        return known

    def _runs_of(self, index: int, threshold: float, grace: int) -> list[_Run]:
        life = self._lives[index]
        smiles = life.top & (life.happy >= threshold)
        if not smiles.any():
            return []
        joined = smiles[1:] & smiles[:-1] & (np.diff(life.frames) - 1 <= grace)
        firsts = np.flatnonzero(smiles & np.concatenate([[True], ~joined]))
        lasts = np.flatnonzero(smiles & np.concatenate([~joined, [True]]))
        return [
            _Run(index, first, last, life.ordered[first], life.ordered[last])
            for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)
        ]

    def _released(self, index: int, frame: int, level: float) -> int:
        """Return the first frame after a shot in which its face has fallen below `level` or left."""
        below = self._below.get(level)
        if below is None:
            below = [life.frames[life.happy < level].tolist() for life in self._lives]
            self._below[level] = below
        place = bisect_right(below[index], frame)
        left = self._lives[index].left
        return min(below[index][place], left) if place < len(below[index]) else left


def _lives(recording: Recording, rules: Rules) -> list[_Life]:
    """Cut the tracks where the trigger forgets them, and note when each takes part."""
    smallest = rules.min_face * min(recording.size)
    known: dict[int, _Known] = {}
    lives: list[_Life] = []
    for number, frame in enumerate(recording.frames):
        at = frame.at
        for face in frame.faces:
            if face.scores is not None:
                track = known.setdefault(face.track, _Known(at, number))
                track.last, track.size = at, max(face.box.width, face.box.height)
                track.rows.append((number, face.scores.happy, face.scores.top == "happy"))
        for name, track in list(known.items()):
            if at - track.last >= rules.leave_after - EPSILON:
                lives.append(_life(known.pop(name), number))
        largest = max((track.size for track in known.values()), default=0)
        for track in known.values():
            track.part.append(
                track.size >= smallest
                and track.size >= rules.min_relative * largest
                and at - track.since >= rules.min_presence - EPSILON
            )
    return lives + [_life(track, len(recording.frames)) for track in known.values()]


def _life(track: _Known, left: int) -> _Life:
    frames, happy, top = zip(*track.rows, strict=True)
    return _Life(
        track.first, np.array(frames), list(frames), np.array(happy), np.array(top), track.part, left
    )
