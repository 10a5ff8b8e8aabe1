"""A picture file as the program saves it, with one happy face."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from smartselfie.pictures.files import encode
from smartselfie.records import Box, Face, Scores, Shot


def save_shot(path: Path, *, width: int = 64, height: int = 48) -> Path:
    """Write the file and return its path."""
    shot = Shot(
        image=np.full((height, width, 3), 90, np.uint8),
        faces=(Face(Box(8, 8, 16, 16), 1, Scores((0.0, 0.0, 0.0, 0.9, 0.0, 0.0, 0.1))),),
        size=(width, height),
        taken=datetime(2026, 11, 20, 18, 30, 12, 417000, UTC),
        seq=41,
        at=1.37,
        picked_at=1.3,
    )
    path.write_bytes(encode(shot))
    return path
