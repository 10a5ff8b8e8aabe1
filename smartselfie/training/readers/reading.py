"""What was read so far, and how one picture becomes a face."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from smartselfie.errors import DataError
from smartselfie.training.datasets import SIDE, VOTES, Faces
from smartselfie.training.label_sets import LabelSet

Gray = npt.NDArray[np.uint8]
Crop = Callable[[Gray], Gray | None]
"""Turns a (H, W) gray picture into a square face; None when it finds none."""
Watch = Callable[[Iterable[Any], int], Iterable[Any]]
"""Passes things through and shows how far they are; the second argument is how many there will be."""

OPEN = -1
"""In place of a split: the data set tells none, `Reading.faces` chooses."""


@dataclass(slots=True)
class Reading:
    """What was read so far, and what could not be."""

    label_set: LabelSet = field(default_factory=LabelSet)
    images: list[Gray] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    votes: list[list[int]] = field(default_factory=list)
    splits: list[int] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """One line for each row or picture left out: where, and why."""

    def add(self, image: Gray, label: int, split: int, votes: list[int] | None = None) -> None:
        """Take one face; label -1 for none, split `OPEN` where nothing tells it."""
        self.images.append(image)
        self.labels.append(label)
        self.splits.append(split)
        self.votes.append(votes or [0] * len(VOTES))

    def faces(self) -> Faces:
        """Return all of it; DataError when nothing could be read.

        Where nothing tells a face's split, the last tenth of each class, in the order of reading, goes to
        PrivateTest and the tenth before it to PublicTest: what was taken together stays together.
        """
        if not self.images:
            first = f"; the first of {len(self.broken)} broken rows: {self.broken[0]}" if self.broken else ""
            raise DataError(f"no face could be read{first}")
        labels, splits = np.array(self.labels, np.int8), np.array(self.splits, np.int8)
        for label in set(labels[splits == OPEN].tolist()):
            rows = np.flatnonzero((splits == OPEN) & (labels == label))
            tenth = max(1, round(len(rows) / 10)) if len(rows) > 2 else 0
            splits[rows] = 0
            splits[rows[len(rows) - tenth :]] = 2
            splits[rows[len(rows) - 2 * tenth : len(rows) - tenth]] = 1
        return Faces(
            np.stack(self.images),
            labels,
            np.array(self.votes, np.int16),
            splits,
            classes=self.label_set.classes,
        )

    def add_picture(
        self,
        where: str,
        data: Callable[[], bytes],
        crop: Crop,
        label: str,
        split: Callable[[], int],
        votes: Callable[[], list[int]] | None = None,
    ) -> None:
        """Decode a picture and take its face, or list `where` it lies and why it cannot be taken."""
        try:
            number, part, counts = self.label_set.index(label), split(), votes() if votes else None
            face = crop(decode(data()))
            if face is None:
                raise ValueError("no face found")
            self.add(face, number, part, counts)
        except (OSError, KeyError, ValueError, cv2.error, zipfile.BadZipFile, zlib.error) as error:
            if isinstance(error, DataError):
                raise
            missing = isinstance(error, (FileNotFoundError, KeyError))
            self.broken.append(f"{where}: {'missing picture' if missing else error}")


def decode(data: bytes) -> Gray:
    """Return a picture as (H, W) uint8 gray; ValueError when it is none."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if image is None:
        raise ValueError("not a picture")
    return np.asarray(image, np.uint8)


def whole(picture: Gray, side: int = SIDE) -> Gray:
    """Take the whole picture as the face: its largest centred square, `side` pixels wide."""
    edge = min(picture.shape[:2])
    top, left = (picture.shape[0] - edge) // 2, (picture.shape[1] - edge) // 2
    square = picture[top : top + edge, left : left + edge]
    if edge == side:
        return square
    how = cv2.INTER_AREA if edge > side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (side, side), interpolation=how), np.uint8)
