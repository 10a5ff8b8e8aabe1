"""What the detector learns: maps of targets made from boxes.

Imports no Keras: the processes that make them need none.
"""

from __future__ import annotations

import numpy as np

from smartselfie.detectors.maps import STRIDE
from smartselfie.training.detection.pictures import Floats

LANDMARKS = 5
CORE = 0.16
"""Cells nearer to a face's centre than this, in face sizes, say that there is a face: no one cell has to know
alone where exactly the centre is."""
SIGMA = 0.09
"""Spread of the bump around the core, in face sizes: cells on it are punished less for saying so too."""
NEAR = 0.45
"""Cells at which a bump is higher than this learn box and landmarks too."""


def target_maps(faces: Floats, ignore: Floats, height: int, width: int) -> dict[str, Floats]:
    """Return the targets of a picture of `height` by `width` pixels, each map's last channel its weight.

    `score` (h, w, 2), `box` (h, w, 5), `landmarks` (h, w, 11), `covered` (h, w, 2).
    """
    rows, columns = height // STRIDE, width // STRIDE
    score = np.zeros((rows, columns, 2), np.float32)
    score[..., 1] = 1
    maps = {
        "score": score,
        "box": np.zeros((rows, columns, 5), np.float32),
        "landmarks": np.zeros((rows, columns, 2 * LANDMARKS + 1), np.float32),
        "covered": np.zeros((rows, columns, 2), np.float32),
    }
    for x, y, w, h in ignore / STRIDE:
        score[max(0, round(y)) : max(1, round(y + h)), max(0, round(x)) : max(1, round(x + w)), 1] = 0
    grid_y, grid_x = np.mgrid[:rows, :columns].astype(np.float32) + 0.5
    for face in faces[np.argsort(-faces[:, 2] * faces[:, 3])]:  # the smaller ones last: they have few cells
        x, y, w, h = face[:4] / STRIDE
        size = float(np.sqrt(w * h))
        cx, cy = x + w / 2, y + h / 2
        row, column = int(np.clip(cy, 0, rows - 1)), int(np.clip(cx, 0, columns - 1))
        away = np.hypot(grid_x - cx, grid_y - cy)
        away[row, column] = 0
        core = max(0.75, CORE * size)
        spread = max(0.5, SIGMA * size)
        bump = np.exp(-(np.maximum(0, away - core) ** 2) / (2 * spread**2))
        near = (bump > NEAR) & (bump >= score[..., 0])
        np.maximum(score[..., 0], bump, out=score[..., 0])
        inside = away <= core
        score[inside, 1] = 1 / np.count_nonzero(inside)
        dx, dy = (cx - grid_x[near]) / size, (cy - grid_y[near]) / size
        logs = np.full(len(dx), np.log(w)), np.full(len(dx), np.log(h))
        maps["box"][near] = np.stack([dx, dy, *logs, bump[near]], axis=1)
        if np.isfinite(face[4:14]).all():
            places = (face[4:14].reshape(-1, 2) / STRIDE - (cx, cy)) / size
            maps["landmarks"][near, :-1] = places.reshape(-1)
            maps["landmarks"][near, -1] = bump[near]
        else:
            maps["landmarks"][near, -1] = 0
        known = np.isfinite(face[14])
        maps["covered"][near] = np.stack([np.full(len(dx), face[14] if known else 0), known * bump[near]], 1)
    return maps
