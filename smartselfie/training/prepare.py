"""Joins what was read, counts it, and writes it as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from smartselfie.errors import DataError
from smartselfie.training import datasets
from smartselfie.training.datasets import SPLITS, Faces
from smartselfie.training.readers import Reading, Watch


def join(readings: Sequence[Reading]) -> Faces:
    """Return the faces of all readings; DataError when there are none."""
    parts = [reading.faces() for reading in readings if reading.images] or [readings[0].faces()]
    return datasets.join(parts)


def hold_out(faces: Faces, share: float) -> Faces:
    """Set the last `share` of each class of Training aside as PublicTest, where there are faces in neither.

    In the order of reading, so that what was taken together stays together.
    """
    splits = faces.splits.copy()
    if (splits == 1).any() or share == 0:
        return faces
    for label in set(faces.labels.tolist()):
        rows = np.flatnonzero((splits == 0) & (faces.labels == label))
        aside = max(1, round(share * len(rows))) if len(rows) > 1 else 0
        splits[rows[len(rows) - aside :]] = 1
    return replace(faces, splits=splits)


def count(faces: Faces) -> dict[str, list[int]]:
    """Return the number of faces of each class, by the splits that have any."""
    found = {}
    for number, split in enumerate(SPLITS):
        labels = faces.labels[faces.splits == number]
        if len(labels):
            found[split] = np.bincount(labels[labels >= 0], minlength=len(faces.classes)).tolist()
    return found


def table(counts: Mapping[str, Sequence[int]], classes: Sequence[str]) -> list[list[str]]:
    """Return the counts as lines of a table, with a last line of sums."""
    lines = [[name, *(f"{values[i]:,}" for values in counts.values())] for i, name in enumerate(classes)]
    return [*lines, ["all", *(f"{sum(values):,}" for values in counts.values())]]


def write_pictures(faces: Faces, folder: Path, watch: Watch) -> None:
    """Write `folder/<split>/<class>/<number>.png` for every face; DataError when one cannot be written."""
    for number in watch(range(len(faces)), len(faces)):
        label = faces.classes[faces.labels[number]] if faces.labels[number] >= 0 else "unlabelled"
        path = folder / SPLITS[faces.splits[number]] / label / f"{number:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(path), faces.images[number]):
            raise DataError(f"{path}: cannot be written")
