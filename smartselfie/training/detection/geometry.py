"""Where faces come to lie when a picture is turned, scaled, mirrored and cut."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from smartselfie.training.detection.pictures import COLUMNS, Floats, Pixels

SMALLEST = 9.0
"""Faces whose longer side is fewer pixels are ignored."""
MIRRORED = np.array([1, 0, 2, 4, 3])
"""Landmarks of a mirrored face, by their place in the original's."""


def moved(faces: Floats, right: float, down: float) -> Floats:
    """Return faces (N, 15) moved by some pixels."""
    made = faces.copy()
    made[:, 0] += right
    made[:, 1] += down
    made[:, 4:14:2] += right
    made[:, 5:14:2] += down
    return made


def affine(
    anchor: Sequence[float], goal: Sequence[float], degrees: float, right: float, down: float
) -> Floats:
    """Return the (2, 3) matrix that scales about `anchor`, turns clockwise as seen, and moves it to `goal`.

    `right`, `down`: scales, negative ones mirror.
    """
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    linear = np.array([[c * right, -s * down], [s * right, c * down]])
    return np.column_stack([linear, np.asarray(goal) - linear @ np.asarray(anchor)]).astype(np.float32)


def transformed(
    faces: Floats, ignore: Floats, matrix: Floats, mirror: bool, size: int
) -> tuple[Floats, Floats]:
    """Return faces and boxes to ignore after a (2, 3) transform into a picture of `size` by `size` pixels.

    A face's box becomes that of its ellipse turned. Faces that lie outside are gone; those too small, or cut
    off for more than half, are ignored.
    """
    kept, ignored = [], []
    for face in faces:
        made = np.empty(COLUMNS, np.float32)
        made[:4] = turned_box(face[:4], matrix)
        places = face[4:14].reshape(5, 2) @ matrix[:, :2].T + matrix[:, 2]
        made[4:14] = (places[MIRRORED] if mirror else places).reshape(-1)
        made[14] = face[14]
        seen = _share_inside(made[:4], size)
        if seen < 0.05:
            continue
        if seen < 0.5 or max(made[2], made[3]) < SMALLEST:
            ignored.append(made[:4])
        else:
            kept.append(made)
    ignored += [box for box in (turned_box(each, matrix) for each in ignore) if _share_inside(box, size) > 0]
    return (
        np.array(kept, np.float32).reshape(-1, COLUMNS),
        np.array(ignored, np.float32).reshape(-1, 4),
    )


def rolled(image: Pixels, faces: Floats, ignore: Floats, degrees: float) -> tuple[Pixels, Floats, Floats]:
    """Turn a picture clockwise about its middle, on a black canvas that holds all of it.

    Returns it with its faces (N, 15) and boxes to ignore (M, 4).
    """
    height, width = image.shape[:2]
    c, s = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    wide, high = round(width * c + height * s), round(width * s + height * c)
    matrix = affine((width / 2, height / 2), (wide / 2, high / 2), degrees, 1, 1)
    made = np.asarray(cv2.warpAffine(image, matrix, (wide, high)), np.uint8)
    return made, *transformed(faces, ignore, matrix, False, max(wide, high))


def turned_box(box: Floats, matrix: Floats) -> Floats:
    """Return the box (x, y, width, height) around the ellipse in `box` after a (2, 3) transform."""
    x, y, w, h = box
    centre = matrix[:, :2] @ np.array([x + w / 2, y + h / 2], np.float32) + matrix[:, 2]
    half = np.sqrt((matrix[:, 0] * w / 2) ** 2 + (matrix[:, 1] * h / 2) ** 2)
    return np.array([*(centre - half), *(2 * half)], np.float32)


def _share_inside(box: Floats, size: int) -> float:
    x, y, w, h = map(float, box)
    across, down = min(x + w, size) - max(x, 0), min(y + h, size) - max(y, 0)
    return max(0.0, across) * max(0.0, down) / max(1e-6, w * h)
