"""YuNet (Wu, Peng and Yu 2023) through OpenCV: turned and tilted faces too, with a file that users bring."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

import cv2
import numpy as np
from pydantic import model_validator

from smartselfie.detectors import CopySettings
from smartselfie.errors import DetectorError
from smartselfie.quiet import set_opencv_log_level
from smartselfie.records import Box, Face, Image, Landmarks, Look
from smartselfie.schema.fields import broken_rule, setting
from smartselfie.schema.values import Number, PathSetting

WINDOW = 10
"""Smallest face, in pixels of the searched picture, that its authors say it finds."""
SIDE = 0.92
"""Side of the frontal cascade's box as a share of the height of YuNet's, which is tall and narrow.

Measured on 270 faces of 15 clips that both found: 0.92 with a standard deviation of 0.06, the centres 0.01
of the height apart. Networks that were trained on the cascade's boxes then see the same crop.
"""
LEAST_SIDE = 64
"""Pixels: with 32 or fewer on a side OpenCV reads memory that nobody wrote, and finds faces there."""
OVERLAP = 0.3
"""Boxes that overlap by more than this share (intersection over union) are one face."""


class Settings(CopySettings):
    """The settings of yunet."""

    kind: Literal["yunet"] = "yunet"
    model: PathSetting | None = setting(
        None,
        "The .onnx file, which people bring.",
        private=True,
        example="face_detection_yunet_2023mar.onnx",
    )
    min_score: Number = setting(
        0.8,
        "Score from which a find is a face. Higher: fewer false faces, more missed ones.",
        gt=0,
        le=1,
    )

    @model_validator(mode="after")
    def _needs_its_file(self) -> Self:
        if self.model is None:
            raise broken_rule(
                ("model", "kind"), "kind yunet needs the path of its .onnx file in detector.model"
            )
        return self


def build(settings: Settings, *, smallest: float) -> YuNetDetector:
    """Make the detector. Raises `DetectorError` when the file is no YuNet."""
    assert settings.model is not None
    return YuNetDetector(
        Path(settings.model),
        detect_width=settings.detect_width,
        min_score=settings.min_score,
        smallest=smallest,
    )


class YuNetDetector:
    """Searches the whole downscaled picture, whatever is known: that is cheap with this network.

    `detect_width`: pixels across the picture that is searched; `min_score`: a find's least score, 0..1;
    `smallest`: smallest face wanted, as a share of the picture's shorter side. The boxes are squares as the
    frontal cascade's would be. Raises DetectorError for a file that is missing or no YuNet.
    """

    def __init__(
        self, model: Path, *, detect_width: int = 320, min_score: float = 0.8, smallest: float = 0.0
    ) -> None:
        if not model.is_file():
            raise DetectorError(f"{model}: no such file", remedy="detector.model is the .onnx file of yunet")
        level = set_opencv_log_level(0)  # the error below says it in one line
        try:
            self._network = cv2.FaceDetectorYN.create(str(model), "", (320, 320), min_score, OVERLAP)
            self._network.detect(np.zeros((320, 320, 3), np.uint8))
        except (cv2.error, SystemError) as error:
            raise DetectorError(
                f"{model}: not a YuNet network that OpenCV reads",
                remedy="bring face_detection_yunet_2023mar.onnx",
            ) from error
        finally:
            set_opencv_log_level(level)
        self.detect_width = detect_width
        self.smallest = smallest
        self._due = 0.0

    def smallest_face(self, size: tuple[int, int]) -> int:
        """Side in pixels of the smallest face that can be found in a picture of `size` (width, height)."""
        return round(max(WINDOW * max(1.0, size[0] / self.detect_width), self.smallest * min(size)))

    def __call__(self, image: Image, look: Look) -> list[Face]:
        """Return the faces of a (H, W, 3) BGR picture, largest first.

        None while no known face is to be searched and less than a whole search is due.
        """
        self._due += look.share
        if self._due < 1 and not look.around:
            return []
        self._due = 0.0
        height, width = image.shape[:2]
        scale = max(1.0, width / self.detect_width)
        size = (max(1, round(width / scale)), max(1, round(height / scale)))
        if size != (width, height):
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        below, right = (max(0, LEAST_SIDE - side) for side in reversed(size))
        if below or right:
            size = (size[0] + right, size[1] + below)
            image = np.asarray(cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT), np.uint8)
        self._network.setInputSize(size)
        _, found = self._network.detect(image)
        faces = [] if found is None else [_face(row, scale) for row in np.asarray(found, float).tolist()]
        wanted = [face for face in faces if face.box.width >= self.smallest * min(width, height)]
        return sorted(wanted, key=lambda face: -face.box.area)


def _face(row: list[float], scale: float) -> Face:
    """Turn a row of YuNet's (box, five landmarks, score) into a face, in pixels of the whole picture."""
    places = [value * scale for value in row[4:14]]
    eye, other_eye, nose, corner, other_corner = zip(places[::2], places[1::2], strict=True)
    landmarks: Landmarks = (eye, other_eye, nose, corner, other_corner)
    return Face(_square(row[:4], scale), landmarks=landmarks, score=row[14])


def _square(row: list[float], scale: float) -> Box:
    """Turn YuNet's x, y, width, height into the cascade's square, in pixels of the whole picture."""
    x, y, width, height = (value * scale for value in row)
    side = SIDE * height
    return Box(round(x + (width - side) / 2), round(y + (height - side) / 2), round(side), round(side))
