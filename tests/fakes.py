"""Small real parts for tests: frames of numbers, a detector and a classifier that read them, a saver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from smartselfie.deciding.rules import Rules
from smartselfie.deciding.tracking import Tracker
from smartselfie.deciding.trigger import Trigger
from smartselfie.pipeline import Analysis
from smartselfie.records import CLASSES, Box, Face, Frame, Image, Look, Scores, Shot

FACE = Box(200, 100, 200, 200)
EVERYBODY = {"min_relative": 0.0, "min_presence": 0.0}
"""Rules for which every face counts, and at once."""


def happy_frame(happy: float | None, seq: int, fps: float = 10) -> Frame:
    """A frame whose pixels tell how happy its face is; None: nobody there (black)."""
    value = 0 if happy is None else 1 + round(happy * 200)
    return Frame(np.full((480, 640, 3), value, np.uint8), seq, seq / fps)


def frames(numbers: Sequence[float | None]) -> Iterator[Frame]:
    """A frame for each number."""
    for seq, happy in enumerate(numbers):
        yield happy_frame(happy, seq)


def detect(image: Image, look: Look) -> list[Face]:
    """One face, unless the picture is black."""
    return [Face(FACE)] if image[0, 0, 0] else []


class ReadScores:
    """Reads P(happy) back from the pixels."""

    input_size = (48, 48)
    description = None

    def __call__(self, crops: Image) -> list[Scores]:
        """The scores of each crop."""
        return [scores((int(crop[0, 0]) - 1) / 200) for crop in crops]


def scores(happy: float) -> Scores:
    """P(happy), and the rest neutral."""
    return Scores(
        tuple(happy if name == "happy" else 1 - happy if name == "neutral" else 0.0 for name in CLASSES)
    )


class KeepShots:
    """A saver that only remembers."""

    def __init__(self) -> None:
        self.shots: list[Shot] = []

    def save(self, shot: Shot) -> None:
        """Remember the shot."""
        self.shots.append(shot)

    def close(self, timeout: float = 10.0) -> None:
        """Nothing waits."""


def analysis(rules: Rules | None = None) -> Analysis:
    """The real tracker and trigger around the fake eyes."""
    return Analysis(
        detect, Tracker(), ReadScores(), Trigger(rules or Rules(rule="frames", hold_rate=None, **EVERYBODY))
    )
