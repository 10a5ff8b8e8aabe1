"""How good a frame is of the people in it, which decides the moment's picture. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

OPEN = 0.5
"""Eyes at least this open count as open."""
WEIGHTS = {"smile": 0.4, "eyes": 0.25, "sharpness": 0.15, "inside": 0.1, "stillness": 0.1}
"""What a frame is scored by, and how much each counts; they sum to 1."""


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """How one face looks in one frame."""

    area: float
    """Pixels of its box."""
    smile: float
    """Score for smiling."""
    eyes: float | None
    """0 closed to 1 wide open; None: not measured."""
    sharpness: float
    """Comparable between frames of the same face only; larger is sharper."""
    inside: float
    """Share of the face that lies inside the picture."""
    stillness: float
    """1 for a face that does not move at all, falling towards 0."""
    found: bool = True
    """It was searched and found in this frame, not only expected there."""


FaceQualities = Mapping[int, FaceQuality]
"""How the faces of one frame look, by track."""


@dataclass(frozen=True, slots=True)
class FrameQuality:
    """What a frame is ranked by; the fields in their order, larger is better."""

    shows_it: bool
    """Every face whose smile fired was found in it, and still smiles."""
    open_eyes: int
    """Faces with open eyes."""
    in_time: bool
    """It is of the time before the decision or of the decision itself: the smile that was judged."""
    sharp: bool
    """It is of the sharper half of the frames that are as good in what comes before."""
    score: float
    """0..1, see `WEIGHTS`."""

    @property
    def key(self) -> tuple[bool, int, bool, bool, float]:
        """What to sort by."""
        return self.shows_it, self.open_eyes, self.in_time, self.sharp, self.score


def grade(
    window: Sequence[FaceQualities],
    *,
    needed: Collection[int],
    everyone: Collection[int],
    release: float = 0.0,
    in_time: Sequence[bool] | None = None,
) -> list[FrameQuality]:
    """Grade the frames of one moment against each other; returns a grade per frame.

    `needed`: tracks that must be in the picture (their smiles fired) and smile by at least `release`;
    `everyone`: tracks that are looked at, each weighted with its area; `in_time`: by frame, whether it is not
    later than the decision (None: all are). A face that a frame lacks is left out of that frame's score: it
    may be undetected for a frame.
    """
    looked_at = set(everyone) | set(needed)
    window = [{t: face for t, face in faces.items() if t in looked_at} for faces in window]
    shares = _shares(window)
    sharpness = _relative_sharpness(window, shares)
    early = in_time if in_time is not None else [True] * len(window)
    firsts = [
        (
            all(track in faces and shows(faces[track], release) for track in needed),
            sum(map(_open, faces.values())),
            early[index],
        )
        for index, faces in enumerate(window)
    ]
    halves = {
        first: median(sharpness[index] for index, other in enumerate(firsts) if other == first)
        for first in set(firsts)
    }
    return [
        FrameQuality(
            *first, sharpness[index] >= halves[first], _score(window[index], shares, sharpness[index])
        )
        for index, first in enumerate(firsts)
    ]


def shows(face: FaceQuality, release: float) -> bool:
    """Whether a face was found and has not fallen below `release`."""
    return face.found and face.smile >= release


def _open(face: FaceQuality) -> bool:
    return face.eyes is not None and face.eyes >= OPEN


def _shares(window: Sequence[FaceQualities]) -> dict[int, float]:
    """Each face's weight: its mean area, so that the detector's jitter does not shift weights."""
    areas: dict[int, list[float]] = {}
    for faces in window:
        for track, face in faces.items():
            areas.setdefault(track, []).append(face.area)
    return {track: sum(sizes) / len(sizes) for track, sizes in areas.items()}


def _mean(values: Mapping[int, float], shares: Mapping[int, float]) -> float:
    """Weigh the faces' values with their shares; 0 without faces."""
    total = sum(shares[track] for track in values)
    return sum(value * shares[track] for track, value in values.items()) / total if total else 0.0


def _relative_sharpness(window: Sequence[FaceQualities], shares: Mapping[int, float]) -> list[float]:
    """Each frame's sharpness, 0..1: each face against its own sharpest: skins and beards differ."""
    sharpest = {track: max(faces[track].sharpness for faces in window if track in faces) for track in shares}
    return [
        _mean({track: face.sharpness / (sharpest[track] or 1) for track, face in faces.items()}, shares)
        for faces in window
    ]


def _score(faces: FaceQualities, shares: Mapping[int, float], sharpness: float) -> float:
    parts = {
        "smile": _mean({track: face.smile for track, face in faces.items()}, shares),
        "sharpness": sharpness,
        "inside": _mean({track: face.inside for track, face in faces.items()}, shares),
        "stillness": _mean({track: face.stillness for track, face in faces.items()}, shares),
    }
    eyes = {track: face.eyes for track, face in faces.items() if face.eyes is not None}
    if eyes:
        parts["eyes"] = _mean(eyes, shares)
    weight = sum(WEIGHTS[name] for name in parts)
    return sum(WEIGHTS[name] * value for name, value in parts.items()) / weight
