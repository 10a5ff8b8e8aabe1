"""Faces that a detector found, with what people see on them: hard faces, and faces mined from footage.

A crop is kept with its surroundings, so that it can be cut again with other jitter, as a detector would.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from smartselfie.errors import DataError
from smartselfie.records import Box, Image, Landmarks
from smartselfie.training.datasets import COVERED, NOT_SMILING, SMILING

SIDE = 144
"""Pixels of a crop's side, of which the face's box takes `SIDE / MARGIN`."""
MARGIN = 1.8

TARGETS = {"happy": SMILING, "not_happy": NOT_SMILING}


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """One face with its surroundings."""

    image: Image
    """(H, W, 3) uint8 BGR."""
    box: Box
    """The square a cascade would find."""
    landmarks: npt.NDArray[np.float32]
    """(5, 2) in pixels of the crop: eye left in the picture, other eye, nose, left and right mouth corner."""
    target: tuple[float, float, float]
    """Share of not smiling, smiling, mouth covered; they sum to 1."""
    weight: float = 1.0
    kind: str = ""
    """What is seen, such as talking, mask, smile_teeth."""
    person: str = ""
    """Of whom: a clip's track or a photograph."""

    @property
    def points(self) -> Landmarks:
        """The landmarks as a detector hands them over."""
        left, right, nose, corner, other = ((float(x), float(y)) for x, y in self.landmarks)
        return left, right, nose, corner, other

    @property
    def known(self) -> bool:
        """People agree on what it shows."""
        return max(self.target) > 0.9


def one_hot(index: int) -> tuple[float, float, float]:
    """Return the target of one of NOT_SMILING, SMILING, COVERED."""
    made = [0.0, 0.0, 0.0]
    made[index] = 1.0
    return made[0], made[1], made[2]


def read_hard_faces(bundle: Path, split: str, ambiguous: float = 0.3) -> list[Crop]:
    """Read the crops of one split (train or val) of a .zip with labels.csv and images.

    Faces that people do not agree on are half smiling, with the weight `ambiguous`; masks are covered.
    DataError when it is not such a file.
    """
    try:
        with zipfile.ZipFile(bundle) as file:
            rows = list(csv.DictReader(io.StringIO(file.read("labels.csv").decode("utf-8"))))
            return [
                _hard_face(row, file.read(row["image"]), ambiguous) for row in rows if row["split"] == split
            ]
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise DataError(f"{bundle}: not a .zip of hard faces ({error})") from error


def origins(bundle: Path, split: str) -> set[str]:
    """Return whom the faces of one split come from, so that nothing of theirs is mined elsewhere."""
    try:
        with zipfile.ZipFile(bundle) as file:
            rows = csv.DictReader(io.StringIO(file.read("labels.csv").decode("utf-8")))
            return {row["repo"] for row in rows if row["split"] == split}
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise DataError(f"{bundle}: not a .zip of hard faces ({error})") from error


def _hard_face(row: dict[str, str], data: bytes, ambiguous: float) -> Crop:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{row['image']}: not a picture")
    covered = row["kind"] == "mask"
    known = row["label"] in TARGETS
    target = one_hot(COVERED if covered else TARGETS[row["label"]]) if known or covered else (0.5, 0.5, 0.0)
    x, y, width, height = (round(float(number)) for number in row["box"].split())
    return Crop(
        np.asarray(image, np.uint8),
        Box(x, y, width, height),
        np.array(row["landmarks"].split(), np.float32).reshape(5, 2),
        target,
        1.0 if known or covered else ambiguous,
        row["kind"],
        row["person"],
    )


def cut(
    frame: Image, box: Sequence[float], landmarks: npt.NDArray[np.float32]
) -> tuple[Image, Box, npt.NDArray[np.float32]]:
    """Cut a face's surroundings from a frame; returns the (SIDE, SIDE, 3) crop, and box and landmarks in it.

    `box` is a detector's tall one (x, y, width, height); the square on it is what a cascade would find.
    """
    x, y, width, height = box
    square = 1.15 * width if height > width else max(width, height)
    left, top = x + width / 2 - square / 2, y + height / 2 - 0.46 * square
    zoom = SIDE / (square * MARGIN)
    matrix = np.array(
        [[zoom, 0, SIDE / 2 - zoom * (left + square / 2)], [0, zoom, SIDE / 2 - zoom * (top + square / 2)]]
    )
    if zoom < 0.5:  # linear interpolation alone would alias
        small = max(1, int(0.5 / zoom) * 2)
        frame = np.asarray(cv2.blur(frame, (small, small)), np.uint8)
    image = cv2.warpAffine(
        frame, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    side = round(SIDE / MARGIN)
    inside = (SIDE - side) // 2
    places = landmarks @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(image, np.uint8), Box(inside, inside, side, side), places.astype(np.float32)


def frames(clip: Path, every: float) -> Iterator[tuple[float, Image]]:
    """Yield a clip's frames as (seconds, (H, W, 3) BGR), one in `every` seconds; DataError if unreadable."""
    capture = cv2.VideoCapture(str(clip))
    try:
        if not capture.isOpened():
            raise DataError(f"{clip}: not a clip that OpenCV can read")
        due = 0.0
        while capture.grab():
            at = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if at + 1e-6 < due:
                continue
            whole, image = capture.retrieve()
            if whole:
                due = at + every
                yield at, np.asarray(image, np.uint8)
    finally:
        capture.release()
