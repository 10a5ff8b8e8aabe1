"""Which face is which over time, and where to look next. Pure: no I/O, no clock.

Boxes are matched to tracks greedily, the nearest first, each track predicted with its own velocity. That is
all a camera in front of a few people needs; see Bewley et al. 2016 (SORT) for the fuller form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from smartselfie.records import Box, Face, Look

MAX_DISTANCE = 0.7
"""Centres further apart than this share of the face's size are different faces."""
MAX_GROWTH = 1.8
"""Sizes that differ by more than this factor are different faces."""
VELOCITY_WEIGHT = 0.5
"""Weight of the newest step in the running velocity."""
MAX_PREDICTION = 0.25
"""Seconds over which a velocity is believed."""


@dataclass(slots=True)
class _Track:
    number: int
    box: Box
    seen: float
    velocity: tuple[float, float] = (0.0, 0.0)
    """Pixels a second of the centre."""

    def predict(self, at: float) -> Box:
        """Where the box should be at a time."""
        ahead = min(at - self.seen, MAX_PREDICTION)
        return Box(
            round(self.box.x + self.velocity[0] * ahead),
            round(self.box.y + self.velocity[1] * ahead),
            self.box.width,
            self.box.height,
        )

    def move(self, box: Box, at: float) -> None:
        """Take the newest box over."""
        step = at - self.seen
        if 0 < step <= 2 * MAX_PREDICTION:
            (x, y), (old_x, old_y) = box.centre, self.box.centre
            newest = ((x - old_x) / step, (y - old_y) / step)
            keep = 1 - VELOCITY_WEIGHT
            self.velocity = (
                keep * self.velocity[0] + VELOCITY_WEIGHT * newest[0],
                keep * self.velocity[1] + VELOCITY_WEIGHT * newest[1],
            )
        else:
            self.velocity = (0.0, 0.0)
        self.box, self.seen = box, at


class Tracker:
    """Gives each face an id that stays while the face does.

    A face may be undetected for `leave_after` seconds and keep its id. `look` asks for a full search every
    `rescan` frames, at least every `full_every` seconds, at once when a known face was not found, and always
    while there is no face.
    """

    def __init__(self, *, rescan: int = 15, full_every: float = 1.0, leave_after: float = 1.0) -> None:
        if rescan < 1:
            raise ValueError(f"need rescan >= 1, got {rescan}")
        self.rescan = rescan
        self.full_every = full_every
        self.leave_after = leave_after
        self._tracks: list[_Track] = []
        self._next = 1
        self._since_full = 0
        self._full_at: float | None = None
        self._missed = False

    def look(self, at: float) -> Look:
        """Where to search in the frame of time `at`."""
        around = tuple(track.predict(at) for track in self._tracks)
        due = (
            not around
            or self._missed
            or self._full_at is None
            or self._since_full + 1 >= self.rescan
            or at - self._full_at >= self.full_every
        )
        return Look(full=due, around=around)

    def update(self, boxes: Sequence[Box], *, at: float, full: bool = True) -> list[Face]:
        """Match the boxes found at time `at` (seconds); `full`: the whole picture was searched.

        Returns a face per box, in the order of the boxes.
        """
        self._tracks = [track for track in self._tracks if at - track.seen < self.leave_after]
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
        self._missed = any(track.seen < at for track in self._tracks) and not full
        if full:
            self._since_full, self._full_at = 0, at
        else:
            self._since_full += 1
        return faces

    def _match(self, boxes: Sequence[Box], at: float) -> dict[int, _Track]:
        pairs = []
        for track in self._tracks:
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
