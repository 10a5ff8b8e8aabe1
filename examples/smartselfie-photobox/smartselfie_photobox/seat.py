"""The face is always at the same place: people sit on a stool."""

from __future__ import annotations

from typing import Literal

from smartselfie.detectors import DetectorSettings
from smartselfie.records import Box, Face, Image, Look
from smartselfie.schema.fields import setting
from smartselfie.schema.values import Number


class Settings(DetectorSettings):
    """The settings of seat."""

    kind: Literal["seat"] = "seat"
    size: Number = setting(
        0.5, "Size of the face in the middle of the picture, as a share of its height.", gt=0, le=1
    )


def build(settings: Settings, *, smallest: float) -> SeatDetector:
    """Make the detector."""
    return SeatDetector(settings.size, smallest)


class SeatDetector:
    """Says that there is a face in the middle."""

    def __init__(self, size: float, smallest: float) -> None:
        self._size = size
        self.smallest = smallest

    def __call__(self, image: Image, look: Look) -> list[Face]:
        """Return one face."""
        height, width = image.shape[:2]
        side = round(self._size * min(height, width))
        return [Face(Box((width - side) // 2, (height - side) // 2, side, side))]

    def smallest_face(self, size: tuple[int, int]) -> int:
        """Return the side of the only face there can be."""
        return round(self._size * min(size))
