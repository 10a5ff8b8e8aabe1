"""Whether anything moves, and whether the picture is another one: a cheap difference of thumbnails. Pure."""

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
CUT_LIKENESS = 0.55
"""Thumbnails of two frames in a row that correlate less are of two scenes ..."""
CUT_STEP, CUT_SHARE = 20, 0.2
"""... when at least this share of their pixels changed by so many gray levels: a dark room is all noise.

On public clips, 588 s of them, this finds the 37 cuts between scenes that differ; those that it misses show
the same scene nearer, or from the other side.
"""
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


class Cuts:
    """Compares each frame with the one before it."""

    def __init__(self) -> None:
        self._before: npt.NDArray[np.float32] | None = None

    def __call__(self, image: Image) -> bool:
        """Take a (H, W, 3) BGR frame; returns whether another scene begins with it (a hard cut)."""
        step = max(1, image.shape[1] // (2 * ACROSS))
        size = (ACROSS, max(1, ACROSS * image.shape[0] // image.shape[1]))
        small = cv2.resize(image[::step, ::step, 1], size, interpolation=cv2.INTER_AREA)
        thumbnail = np.asarray(small, np.float32)
        before, self._before = self._before, thumbnail
        if before is None:
            return False
        if before.shape != thumbnail.shape:
            return True
        if float(np.mean(np.abs(thumbnail - before) > CUT_STEP)) < CUT_SHARE:
            return False
        now, then = thumbnail - thumbnail.mean(), before - before.mean()
        size_of_both = float(np.sqrt((now**2).sum() * (then**2).sum()))
        return size_of_both > 0 and float((now * then).sum()) < CUT_LIKENESS * size_of_both
