"""Turns pictures by quarters, for cameras that hang on their side or upside down."""

from __future__ import annotations

from typing import cast

import cv2

from smartselfie.records import Image

_CODES = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def check_rotation(degrees: int) -> int:
    """Return `degrees`; raises ValueError unless it is 0, 90, 180 or 270."""
    if degrees != 0 and degrees not in _CODES:
        raise ValueError(f"need a rotation of 0, 90, 180 or 270 degrees, got {degrees}")
    return degrees


def rotated(image: Image, degrees: int) -> Image:
    """Return the (H, W, 3) picture turned clockwise; the very same array for 0."""
    return image if degrees == 0 else cast(Image, cv2.rotate(image, _CODES[degrees]))
