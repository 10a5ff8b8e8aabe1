"""Which face is which over time. Pure: no I/O, no clock.

Faces are matched to tracks greedily, the nearest first, each track predicted with its own velocity. That is
all a camera in front of a few people needs; see Bewley et al. 2016 (SORT) for the fuller form. A track ends
with its face: at a hard cut, and when the face at its place no longer looks like it did.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from smartselfie.deciding.face_patch import Patch, likeness
from smartselfie.records import Box, Face, Look

MAX_DISTANCE = 0.7
"""Centres further apart than this share of the face's size are different faces."""
MAX_GROWTH = 1.8
"""Sizes that differ by more than this factor are different faces."""
VELOCITY_WEIGHT = 0.5
"""Weight of the newest step in the running velocity."""
MAX_PREDICTION = 0.25
"""Seconds over which a velocity is believed."""
SAME_FACE = 0.25
"""Two looks at one face are at least as alike as this, from one search to the next.

On 13,579 pairs of neighbouring finds of public clips the same face falls below it twice in a thousand (in
profile, where landmarks jump).
"""
SAME_FACE_ACROSS_CUT = 0.8
"""... and where the picture as a whole has changed."""


@dataclass(slots=True, eq=False)
class Track:
    """What is known of one face."""

    number: int
    face: Face
    """As it was found last."""
    seen: float
    """When that was, in seconds."""
    patch: Patch | None = None
    """How it looked then."""
    velocity: tuple[float, float] | None = None
    """Pixels a second of the centre; None until it was found twice in a short time."""
    lost: int = 0
    """Searches in a row that did not find it."""
    coasted: int = 0
    """Frames in a row without a search for it."""

    def predict(self, at: float) -> Box:
        """Where the box should be at a time."""
        box = self.face.box
        across, down = self._moved(at)
        return replace(box, x=round(box.x + across), y=round(box.y + down))

    def predicted(self, at: float) -> Face:
        """The face as it should be at a time, landmarks moved along with the box."""
        across, down = self._moved(at)
        points = self.face.landmarks
        if points is not None:
            eye, other_eye, nose, corner, other_corner = ((x + across, y + down) for x, y in points)
            points = eye, other_eye, nose, corner, other_corner
        return replace(self.face, box=self.predict(at), landmarks=points, predicted=True)

    def move(self, face: Face, at: float, patch: Patch | None) -> None:
        """Take the newest find over."""
        step = at - self.seen
        if 0 < step <= 2 * MAX_PREDICTION:
            (x, y), (old_x, old_y) = face.box.centre, self.face.box.centre
            keep = 1 - VELOCITY_WEIGHT
            across, down = (x - old_x) / step, (y - old_y) / step
            before = self.velocity or (across, down)
            self.velocity = (
                keep * before[0] + VELOCITY_WEIGHT * across,
                keep * before[1] + VELOCITY_WEIGHT * down,
            )
        else:
            self.velocity = None
        self.face = replace(face, track=self.number)
        self.seen, self.patch, self.lost, self.coasted = at, patch, 0, 0

    def _moved(self, at: float) -> tuple[float, float]:
        if self.velocity is None:
            return 0.0, 0.0
        ahead = min(at - self.seen, MAX_PREDICTION)
        return self.velocity[0] * ahead, self.velocity[1] * ahead


class Tracker:
    """Gives each face an id that stays while the face does, and says where to look for it.

    The whole picture is searched in one of `every` frames; faces are predicted in the others. A face may be
    undetected for `leave_after` seconds and keep its id. `look` and `update` take turns, a pair for each
    frame. `distance` says how far two boxes are apart, None when they are of different faces.
    """

    saves_searches = False
    """Whether it matters for `look` that something moved."""

    def __init__(
        self,
        *,
        every: int = 1,
        leave_after: float = 1.0,
        distance: Callable[[Box, Box], float | None] | None = None,
    ) -> None:
        if every < 1:
            raise ValueError(f"need every >= 1, got {every}")
        self.every = every
        self.leave_after = leave_after
        self._distance = distance or distance_in_sizes
        self._tracks: list[Track] = []
        self._next = 1
        self._at: float | None = None
        self._coasting: list[Track] = []
        self._frames = 0

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The last box of each face that is not lost."""
        return tuple(track.face.box for track in self._tracks if not track.lost)

    def look(self, at: float, *, moved: bool = True) -> Look:
        """Where to search in the frame of time `at`, in which something `moved` or not."""
        searched = self._frames % self.every == 0
        self._frames += 1
        self._coasting = [] if searched else [track for track in self._tracks if not track.lost]
        return Look(1.0 if searched else 0.0)

    def update(
        self, found: Sequence[Face], *, at: float, patches: Sequence[Patch] | None = None, cut: bool = False
    ) -> list[Face]:
        """Match the faces found at time `at` (seconds) where `look` said.

        `patches`: what each looks like (`face_patch`); without them place and size decide alone. `cut`: the
        picture as a whole is another one, so that only a face that looks the same is the same. Returns the
        faces with their tracks, in the order they were found, then those not to be searched, as predicted.
        """
        if cut:
            self._coasting = []
        matched = self._match(found, at, patches, cut)
        faces = []
        for index, face in enumerate(found):
            patch = patches[index] if patches is not None else None
            track = matched.get(index)
            if track is None:
                track = Track(self._next, replace(face, track=self._next), at, patch)
                self._tracks.append(track)
                self._next += 1
            else:
                track.move(face, at, patch)
            faces.append(track.face)
        for track in self._tracks:
            if track.seen == at:
                continue
            if track in self._coasting:
                track.coasted += 1
                faces.append(track.predicted(at))
            else:
                track.lost += 1
        self._tracks = [
            track
            for track in self._tracks
            if track.seen == at or (at - track.seen < self.leave_after and not cut)
        ]
        self._coasting = []
        self._at = at
        return faces

    def _match(
        self, found: Sequence[Face], at: float, patches: Sequence[Patch] | None, cut: bool
    ) -> dict[int, Track]:
        alike = SAME_FACE_ACROSS_CUT if cut else SAME_FACE
        pairs = []
        for track in self._tracks:
            if at - track.seen >= self.leave_after or (cut and patches is None):
                continue
            expected = track.predict(at)
            for index, face in enumerate(found):
                distance = self._distance(expected, face.box)
                if distance is None:
                    continue
                if patches is None or track.patch is None or likeness(track.patch, patches[index]) >= alike:
                    pairs.append((distance, index, track))
        matched: dict[int, Track] = {}
        taken: set[int] = set()
        for _, index, track in sorted(pairs, key=lambda pair: pair[0]):
            if index not in matched and track.number not in taken:
                matched[index] = track
                taken.add(track.number)
        return matched


def distance_in_sizes(expected: Box, box: Box) -> float | None:
    """How far two boxes are apart, in face sizes, growth counted in; None when they are different faces."""
    larger, smaller = max(expected.width, box.width), max(1, min(expected.width, box.width))
    growth = larger / smaller
    (x, y), (other_x, other_y) = expected.centre, box.centre
    distance = math.hypot(x - other_x, y - other_y) / larger
    if growth > MAX_GROWTH or distance > MAX_DISTANCE:
        return None
    return distance + (growth - 1) / 2
