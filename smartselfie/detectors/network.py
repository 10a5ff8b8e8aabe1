"""The detector that ships: a single-shot network trained here, over the whole picture at once.

One pass costs about as much as the expressions of one face, so the whole picture is searched in every frame
that asks for it: no pieces, no search around known faces.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import cv2
import numpy as np
import numpy.typing as npt

from smartselfie.detectors import DetectorSettings
from smartselfie.detectors.maps import read_maps, without_doubles
from smartselfie.errors import ModelError
from smartselfie.litert import load, read, shipped
from smartselfie.records import Box, Face, Image, Landmarks, Look
from smartselfie.schema.fields import setting
from smartselfie.schema.values import Integer, Number, PathSetting, Switch

DEFAULT_NAME = "face.tflite"
SETTING = "detector.model"
SMALLEST = 12
"""Longer side in pixels of the searched copy of the smallest face that is found reliably."""
SIDE = 1.05
"""Side of the frontal cascade's square box as a share of the root of this network's box' area.

Its boxes are tall, forehead to chin, and turn with the face; with squares of the cascade's size all that
reckons with a face's size means the same for every detector.
"""
MULTIPLE = 32
"""The network takes pictures whose sides are multiples of this."""
ENOUGH = 3
"""How many times larger a picture may be for all of its pixels to count: those of 1920x1080 take 4 ms."""
LARGER = 2.5
"""How much larger a copy is searched besides when there is time for it."""

Floats = npt.NDArray[np.float32]


def default_model(folders: Sequence[Path] | None = None) -> Path:
    """Return the network that ships; see `litert.shipped`."""
    return shipped(DEFAULT_NAME, SETTING, folders)


class Settings(DetectorSettings):
    """The settings of network."""

    kind: Literal["network"] = "network"
    model: PathSetting | None = setting(
        None,
        "The detector's .tflite file; null: the one that ships.",
        private=True,
        example="model/mine.tflite",
    )
    search_size: Integer = setting(
        256,
        "Faces are searched in a copy of the picture this large on its longer side. Larger: more distant "
        "faces are found, and a search takes longer (twice as large: four times).",
        ge=96,
        le=2048,
        unit="pixels",
    )
    min_score: Number | None = setting(
        None,
        "Score from which a find is a face; null: what was measured with the network. Higher: fewer false "
        "faces, more missed ones.",
        gt=0,
        le=1,
    )
    thorough: Switch = setting(
        False,
        "Also search a larger copy, and mirrored ones when nothing is found, as single photos always are.",
    )

    def for_photos(self, width: int | None = None) -> Self:
        """Return the settings for single photos: a thorough search."""
        return self.model_copy(update={"thorough": True, "search_size": width or self.search_size})

    def finds_smaller(self, factor: float) -> str:
        """Say how large the copy must be."""
        return f"detector.search_size: {round(self.search_size * factor) + 1}"


def build(settings: Settings, *, smallest: float) -> NetworkDetector:
    """Load the network; without a model the one that ships. Raises `ModelError`."""
    return NetworkDetector(
        default_model() if settings.model is None else Path(settings.model),
        search_size=settings.search_size,
        min_score=settings.min_score,
        smallest=smallest,
        thorough=settings.thorough,
    )


class NetworkDetector:
    """Finds faces of any roll with boxes, landmarks, a score and whether the mouth is covered.

    `model`: a .tflite file with the JSON beside it that `smartselfie export` writes; `search_size`: pixels on
    the longer side of the copy that is searched; `min_score`: a find's least score, 0..1, None: what the JSON
    says; `smallest`: smallest face wanted, as a share of the picture's shorter side; `thorough` also searches
    a larger copy, and mirrored ones when nothing is found, for single pictures. Usable from any thread.
    Raises ModelError when a file is missing, damaged or of another kind.
    """

    def __init__(
        self,
        model: Path,
        *,
        search_size: int = 256,
        min_score: float | None = None,
        smallest: float = 0.0,
        threads: int = 1,
        thorough: bool = False,
    ) -> None:
        data = read(model, SETTING)
        about = _describe(model, data)
        self.model = model
        self.search_size = search_size
        self.min_score = float(about["threshold"]) if min_score is None else min_score
        self.smallest = smallest
        self.thorough = thorough
        self.label = f"{about.get('name', model.stem)} {about.get('version', '')}".strip()
        self._lock = threading.Lock()
        self._interpreter = load(model, data, threads, (1, search_size, search_size, 3))
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = _outputs(model, self._interpreter.get_output_details(), about["outputs"])
        if self._input["dtype"] != np.uint8 or list(self._input["shape_signature"])[3:] != [3]:
            raise ModelError(f"{model}: takes no uint8 picture of three colours: is it a face detector?")
        self._shape = tuple(map(int, self._input["shape"]))
        self._due = 0.0

    def smallest_face(self, size: tuple[int, int]) -> int:
        """Side in pixels of the smallest face that can be found in a picture of `size` (width, height)."""
        scale = max(size) / self.search_size * (1 / LARGER if self.thorough else 1)
        return round(max(SMALLEST * scale, self.smallest * min(size)))

    def __call__(self, image: Image, look: Look) -> list[Face]:
        """Return the faces of a (H, W, 3) BGR picture, largest first.

        None while no known face is to be searched and less than a whole search is due.
        """
        self._due += look.share
        if self._due < 1 and not look.around:
            return []
        self._due = 0.0
        found = self._search(image, self.search_size)
        if self.thorough:
            larger = round(self.search_size * LARGER)
            found = without_doubles(np.concatenate([found, self._search(image, larger)]))
            for size in (self.search_size, larger):
                if not len(found):
                    found = _mirrored(self._search(image[:, ::-1], size), image.shape[1])
        faces = [_face(row) for row in found]
        wanted = [face for face in faces if face.box.width >= self.smallest * min(image.shape[:2])]
        return sorted(wanted, key=lambda face: -face.box.area)

    def search(self, image: Image, min_score: float) -> Floats:
        """Return the faces of a picture as `maps.read_maps` does, in its own pixels, from `min_score` on."""
        return self._search(image, self.search_size, min_score)

    def _search(self, image: Image, longer: int, min_score: float | None = None) -> Floats:
        small, scale = fitted(image, longer)
        with self._lock:
            shape = (1, *small.shape)
            if shape != self._shape:
                self._interpreter.resize_tensor_input(self._input["index"], shape)
                self._interpreter.allocate_tensors()
                self._shape = shape
            self._interpreter.set_tensor(self._input["index"], small[np.newaxis])
            self._interpreter.invoke()
            maps = {name: self._interpreter.get_tensor(index)[0] for name, index in self._outputs.items()}
        found = read_maps(maps, self.min_score if min_score is None else min_score)
        found[:, :4] /= scale
        found[:, 5:15] /= scale
        return found


def fitted(image: Image, longer: int) -> tuple[Image, float]:
    """Return a copy with `longer` pixels on its longer side, filled up with black to `MULTIPLE`s; its scale.

    Averaged first by the whole factor there is, which is quicker than one step and keeps what lies between
    the pixels taken; of pictures more than `ENOUGH` times as large some pixels do for all.
    """
    height, width = image.shape[:2]
    scale = longer / max(height, width)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    shrink, way = int(1 / scale), cv2.INTER_LINEAR
    if shrink > ENOUGH:
        image = np.asarray(
            cv2.resize(image, (ENOUGH * wide, ENOUGH * high), interpolation=cv2.INTER_LINEAR), np.uint8
        )
        way = cv2.INTER_AREA
    elif shrink > 1:
        image = np.asarray(
            cv2.resize(image, (width // shrink, height // shrink), interpolation=cv2.INTER_AREA), np.uint8
        )
    small = np.asarray(cv2.resize(image, (wide, high), interpolation=way), np.uint8)
    right, below = -wide % MULTIPLE, -high % MULTIPLE
    if right or below:
        small = np.asarray(cv2.copyMakeBorder(small, 0, below, 0, right, cv2.BORDER_CONSTANT), np.uint8)
    return small, scale


def _face(row: Floats) -> Face:
    """Turn a row of `maps.read_maps` into a face whose box is the square a cascade would draw."""
    x, y, width, height = map(float, row[:4])
    side = SIDE * float(np.sqrt(width * height))
    box = Box(round(x + (width - side) / 2), round(y + (height - side) / 2), round(side), round(side))
    one, other, nose, left, right = ((float(a), float(b)) for a, b in row[5:15].reshape(5, 2))
    landmarks: Landmarks = (one, other, nose, left, right)
    return Face(box, landmarks=landmarks, score=float(row[4]), covered=float(row[15]))


def _mirrored(found: Floats, width: int) -> Floats:
    """Return what was found on a picture's mirror image, in the picture's own pixels."""
    made = found.copy()
    made[:, 0] = width - found[:, 0] - found[:, 2]
    marks = found[:, 5:15].reshape(-1, 5, 2)[:, [1, 0, 2, 4, 3]].copy()
    marks[..., 0] = width - marks[..., 0]
    made[:, 5:15] = marks.reshape(-1, 10)
    return made


def _describe(model: Path, data: bytes) -> Mapping[str, Any]:
    path = model.with_suffix(".json")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(about, dict) or about.get("task") != "detection":
            raise ValueError("it describes no face detector")
        float(about["threshold"])
        dict(about["outputs"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: cannot be used ({error})",
            remedy=f"bring the .json that `smartselfie export` wrote beside {model.name}",
        ) from error
    expected = about.get("sha256")
    if expected and hashlib.sha256(data).hexdigest() != expected:
        raise ModelError(
            f"{model}: changed file: its SHA-256 is not the one in the JSON beside it",
            remedy="bring the two that belong together",
        )
    return about


def _outputs(model: Path, details: list[dict[str, Any]], named: Mapping[str, int]) -> dict[str, int]:
    try:
        return {name: int(details[named[name]]["index"]) for name in ("score", "box", "landmarks", "covered")}
    except (KeyError, IndexError, TypeError) as error:
        raise ModelError(f"{model}: has no outputs as the JSON beside it says ({error})") from error
