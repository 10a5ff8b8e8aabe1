"""Pictures and clips that nobody labelled, labelled by another detector: what it is sure of is a face.

What the teacher (YuNet) is unsure of is neither rewarded nor punished. Crops of hard faces say by their kind
whether a mask covers the mouth.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from smartselfie.errors import DataError
from smartselfie.training.detection.measure import iou
from smartselfie.training.detection.pictures import COLUMNS, Floats, Picture, Pixels

SURE = 0.8
"""Score from which a find is a face."""
UNSURE = 0.3
"""Score from which a find is ignored."""
LONGEST = 480
"""Pixels on the longer side of what is kept."""
SECONDS = 0.9
"""Time between two frames taken of a clip."""
FRAMES = 20
"""Frames taken of a clip at the most."""


class Teacher:
    """YuNet at the picture's own size and at another, which finds what is too large for the first."""

    def __init__(self, model: Path) -> None:
        if not model.is_file():
            raise DataError(f"{model}: no such file; --teacher takes YuNet's .onnx")
        self._model = str(model)

    def __call__(self, image: Pixels) -> tuple[Floats, Floats]:
        """Return faces (N, 15) of a (H, W, 3) BGR picture, `covered` unknown, and boxes to ignore (M, 4)."""
        width = image.shape[1]
        found = np.concatenate([self._find(image, each) for each in (width, 640 if width < 300 else 256)])
        faces: list[Floats] = []
        ignored: list[Floats] = []
        for row in found[np.argsort(-found[:, 14], kind="stable")]:
            known = [each[:4] for each in (*faces, *ignored)]
            if known and iou(row, np.array(known)).max() > 0.3:
                continue
            if row[14] >= SURE:
                faces.append(np.append(row[:14], np.nan))
            else:
                ignored.append(row[:4])
        return (
            np.array(faces, np.float32).reshape(-1, COLUMNS),
            np.array(ignored, np.float32).reshape(-1, 4),
        )

    def _find(self, image: Pixels, width: int) -> Floats:
        scale = width / image.shape[1]
        size = (width, max(1, round(image.shape[0] * scale)))
        network = cv2.FaceDetectorYN.create(self._model, "", size, UNSURE, 0.3)
        _, rows = network.detect(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        if rows is None:
            return np.empty((0, 15), np.float32)
        found = np.asarray(rows, np.float32)
        found[:, :14] /= np.float32(scale)
        return found


def label_clips(clips: Sequence[Path], teacher: Teacher) -> Iterator[Picture]:
    """Take a frame of each clip every `SECONDS`, all for training. Raises DataError for a broken clip."""
    for clip in clips:
        video = cv2.VideoCapture(str(clip))
        if not video.isOpened():
            raise DataError(f"{clip}: cannot be opened as a video")
        step = max(1, round((video.get(cv2.CAP_PROP_FPS) or 25) * SECONDS))
        number = taken = 0
        while taken < FRAMES:
            read, frame = video.read()
            if not read:
                break
            if number % step == 0:
                taken += 1
                yield _labelled(f"{clip.name}@{number}", "clip", np.asarray(frame, np.uint8), teacher)
            number += 1
        video.release()


def label_hard_faces(path: Path, teacher: Teacher) -> Iterator[Picture]:
    """Label the training crops of a .zip whose `labels.csv` has the columns image, kind and split."""
    with zipfile.ZipFile(path) as file:
        rows = csv.DictReader(io.TextIOWrapper(file.open("labels.csv"), encoding="utf-8"))
        for row in rows:
            if row["split"] != "train":
                continue
            image = cv2.imdecode(np.frombuffer(file.read(row["image"]), np.uint8), cv2.IMREAD_COLOR)
            made = _labelled(f"hard/{row['image']}", "hard", np.asarray(image, np.uint8), teacher)
            made.faces[:, 14] = row["kind"] == "mask"
            if len(made.faces):
                yield made


def _labelled(name: str, source: str, image: Pixels, teacher: Teacher) -> Picture:
    longer = max(image.shape[:2])
    if longer > LONGEST:
        share = LONGEST / longer
        image = np.asarray(
            cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), np.uint8
        )
    faces, ignored = teacher(image)
    encoded = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, 90])[1].tobytes()
    return Picture(name, "train", source, encoded, faces, ignored)
