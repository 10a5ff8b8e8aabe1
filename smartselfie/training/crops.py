"""Faces cut from photographs as the program cuts them from frames: the frontal cascade, then `face_input`."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from smartselfie.deciding.face_input import crop_face
from smartselfie.errors import DetectorError
from smartselfie.records import Box
from smartselfie.training.datasets import SIDE

CASCADE = "haarcascade_frontalface_default.xml"


class Cascade:
    """Finds the largest face of a picture and cuts it."""

    def __init__(self, cascade: Path | None = None, smallest: float = 0.25) -> None:
        """`smallest`: side of the smallest face to find, as a share of the picture's shorter side."""
        path = cascade or Path(cv2.__file__).parent / "data" / CASCADE
        self._cascade = cv2.CascadeClassifier(str(path))
        if self._cascade.empty():
            raise DetectorError(f"{path}: not a cascade that OpenCV can read")
        self._smallest = smallest

    def box(self, picture: npt.NDArray[np.uint8]) -> Box | None:
        """Return the largest face's box in a (H, W) gray picture; None when there is none."""
        side = max(24, round(min(picture.shape[:2]) * self._smallest))
        found = self._cascade.detectMultiScale(picture, 1.1, 5, minSize=(side, side))
        if not len(found):
            return None
        x, y, width, height = max(found, key=lambda box: box[2] * box[3])
        return Box(int(x), int(y), int(width), int(height))

    def __call__(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8] | None:
        """Return the (48, 48) crop of the largest face; None when there is none."""
        box = self.box(picture)
        return None if box is None else crop_face(picture, box, (SIDE, SIDE))
