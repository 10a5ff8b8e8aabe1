"""Bright pictures are happy, dark ones sad."""

from __future__ import annotations

from typing import Literal

from smartselfie.classifiers import ClassifierSettings
from smartselfie.records import CLASSES, Image, Scores


class Settings(ClassifierSettings):
    """The settings of brightness."""

    kind: Literal["brightness"] = "brightness"


def build(settings: Settings, *, threads: int) -> BrightnessClassifier:
    """Make the classifier."""
    return BrightnessClassifier()


class BrightnessClassifier:
    """Scores crops by their mean gray level."""

    input_size = (48, 48)
    description = None

    def __call__(self, crops: Image) -> list[Scores]:
        """Return the scores of (N, H, W) uint8 gray crops."""
        return [_scores(float(crop.mean()) / 255) for crop in crops]


def _scores(happy: float) -> Scores:
    rest = {"happy": happy, "sad": 1 - happy}
    return Scores(tuple(rest.get(name, 0.0) for name in CLASSES))
