"""Training pictures for the detector: composed, turned, lit, degraded, and with faces covered by drawing.

Everything depends on the random generator alone: the same seed gives the same picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from smartselfie.training.detection import cover, light
from smartselfie.training.detection.geometry import affine, moved, transformed
from smartselfie.training.detection.pictures import Floats, Pixels

Sample = tuple[Pixels, Floats, Floats]
"""A picture with its faces (N, 15) and the boxes to ignore (M, 4)."""
Draw = Callable[[], Sample]
"""Returns one picture at random."""

MOSAIC = 0.2
"""Share of pictures composed of four."""
WHOLE = 0.35
"""Share of pictures that show the whole source, as the program hands it over."""


def compose(draw_face: Draw, draw_any: Draw, draw_empty: Draw, rng: np.random.Generator, size: int) -> Sample:
    """Return a training picture of `size` by `size` pixels.

    The three functions draw a source at random: one with faces, one of all, one without faces.
    """
    if rng.random() < MOSAIC:
        half = size // 2
        image = np.empty((size, size, 3), np.uint8)
        faces, ignore = [], []
        for row in (0, half):
            for column in (0, half):
                part, its_faces, its_ignore = _place(draw_any(), draw_empty, rng, half)
                image[row : row + half, column : column + half] = part
                faces.append(moved(its_faces, column, row))
                ignore.append(its_ignore + np.array([column, row, 0, 0], np.float32))
        sample = image, np.concatenate(faces), np.concatenate(ignore)
    else:
        sample = _place(draw_face() if rng.random() < 0.85 else draw_empty(), draw_empty, rng, size)
    image, faces_here, ignored = sample
    image = np.ascontiguousarray(image)
    faces_here = cover.some_faces(image, faces_here, rng, draw_empty)
    return light.change(image, rng), faces_here, ignored


def _angle(rng: np.random.Generator) -> float:
    kind = rng.random()
    if kind < 0.4:
        return float(rng.normal(0, 7))
    return float(rng.uniform(-75, 75)) if kind < 0.85 else float(rng.uniform(-30, 30))


def _place(source: Sample, draw_empty: Draw, rng: np.random.Generator, size: int) -> Sample:
    """Turn, scale and shift a source so that one of its faces has a size and place drawn at random."""
    image, faces, ignore = source
    height, width = image.shape[:2]
    whole = rng.random() < WHOLE or not len(faces)
    if whole:
        scale = size / max(width, height) * rng.uniform(0.75, 1.15)
        anchor = (width / 2, height / 2)
        goal = size / 2 + rng.uniform(-0.12, 0.12, 2) * size
    else:
        x, y, w, h = faces[rng.integers(len(faces)), :4]
        longer = max(w, h)
        wanted = math.exp(rng.uniform(math.log(11), math.log(0.95 * size)))
        scale = min(4.0, wanted / longer)
        reach = max(0.0, size / 2 - 0.35 * scale * longer)
        anchor = (float(x + w / 2), float(y + h / 2))
        goal = size / 2 + rng.uniform(-reach, reach, 2)
    squeeze = math.exp(rng.normal(0, 0.07))
    mirror = rng.random() < 0.5
    matrix = affine(
        anchor, goal.tolist(), _angle(rng), scale * squeeze * (-1 if mirror else 1), scale / squeeze
    )
    if scale < 0.6:  # averaged first, so that nothing is lost between the pixels taken
        shrink = 1 / max(1, round(1 / scale / 1.25))
        image = np.asarray(cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA))
        taken = matrix.copy()
        taken[:, 0] *= width / image.shape[1]
        taken[:, 1] *= height / image.shape[0]
    else:
        taken = matrix
    made = _warp(image, taken, draw_empty, rng, size)
    return made, *transformed(faces, ignore, matrix, mirror, size)


def _warp(image: Pixels, matrix: Floats, draw_empty: Draw, rng: np.random.Generator, size: int) -> Pixels:
    kind = rng.random()
    shape = (size, size)
    if kind < 0.3:
        value = tuple(map(int, rng.integers(0, 256, 3))) if rng.random() < 0.6 else (0, 0, 0)
        return np.asarray(cv2.warpAffine(image, matrix, shape, borderValue=value), np.uint8)
    if kind < 0.5:
        return np.asarray(cv2.warpAffine(image, matrix, shape, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    behind = draw_empty()[0]
    high, wide = behind.shape[:2]
    side = int(min(high, wide) * rng.uniform(0.5, 1))
    top, left = rng.integers(0, high - side + 1), rng.integers(0, wide - side + 1)
    made = np.asarray(cv2.resize(behind[top : top + side, left : left + side], shape), np.uint8)
    cv2.warpAffine(image, matrix, shape, dst=made, borderMode=cv2.BORDER_TRANSPARENT)
    return made


def drawing(
    pictures: Sequence[Sample], with_faces: Sequence[int], without: Sequence[int], rng: np.random.Generator
) -> tuple[Draw, Draw, Draw]:
    """Return the three functions that `compose` draws its sources with."""

    def one_of(rows: Sequence[int]) -> Draw:
        return lambda: pictures[rows[int(rng.integers(len(rows)))]]

    return one_of(with_faces), one_of(range(len(pictures))), one_of(without or with_faces)
