"""Whether anything moves: a cheap difference of thumbnails. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from smartselfie.records import Box, Image

ACROSS = 40
"""Pixels across the thumbnail."""
STEP = 14
"""Gray levels by which a thumbnail's pixel must change to count as movement (noise stays below)."""
PIXELS = 3
"""Thumbnail pixels that must change."""
AROUND = 0.5
"""How far around a known face movement is expected and does not count, as a share of its size."""


class Motion:
    """Compares each frame with the one of the last movement, known faces left out."""

    def __init__(self) -> None:
        self._before: npt.NDArray[np.int16] | None = None

    def __call__(self, image: Image, known: Iterable[Box] = ()) -> bool:
        """Take a (H, W, 3) BGR frame; returns whether something moved outside the known faces."""
        step = max(1, image.shape[1] // (2 * ACROSS))
        small = image[::step, ::step, 1]  # green is most of what gray is
        size = (ACROSS, max(1, ACROSS * image.shape[0] // image.shape[1]))
        thumbnail = np.asarray(cv2.resize(small, size), np.int16)
        before = self._before
        if before is None or before.shape != thumbnail.shape:
            self._before = thumbnail
            return True
        changed = np.abs(thumbnail - before) > STEP
        scale = ACROSS / image.shape[1]
        for box in known:
            around = AROUND * box.width
            left, top = (max(0, int((edge - around) * scale)) for edge in (box.x, box.y))
            right, bottom = (int((edge + around) * scale) + 1 for edge in (box.right, box.bottom))
            changed[top:bottom, left:right] = False
        if int(np.count_nonzero(changed)) < PIXELS:
            return False
        self._before = thumbnail
        return True
