"""Measures how a face looks in a frame, for the choice of the moment."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from smartselfie.deciding.face_input import crop_face
from smartselfie.deciding.frame_quality import FaceQuality
from smartselfie.records import Box, Face, Image

SIDE = 128
"""Pixels to which faces are scaled before their sharpness is taken: near and far faces compare."""
SMALL = 24
"""Pixels to which faces are scaled before their motion is taken: noise averages out."""
RESTLESS = 12.0
"""Mean change of gray levels (of 255) between two frames at which a face is half still."""


class FaceQualityMeter:
    """Measures a face: some 2 ms, nearly all of it the eyes'. `eyes` None leaves them unmeasured."""

    def __init__(self, eyes: Callable[[Image, Face], float | None] | None = None) -> None:
        self._eyes = eyes

    def __call__(self, image: Image, face: Face, before: Image | None) -> FaceQuality:
        """Return how a scored face looks in a (H, W, 3) BGR picture; `before` is the frame before it."""
        return FaceQuality(
            area=face.box.area,
            smile=face.smile,
            eyes=self._eyes(image, face) if self._eyes is not None else None,
            sharpness=sharpness(image, face.box),
            inside=inside(face.box, (image.shape[1], image.shape[0])),
            stillness=stillness(image, before, face.box) if before is not None else 0.5,
            found=not face.predicted,
        )


def sharpness(image: Image, box: Box) -> float:
    """Return the variance of the Laplacian (Pech-Pacheco et al. 2000) of a face's crop, at one size."""
    return float(cv2.Laplacian(crop_face(image, box, (SIDE, SIDE)), cv2.CV_32F).var())


def inside(box: Box, size: tuple[int, int]) -> float:
    """Return the share of a box that lies inside a picture of `size` (width, height)."""
    across = min(box.right, size[0]) - max(box.x, 0)
    down = min(box.bottom, size[1]) - max(box.y, 0)
    return max(0, across) * max(0, down) / max(1, box.area)


def stillness(image: Image, before: Image, box: Box) -> float:
    """Return 1 for a face at which nothing changed since the frame before, falling towards 0."""
    if image.shape != before.shape:
        return 0.5
    now, then = (crop_face(picture, box, (SMALL, SMALL)).astype(np.float32) for picture in (image, before))
    return float(1 / (1 + np.abs(now - then).mean() / RESTLESS))
