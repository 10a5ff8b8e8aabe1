"""The trigger over whole recordings at once: what `Trigger` decides with policy any, very much faster.

A face that smiles from one frame to the next makes a *run*; a run is a matter of the threshold and of `grace`
alone. All that is left to do for each hold, release and cool-down is to walk from shot to shot. A test holds
this to the real trigger, shot by shot.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from smartselfie.replaying.scores import Recording
from smartselfie.trigger import EPSILON, Rules, Trigger

Ints = npt.NDArray[np.int64]


def can_hurry(rules: Rules) -> bool:
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
    """One face from its arrival to its leaving; lists by its detections."""

    track: int
    frames: Ints
    """Which frames it was detected in."""
    happy: npt.NDArray[np.float64]
    top: npt.NDArray[np.bool_]
    """Happy was its largest class."""
    part: npt.NDArray[np.bool_]
    """It took part."""
    left: int
    """The frame in which it had left; the number of frames when it never did."""


@dataclass(slots=True)
class _Known:
    """A face that has not left yet."""

    first: float
    last: float = 0.0
    size: int = 0
    rows: list[tuple[int, float, bool, bool]] = field(default_factory=list)
    """By detection: frame, P(happy), whether that is the largest class, whether it takes part."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive smiling detections of one life, the last included."""

    life: int
    first: int
    last: int
    first_frame: int
    last_frame: int


class QuickTrigger:
    """One recording, ready for many rules; they may differ in threshold, release, hold, grace, cool-down."""

    def __init__(self, recording: Recording, rules: Rules) -> None:
        self._times = [frame.at for frame in recording.frames]
        self._lives = _lives(recording, rules)
        self._runs: dict[tuple[float, int], list[_Run]] = {}
        self._below: dict[float, list[list[int]]] = {}

    def shots(self, rules: Rules) -> list[float]:
        """Return when the trigger would fire."""
        assert can_hurry(rules)
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
            frame, life = fired
            shots.append(self._times[frame])
            cooled = self._cooled(frame, rules.cooldown)
            begin = max(cooled, self._released(life, frame, rules.release_level))

    def _cooled(self, frame: int, cooldown: float) -> int:
        """Return the first frame after a shot in which the cool-down has passed."""
        fired = self._times[frame]
        cooled = max(frame + 1, bisect_left(self._times, fired + cooldown - 2 * EPSILON))
        while cooled < len(self._times) and self._times[cooled] - fired + EPSILON < cooldown:
            cooled += 1  # the very sum that the trigger makes
        return cooled

    def _first(self, runs: list[_Run], index: int, begin: int, hold: int) -> tuple[int, int] | None:
        """Return the first frame from `begin` on in which a hold is complete, and whose life it is."""
        best: tuple[int, float, int, int] | None = None
        while index < len(runs) and (best is None or runs[index].first_frame <= best[0]):
            run = runs[index]
            index += 1
            life = self._lives[run.life]
            start = run.first
            if run.first_frame < begin:
                start += int(np.searchsorted(life.frames[run.first : run.last + 1], begin))
            position = start + hold - 1
            while position <= run.last and not life.part[position]:
                position += 1
            if position > run.last:
                continue
            frame = int(life.frames[position])
            rank = (frame, -float(life.happy[position]), life.track, run.life)
            if best is None or rank < best:
                best = rank
        return None if best is None else (best[0], best[3])

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
            _Run(index, first, last, int(life.frames[first]), int(life.frames[last]))
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
        seen = [face for face in frame.faces if face.scores is not None]
        for face in seen:
            track = known.setdefault(face.track, _Known(at))
            track.last, track.size = at, max(face.box.width, face.box.height)
        for name, track in list(known.items()):
            if at - track.last >= rules.leave_after - EPSILON:
                lives.append(_life(name, known.pop(name).rows, number))
        largest = max((track.size for track in known.values()), default=0)
        for face in seen:
            assert face.scores is not None
            track = known[face.track]
            part = (
                track.size >= smallest
                and track.size >= rules.min_relative * largest
                and at - track.first >= rules.min_presence - EPSILON
            )
            track.rows.append((number, face.scores.happy, face.scores.top == "happy", part))
    return lives + [_life(name, track.rows, len(recording.frames)) for name, track in known.items()]


def _life(track: int, rows: Sequence[tuple[int, float, bool, bool]], left: int) -> _Life:
    frames, happy, top, part = zip(*rows, strict=True)
    return _Life(track, np.array(frames), np.array(happy), np.array(top), np.array(part), left)
