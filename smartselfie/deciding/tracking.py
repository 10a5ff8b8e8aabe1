"""Which face is which over time, and where to look next. Pure: no I/O, no clock.

Boxes are matched to tracks greedily, the nearest first, each track predicted with its own velocity. That is
all a camera in front of a few people needs; see Bewley et al. 2016 (SORT) for the fuller form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from smartselfie.records import Box, Face, Look

MAX_DISTANCE = 0.7
"""Centres further apart than this share of the face's size are different faces."""
MAX_GROWTH = 1.8
"""Sizes that differ by more than this factor are different faces."""
VELOCITY_WEIGHT = 0.5
"""Weight of the newest step in the running velocity."""
MAX_PREDICTION = 0.25
"""Seconds over which a velocity is believed."""
IN_TURN = 2
"""Known faces searched in one frame, of those that do not rest; more take turns, predicted in between."""
LONGEST_TURN = 2
"""Frames in a row for which a face may be predicted without a search."""
STILL = 0.5
"""Speed, in its own sizes a second, up to which a face stands still."""
REST = 0.09
"""Seconds after a search for which a face that stands still rests: two frames at 25 frames a second."""
TRIES = 3
"""Searches of the whole picture, frame by frame, for a face that was lost."""


@dataclass(slots=True)
class _Track:
    number: int
    box: Box
    seen: float
    velocity: tuple[float, float] | None = None
    """Pixels a second of the centre; None until it was found twice in a short time."""
    lost: int = 0
    """Searches in a row that did not find it."""
    coasted: int = 0
    """Frames in a row without a search for it."""

    def predict(self, at: float) -> Box:
        """Where the box should be at a time."""
        if self.velocity is None:
            return self.box
        ahead = min(at - self.seen, MAX_PREDICTION)
        return replace(
            self.box,
            x=round(self.box.x + self.velocity[0] * ahead),
            y=round(self.box.y + self.velocity[1] * ahead),
        )

    def rests(self, at: float) -> bool:
        """Whether it stands so still, and was searched so lately, that its prediction will do."""
        if self.velocity is None or at - self.seen > REST or self.coasted >= LONGEST_TURN:
            return False
        return math.hypot(*self.velocity) <= STILL * self.box.width

    def move(self, box: Box, at: float) -> None:
        """Take the newest box over."""
        step = at - self.seen
        if 0 < step <= 2 * MAX_PREDICTION:
            (x, y), (old_x, old_y) = box.centre, self.box.centre
            keep = 1 - VELOCITY_WEIGHT
            across, down = (x - old_x) / step, (y - old_y) / step
            before = self.velocity or (across, down)
            self.velocity = (
                keep * before[0] + VELOCITY_WEIGHT * across,
                keep * before[1] + VELOCITY_WEIGHT * down,
            )
        else:
            self.velocity = None
        self.box, self.seen, self.lost, self.coasted = box, at, 0, 0


class Tracker:
    """Gives each face an id that stays while the face does, and says where to look for it.

    A face may be undetected for `leave_after` seconds and keep its id. The whole picture is searched once in
    `rescan` frames while something moves and at least every `full_every` seconds, a part of it each frame; at
    once while no face is known and something moves, and when a known face is lost. Known faces that stand
    still rest for up to two frames between two searches. `look` and `update` take turns, a pair for each
    frame.
    """

    def __init__(self, *, rescan: int = 15, full_every: float = 1.0, leave_after: float = 1.0) -> None:
        if rescan < 1:
            raise ValueError(f"need rescan >= 1, got {rescan}")
        self.rescan = rescan
        self.full_every = full_every
        self.leave_after = leave_after
        self._tracks: list[_Track] = []
        self._next = 1
        self._at: float | None = None
        self._coasting: list[_Track] = []

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The last box of each face that is not lost."""
        return tuple(track.box for track in self._tracks if not track.lost)

    def look(self, at: float, *, moved: bool = True) -> Look:
        """Where to search in the frame of time `at`, in which something `moved` or not."""
        known = [track for track in self._tracks if not track.lost]
        due = sorted(known, key=lambda track: -track.coasted)
        awake = [track for track in due if not track.rests(at)]
        searched = [
            *awake[:IN_TURN],
            *(track for track in awake[IN_TURN:] if track.coasted >= LONGEST_TURN),
        ]
        first = due[: len(due) // (LONGEST_TURN + 1)]  # or several would rest, and be searched, all at once
        searched += [track for track in first if track not in searched]
        self._coasting = [track for track in known if track not in searched]
        wanted = [*searched, *(track for track in self._tracks if track.lost)]
        return Look(
            self._share(at, moved),
            tuple(track.predict(at) for track in wanted),
            tuple(track.predict(at) for track in self._coasting),
        )

    def _share(self, at: float, moved: bool) -> float:
        if self._at is None or any(0 < track.lost <= TRIES for track in self._tracks):
            return 1.0
        if moved and not any(not track.lost for track in self._tracks):
            return 1.0
        share = max(0.0, at - self._at) / self.full_every
        return min(1.0, max(share, 1 / self.rescan) if moved else share)

    def update(self, boxes: Sequence[Box], *, at: float) -> list[Face]:
        """Match the boxes found at time `at` (seconds) where `look` said.

        Returns a face per box, in the order of the boxes, then those not to be searched, as predicted.
        """
        matched = self._match(boxes, at)
        faces = []
        for index, box in enumerate(boxes):
            track = matched.get(index)
            if track is None:
                track = _Track(self._next, box, at)
                self._tracks.append(track)
                self._next += 1
            else:
                track.move(box, at)
            faces.append(Face(box, track.number))
        for track in self._tracks:
            if track.seen == at:
                continue
            if track in self._coasting:
                track.coasted += 1
                faces.append(Face(track.predict(at), track.number))
            else:
                track.lost += 1
        self._tracks = [track for track in self._tracks if at - track.seen < self.leave_after]
        self._coasting = []
        self._at = at
        return faces

    def _match(self, boxes: Sequence[Box], at: float) -> dict[int, _Track]:
        pairs = []
        for track in self._tracks:
            if at - track.seen >= self.leave_after:
                continue
            expected = track.predict(at)
            for index, box in enumerate(boxes):
                distance = _distance(expected, box)
                if distance is not None:
                    pairs.append((distance, index, track))
        matched: dict[int, _Track] = {}
        taken: set[int] = set()
        for _, index, track in sorted(pairs, key=lambda pair: pair[0]):
            if index not in matched and track.number not in taken:
                matched[index] = track
                taken.add(track.number)
        return matched


def _distance(expected: Box, box: Box) -> float | None:
    """How far two boxes are apart, in face sizes, growth counted in; None when they are different faces."""
    larger, smaller = max(expected.width, box.width), max(1, min(expected.width, box.width))
    growth = larger / smaller
    (x, y), (other_x, other_y) = expected.centre, box.centre
    distance = math.hypot(x - other_x, y - other_y) / larger
    if growth > MAX_GROWTH or distance > MAX_DISTANCE:
        return None
    return distance + (growth - 1) / 2
