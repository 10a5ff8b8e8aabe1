"""Faces cut from photographs as the program cuts them from frames: a detector, then `face_input`."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from smartselfie.deciding.face_input import crop_face
from smartselfie.errors import DetectorError, UsageError
from smartselfie.records import Box, Look
from smartselfie.seams import Detector
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


class Found:
    """Cuts the largest face that one of the program's detectors finds, upright where it has landmarks."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def __call__(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8] | None:
        """Return the (48, 48) crop of a (H, W) gray picture's largest face; None when there is none."""
        faces = self._detector(np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), np.uint8), Look())
        if not faces:
            return None
        face = max(faces, key=lambda face: face.box.area)
        return crop_face(picture, face.box, (SIDE, SIDE), landmarks=face.landmarks)


def finder(name: str) -> Cascade | Found:
    """Return what finds and cuts faces: `cascade`, `network` (that ships), or `yunet:FILE`.

    UsageError for anything else, DetectorError or ModelError when its file is no such detector.
    """
    kind, _, file = name.partition(":")
    if kind == "cascade" and not file:
        return Cascade()
    if kind == "yunet" and file:
        from smartselfie.detectors.yunet import YuNetDetector

        return Found(YuNetDetector(Path(file)))
    if kind == "network":
        from smartselfie.detectors.network import NetworkDetector, default_model

        return Found(NetworkDetector(Path(file) if file else default_model(), thorough=True))
    raise UsageError(f"unknown detector {name!r}; need cascade, network or yunet:FILE")
