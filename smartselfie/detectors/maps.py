"""From a single-shot detector's maps to faces: the one place, for running and for measuring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

STRIDE = 8
"""Pixels of the network's input that a cell of its maps stands for."""
SAME_FACE = 0.4
"""Boxes that overlap by more (intersection over union) are one face."""
MOST = 100
"""Cells that are looked at, the surest first."""


def read_maps(maps: Mapping[str, Any], min_score: float) -> Floats:
    """Return the faces in one picture's maps, (N, 16) float32, the surest first.

    `maps`: `score` (h, w, 1) and `covered` (h, w, 1) logits, `box` (h, w, 4), `landmarks` (h, w, 10). Columns
    of a face: x, y, width, height in pixels of the network's input, score 0..1, five landmarks (x, y) in the
    same pixels, and the probability that the mouth is covered.
    """
    logits = np.asarray(maps["score"])[..., 0]
    rows, columns = np.nonzero(logits > np.log(min_score / (1 - min_score)))
    if not len(rows):
        return np.empty((0, 16), np.float32)
    order = np.argsort(-logits[rows, columns], kind="stable")[:MOST]
    rows, columns = rows[order], columns[order]
    box = np.asarray(maps["box"])[rows, columns]
    sides = np.exp(np.clip(box[:, 2:], -3, 5)) * STRIDE
    size = np.sqrt(sides[:, :1] * sides[:, 1:])
    centre = (np.stack([columns, rows], 1) + 0.5) * STRIDE + box[:, :2] * size
    marks = np.asarray(maps["landmarks"])[rows, columns].reshape(-1, 5, 2) * size[:, None] + centre[:, None]
    score = 1 / (1 + np.exp(-logits[rows, columns]))
    covered = 1 / (1 + np.exp(-np.asarray(maps["covered"])[rows, columns]))
    faces = np.concatenate(
        [centre - sides / 2, sides, score[:, None], marks.reshape(-1, 10), covered], axis=1
    ).astype(np.float32)
    return without_doubles(faces)


def without_doubles(faces: Floats) -> Floats:
    """Return the rows that stay when each face silences the less sure ones on it (greedy suppression)."""
    faces = faces[np.argsort(-faces[:, 4], kind="stable")]
    kept: list[int] = []
    low, high = faces[:, :2], faces[:, :2] + faces[:, 2:4]
    area = faces[:, 2] * faces[:, 3]
    left = np.arange(len(faces))
    while len(left):
        first = left[0]
        kept.append(int(first))
        shared = np.minimum(high[first], high[left]) - np.maximum(low[first], low[left])
        inside = np.prod(np.maximum(shared, 0), axis=1)
        # a box that lies within another is the same face seen twice, however small
        same = (inside > SAME_FACE * (area[first] + area[left] - inside)) | (
            inside > 0.8 * np.minimum(area[first], area[left])
        )
        same[0] = True  # even one without area
        left = left[~same]
    return faces[kept]
