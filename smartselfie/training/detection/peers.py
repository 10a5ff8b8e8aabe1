"""Detectors to measure side by side: ours and those of others, each with the boxes it draws itself.

Their boxes differ in shape: labels, ours and YuNet's are tall, from forehead to chin; the cascade's and
BlazeFace's are squares. None is changed: at `measure.HIT` a square about the face still finds it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from smartselfie import litert
from smartselfie.detectors.cascades import find_cascade
from smartselfie.detectors.maps import without_doubles
from smartselfie.detectors.network import NetworkDetector
from smartselfie.errors import ModelError, UsageError
from smartselfie.records import Look
from smartselfie.training.detection.pictures import Floats, Pixels
from smartselfie.training.detection.searching import LEAST, Search

YUNET_WIDTHS = (160, 320, 640)
"""Pixels across the copies that YuNet searches where it gets its best chance: it misses faces that fill a
wide copy, and small ones in a narrow copy."""
BLAZE_GRIDS = {896: ((16, 2), (8, 6)), 2304: ((48, 1),)}
"""By number of anchors: cells on a side, and anchors a cell, of BlazeFace's front, short-range and back
networks, and of its full-range one (Bazarevsky et al. 2019)."""
NEIGHBOURS = 5
"""Neighbours that hobby projects ask of the cascade: with more, the score is 0.5 or higher."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A detector that is measured."""

    name: str
    search: Search
    """Returns all that is perhaps a face, with its score."""
    usual: float
    """The score from which its makers, or its description, call a find a face."""
    file: Path | None = None
    thorough: Callable[[Pixels], bool] | None = None
    """Says whether a picture shows a face, by the search that single pictures get."""


def ours(model: Path) -> Candidate:
    """Return a network that `export` wrote, searching as the program does. Raises ModelError."""
    detector = NetworkDetector(model)
    patient = NetworkDetector(model, thorough=True)
    return Candidate(
        model.stem,
        lambda image: detector.search(image, LEAST),
        detector.min_score,
        model,
        lambda image: bool(patient(image, Look())),
    )


def peers(spec: str) -> list[Candidate]:
    """Return the detectors that `--peer` names: haar, yunet:FILE, a BlazeFace .tflite, or one of ours.

    YuNet comes twice: at 320 pixels wide, and at `YUNET_WIDTHS` together. UsageError for another name,
    ModelError for a file that is missing or of another kind.
    """
    kind, _, name = spec.partition(":")
    if spec == "haar":
        return [Candidate("haar", _cascade(), 0.5)]
    if kind == "yunet":
        path = Path(name)
        return [
            Candidate("yunet 320", _yunet(path, (320,)), 0.7, path),
            Candidate("yunet best", _yunet(path, YUNET_WIDTHS), 0.7, path),
        ]
    if spec.endswith(".tflite"):
        path = Path(spec)
        if _is_ours(path):
            return [ours(path)]
        return [Candidate(path.stem.removeprefix("face_detection_"), _blaze(path), 0.5, path)]
    raise UsageError(f"--peer {spec}: need haar, yunet:FILE or FILE.tflite")


def _is_ours(path: Path) -> bool:
    try:
        return bool(json.loads(path.with_suffix(".json").read_text())["task"] == "detection")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _cascade() -> Search:
    """OpenCV's own `detectMultiScale` at a factor of 1.1; the more neighbours, the higher the score."""
    if not hasattr(cv2, "CascadeClassifier"):
        raise UsageError("--peer haar: this OpenCV has no cascade; versions before 5 have")
    cascade = cv2.CascadeClassifier(str(find_cascade("haarcascade_frontalface_default.xml")))

    def search(image: Pixels) -> Floats:
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        side = max(10, min(30, min(image.shape[:2]) // 10))
        boxes, counts = cascade.detectMultiScale2(gray, 1.1, 1, minSize=(side, side))
        if not len(boxes):
            return np.empty((0, 5), np.float32)
        score = np.asarray(counts, np.float32).reshape(-1, 1)
        return np.concatenate([np.asarray(boxes, np.float32), score / (score + NEIGHBOURS + 1)], axis=1)

    return search


def _yunet(model: Path, widths: Sequence[int]) -> Search:
    if not model.is_file():
        raise ModelError(f"{model}: no such file; --peer yunet:FILE takes YuNet's .onnx")
    try:
        network = cv2.FaceDetectorYN.create(str(model), "", (320, 320), 0.05, 0.3)
    except (cv2.error, SystemError) as error:
        raise ModelError(f"{model}: not a YuNet network that OpenCV reads") from error

    def search(image: Pixels) -> Floats:
        rows = [np.empty((0, 15), np.float32)]
        for width in widths:
            scale = width / image.shape[1]
            how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            size = (width, max(1, round(image.shape[0] * scale)))
            small = cv2.resize(image, size, interpolation=how)
            below = max(0, 64 - size[1])  # in lower pictures it reads memory that nobody wrote
            small = cv2.copyMakeBorder(small, 0, below, 0, 0, cv2.BORDER_CONSTANT)
            network.setInputSize((small.shape[1], small.shape[0]))
            _, found = network.detect(small)
            if found is not None:
                rows.append(np.concatenate([found[:, :4] / scale, found[:, 14:], found[:, 4:14] / scale], 1))
        return without_doubles(np.concatenate(rows).astype(np.float32))

    return search


def _blaze(model: Path) -> Search:
    data = litert.read(model, "--peer")
    interpreter = litert.load(model, data, 1)
    put = interpreter.get_input_details()[0]
    outputs = {int(each["shape"][-1]): each for each in interpreter.get_output_details()}
    if 1 not in outputs or 16 not in outputs or int(outputs[1]["shape"][1]) not in BLAZE_GRIDS:
        raise ModelError(f"{model}: neither a BlazeFace network nor one that `smartselfie export` described")
    side = int(put["shape"][1])
    anchors = blaze_anchors(int(outputs[1]["shape"][1]))
    return partial(_search_blaze, interpreter, put["index"], outputs, side, anchors)


def blaze_anchors(count: int) -> Floats:
    """Return the centres (N, 2), 0..1, that BlazeFace's boxes are told from, row by row."""
    parts = []
    for cells, each in BLAZE_GRIDS[count]:
        y, x = (np.mgrid[:cells, :cells] + 0.5) / cells
        parts.append(np.repeat(np.stack([x.ravel(), y.ravel()], 1), each, axis=0))
    return np.concatenate(parts).astype(np.float32)


def _search_blaze(
    interpreter: Any, put: int, outputs: dict[int, Any], side: int, anchors: Floats, image: Pixels
) -> Floats:
    height, width = image.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.zeros((side, side, 3), np.uint8)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    small[top : top + size[1], left : left + size[0]] = cv2.resize(image, size, interpolation=how)
    rgb = cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype(np.float32) / 127.5 - 1
    interpreter.set_tensor(put, rgb[None])
    interpreter.invoke()
    logits = np.clip(interpreter.get_tensor(outputs[1]["index"])[0, :, 0], -50, 50)
    raw = interpreter.get_tensor(outputs[16]["index"])[0]
    score = 1 / (1 + np.exp(-logits))
    seen = np.nonzero((score > 0.05) & (raw[:, 2:4].min(axis=1) > 0))[0]
    centre = raw[seen, :2] + anchors[seen] * side
    boxes = np.concatenate([centre - raw[seen, 2:4] / 2, raw[seen, 2:4]], axis=1)
    boxes[:, :2] -= (left, top)
    return without_doubles(np.concatenate([boxes / scale, score[seen, None]], axis=1).astype(np.float32))
