"""What a video's container says beside its pictures: the shape of a pixel, and whether the file is whole."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from smartselfie.records import Image


class Properties(Protocol):
    """The part of `cv2.VideoCapture` that is asked here."""

    def get(self, propId: int, /) -> float: ...  # noqa: D102, N803


def pixel_shape(capture: Properties) -> float:
    """Return how much wider than high a pixel is, on pictures as they come."""
    wide, high = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
    if not (math.isfinite(wide) and math.isfinite(high) and wide > 0 and high > 0):
        return 1.0
    ratio = wide / high
    if not 0.2 <= ratio <= 5 or abs(ratio - 1) < 0.01:
        return 1.0
    turned = round(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 180 == 90  # by OpenCV, already
    return 1 / ratio if turned else ratio


def square_pixels(image: Image, shape: float) -> Image:
    """Stretch a (H, W, 3) picture whose pixels are not square, so that faces have their shape."""
    if shape == 1:
        return image
    height, width = image.shape[:2]
    size = (round(width * shape), height) if shape > 1 else (width, round(height / shape))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def is_whole(path: Path) -> bool:
    """Whether a file of Matroska or WebM has all that its segment says.

    Its length is that of its longest track, so that sound that goes on tells nothing of the pictures. False
    for every other format.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    if head[:4] != b"\x1aE\xdf\xa3":
        return False
    header, at = _number(head, 4)
    if header is None:
        return False
    at += header
    if head[at : at + 4] != b"\x18S\x80g":
        return False
    segment, at = _number(head, at + 4)
    return segment is not None and size >= at + segment


def _number(data: bytes, at: int) -> tuple[int | None, int]:
    """Return an EBML length and where it ends; None for one that is unknown or not there."""
    if at >= len(data) or data[at] == 0:
        return None, at
    count = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + count], "big") & ((1 << 7 * count) - 1)
    return (None if value == (1 << 7 * count) - 1 else value), at + count
