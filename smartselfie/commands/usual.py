"""How most projects of this kind search for faces, to be measured beside this one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import fmean, median
from typing import NamedTuple

import cv2
import numpy as np

from smartselfie.detectors.cascades import find_cascade, has_cascades, no_cascades
from smartselfie.records import Box, Frame, Image

STEP, NEIGHBOURS, SMALLEST = 1.1, 5, 30
"""What nearly all of them pass: factor between sizes, neighbours, pixels of the smallest face."""


class UsualCascade:
    """OpenCV's whole cascade on the whole picture. Raises `DetectorError` where OpenCV has no cascades."""

    def __init__(self) -> None:
        if not has_cascades():
            raise no_cascades()
        self._cascade = cv2.CascadeClassifier(str(find_cascade("haarcascade_frontalface_default.xml")))

    def __call__(self, gray: Image) -> list[Box]:
        """Return the faces of a (H, W) uint8 gray picture, in its pixels."""
        found = self._cascade.detectMultiScale(gray, STEP, NEIGHBOURS, minSize=(SMALLEST, SMALLEST))
        return [Box(*map(int, box)) for box in found]


class UsualSearch(NamedTuple):
    """What the usual search takes and finds."""

    median_ms: float
    faces: float
    """A frame, in the mean."""


def measure_usual(frames: Sequence[Frame]) -> UsualSearch | None:
    """Search frames as most projects do; None without frames, and where OpenCV has no cascades."""
    if not frames or not has_cascades():
        return None
    cascade = UsualCascade()
    times, faces = [], []
    for frame in frames:
        begin = time.perf_counter()
        found = cascade(np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY), np.uint8))
        times.append((time.perf_counter() - begin) * 1000)
        faces.append(len(found))
    return UsualSearch(median(times), fmean(faces))
