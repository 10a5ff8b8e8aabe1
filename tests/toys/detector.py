"""Finds a face wherever it is not black."""

from __future__ import annotations

from typing import Any, Literal

from smartselfie.detectors import DetectorSettings
from smartselfie.records import Image, Look
from smartselfie.schema.fields import setting
from smartselfie.schema.values import Number
from tests.fakes import detect


class Settings(DetectorSettings):
    """The settings of toy."""

    kind: Literal["toy"] = "toy"
    courage: Number = setting(0.5, "How sure it must be.", ge=0, le=1)


def build(settings: Settings, *, smallest: float) -> ToyDetector:
    """Make the detector."""
    return ToyDetector(smallest)


class ToyDetector:
    """The detector."""

    def __init__(self, smallest: float) -> None:
        self.smallest = smallest

    def __call__(self, image: Image, look: Look) -> Any:
        """Return the face."""
        return detect(image, look)

    def smallest_face(self, size: tuple[int, int]) -> int:
        """Return the side of the smallest face."""
        return 7
