"""Whether eyes are open, from OpenCV's cascade for open eyes; how well: docs/how-it-decides.md."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from smartselfie.errors import DetectorError
from smartselfie.records import Box, Image

EYE_CASCADE = "haarcascade_eye.xml"
"""It was trained on open eyes; those named `lefteye` and `righteye` also find closed ones."""
FACE = 112
"""Pixels to which a face is scaled: an eye is then a little larger than the cascade's window of 20."""
ROWS = (0.18, 0.55)
"""Where eyes are looked for, as shares of the face's height."""
COLUMNS = ((0.1, 0.5), (0.5, 0.9))
"""... and of its width: one eye on each side."""
SIZES = (20, 42)
"""Pixels of an eye with its surroundings, in the scaled face."""
BEST = 3
"""An eye's strength is the mean of its so many strongest windows: one alone may be an eyebrow."""
NOTHING = -1.0
"""Strength of a window that was not found."""
LEVELS = (-0.7, 1.8)
"""Strengths of closed and of wide open eyes; half way up they count as open."""


class EyeMeter:
    """Measures how open a face's eyes are. Raises `DetectorError` when `cascade` is none."""

    def __init__(self, cascade: Path) -> None:
        try:
            self._cascade = cv2.CascadeClassifier(str(cascade))
        except (cv2.error, SystemError) as error:
            raise DetectorError(f"{cascade}: not a cascade that OpenCV reads") from error
        if self._cascade.empty():
            raise DetectorError(f"{cascade}: not a cascade that OpenCV reads")

    def __call__(self, image: Image, box: Box) -> float:
        """Return 0 (closed, or not to be seen) to 1 (open): the mean of a face's two eyes.

        `image` is (H, W, 3) BGR, `box` the face in its pixels.
        """
        height, width = image.shape[:2]
        top, bottom = (round(box.y + share * box.height) for share in ROWS)
        eyes = []
        for columns in COLUMNS:
            left, right = (round(box.x + share * box.width) for share in columns)
            cut = image[max(0, top) : max(0, min(bottom, height)), max(0, left) : max(0, min(right, width))]
            scale = FACE / max(1, box.width)
            size = round(cut.shape[1] * scale), round(cut.shape[0] * scale)
            eyes.append(self._strength(cut, size) if min(size) >= SIZES[0] else NOTHING)
        low, high = LEVELS
        return float(min(1.0, max(0.0, (sum(eyes) / len(eyes) - low) / (high - low))))

    def _strength(self, cut: Image, size: tuple[int, int]) -> float:
        shrinks = size[0] < cut.shape[1]
        small = cv2.resize(cut, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        gray = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        _, _, strengths = self._cascade.detectMultiScale3(
            gray,
            scaleFactor=1.2,
            minNeighbors=0,  # every window is asked for: their strength decides, not their number
            minSize=(SIZES[0], SIZES[0]),
            maxSize=(SIZES[1], SIZES[1]),
            outputRejectLevels=True,
        )
        found = sorted([*np.ravel(strengths).tolist(), *[NOTHING] * BEST])
        return float(sum(found[-BEST:]) / BEST)
