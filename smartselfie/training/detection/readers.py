"""Reads labelled pictures in the forms in which people have them; what is odd is listed and left out alone.

| form | what it looks like |
|---|---|
| bundle | a .zip or folder with `labels.csv`: `image,split,source,width,height,faces,ignore` |
| YOLO | a folder: a .txt of each picture's name beside it, or in `labels/` where it lies in `images/` |
| COCO | a .json with `images` and `annotations` (`bbox`, five or no `keypoints`), the pictures about it |
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

from smartselfie.errors import DataError
from smartselfie.training.detection.pictures import COLUMNS, Floats, Picture, Pixels
from smartselfie.training.readers import PICTURES

LONGEST = 640
"""Pixels on the longer side of a picture that is kept; larger ones are made smaller."""
UNCOVERED = frozenset({"humans", "humanseg", "ccp", "ccpcrop", "clothing", "muxspace"})
"""Sources of portraits and fashion, from before masks were worn: their faces teach what an open mouth is.

Of all others it is not known whether a mouth is covered; drawn covers teach what a covered one is.
"""
VALIDATION = {"val", "valid", "validation", "test", "testing"}
"""Names of folders, and words in the names of .json files, whose pictures are to be measured on."""

Watch = Callable[[Iterable[Any], int], Iterable[Any]]


@dataclass(slots=True)
class Reading:
    """What was read so far, and what could not be."""

    pictures: list[Picture] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """One line for each picture or label left out: where, and why."""


def read(source: Path, watch: Watch | None = None) -> Reading:
    """Read one source in any of the forms above.

    A damaged picture or label costs itself alone. DataError when `source` is missing or in none of the forms.
    """
    into, show = Reading(), watch or (lambda things, count: things)
    if not source.exists():
        raise DataError(f"{source}: no such file or folder")
    try:
        if source.suffix.lower() == ".zip":
            with zipfile.ZipFile(source) as bundle:
                _read_table(bundle.read("labels.csv"), bundle.read, into, show)
        elif source.suffix.lower() == ".json":
            _read_coco(source, into, show)
        elif (source / "labels.csv").is_file():
            data = (source / "labels.csv").read_bytes()
            _read_table(data, lambda name: (source / name).read_bytes(), into, show)
        elif source.is_dir():
            _read_yolo(source, into, show)
        else:
            raise DataError(f"{source}: neither a .zip, a .json nor a folder")
    except (zipfile.BadZipFile, KeyError, RuntimeError, csv.Error) as error:
        raise DataError(f"{source}: not labelled pictures for detection ({error})") from error
    if not into.pictures:
        first = f"; the first of {len(into.broken)} broken: {into.broken[0]}" if into.broken else ""
        raise DataError(f"{source}: no picture could be read{first}")
    return into


def read_part(bundle: Path, split: str, step: int) -> list[Picture]:
    """Return every `step`th picture of a split of a .zip with `labels.csv`, in its order."""
    into = Reading()
    with zipfile.ZipFile(bundle) as file:
        rows = list(csv.reader(io.StringIO(file.read("labels.csv").decode("utf-8-sig"))))
        at = rows[0].index("split")
        text = io.StringIO()
        csv.writer(text).writerows([rows[0], *[row for row in rows[1:] if row[at] == split][::step]])
        _read_table(text.getvalue().encode(), file.read, into, lambda things, _: things)
    return into.pictures


def are_labels(source: Path) -> bool:
    """Whether a source labels faces for detection, rather than expressions of whole portraits."""
    try:
        if source.suffix.lower() == ".zip":
            with zipfile.ZipFile(source) as bundle, bundle.open("labels.csv") as file:
                return b"faces" in file.readline()
        if (source / "labels.csv").is_file():
            with (source / "labels.csv").open("rb") as file:
                return b"faces" in file.readline()
    except (OSError, zipfile.BadZipFile, KeyError):
        return False
    return True


def portrait_names(source: Path) -> list[str]:
    """Return the names of the pictures in a .zip or folder, in order. Raises DataError for a broken .zip."""
    try:
        if source.suffix.lower() != ".zip":
            return sorted(
                str(path.relative_to(source)) for path in source.rglob("*") if _is_picture(path.name)
            )
        with zipfile.ZipFile(source) as bundle:
            return sorted(name for name in bundle.namelist() if _is_picture(name))
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{source}: not a .zip of pictures ({error})") from error


def portraits(source: Path, names: Iterable[str], broken: list[str]) -> Iterator[Pixels]:
    """Yield pictures (H, W, 3) uint8 of a .zip or folder; those that cannot be read go to `broken`."""
    if source.suffix.lower() == ".zip":
        with zipfile.ZipFile(source) as bundle:
            yield from _decoded(names, bundle.read, broken)
    else:
        yield from _decoded(names, lambda name: (source / name).read_bytes(), broken)


def _decoded(names: Iterable[str], data: Callable[[str], bytes], broken: list[str]) -> Iterator[Pixels]:
    for name in names:
        try:
            yield Picture(name, "", "", data(name), _faces([]), _boxes([])).pixels()
        except (DataError, OSError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
            broken.append(f"{name}: {error}")


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in PICTURES and not PurePosixPath(name).name.startswith(".")


def _faces(rows: Iterable[Iterable[float]]) -> Floats:
    return np.array([list(row) for row in rows], np.float32).reshape(-1, COLUMNS)


def _boxes(rows: Iterable[Iterable[float]]) -> Floats:
    return np.array([list(row) for row in rows], np.float32).reshape(-1, 4)


def _add(
    into: Reading,
    name: str,
    split: str,
    source: str,
    data: Callable[[], bytes],
    labels: Callable[[int, int], tuple[list[list[float]], list[list[float]]]],
) -> None:
    """Take one picture; `labels` tells faces (15 numbers) and boxes to ignore from its width and height."""
    try:
        encoded = data()
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR) if encoded else None
        if image is None:
            raise ValueError("not a picture")
        height, width = image.shape[:2]
        faces, ignore = labels(width, height)
    except (OSError, KeyError, ValueError, TypeError, cv2.error, zipfile.BadZipFile, zlib.error) as error:
        missing = isinstance(error, (FileNotFoundError, KeyError))
        into.broken.append(f"{name}: {'missing picture' if missing else error}")
        return
    scale = min(1.0, LONGEST / max(height, width))
    if scale < 1:
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    kept = [row for row in faces if _sound(into, name, row[:4], width, height)]
    free = [row for row in ignore if np.isfinite(row).all() and min(row[2:4]) > 0]
    made = _faces(kept)
    made[:, :14] *= scale
    into.pictures.append(Picture(name, split, source, encoded, made, _boxes(free) * np.float32(scale)))


def _sound(into: Reading, name: str, box: list[float], width: int, height: int) -> bool:
    """Say whether a box is one, on the picture; lists it when not."""
    x, y, w, h = box
    if not np.isfinite(box).all() or w < 1 or h < 1:
        into.broken.append(f"{name}: a box without width or height: {box}")
        return False
    if x + w / 2 < 0 or y + h / 2 < 0 or x + w / 2 > width or y + h / 2 > height:
        into.broken.append(f"{name}: a box whose middle lies outside of {width}x{height}: {box}")
        return False
    return True


def _read_table(data: bytes, get: Callable[[str], bytes], into: Reading, show: Watch) -> None:
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig", "replace"))))
    if rows and not {"image", "faces"} <= set(rows[0]):
        raise DataError(f"labels.csv: needs the columns image and faces, has {', '.join(map(str, rows[0]))}")
    for row in show(rows, len(rows)):
        name, source = row["image"] or "", row.get("source") or ""
        covered = 0.0 if source in UNCOVERED else float("nan")

        def labels(
            _width: int, _height: int, row: Mapping[str, str] = row, covered: float = covered
        ) -> tuple[list[list[float]], list[list[float]]]:
            faces = [_table_face(each, covered) for each in json.loads(row["faces"])]
            return faces, [[float(value) for value in box] for box in json.loads(row.get("ignore") or "[]")]

        split = "train" if row.get("split") not in VALIDATION else "val"
        _add(into, name, split, source, partial(get, name), labels)


def _table_face(row: list[Any], covered: float) -> list[float]:
    if len(row) < 4:
        raise ValueError(f"a face of {len(row)} numbers: {row}")
    marks = np.ravel(row[5]).tolist() if len(row) > 5 and row[5] else [float("nan")] * 10
    if len(marks) != 10:
        raise ValueError(f"{len(marks) / 2:g} landmarks instead of 5")
    return [*map(float, row[:4]), *map(float, marks), covered]


def _read_yolo(source: Path, into: Reading, show: Watch) -> None:
    files = sorted(path for path in source.rglob("*") if _is_picture(path.name))
    labelled = [(path, _yolo_labels(path)) for path in files]
    if not any(labels for _, labels in labelled):
        raise DataError(f"{source}: no labels.csv, and no picture with a .txt of its name: neither form")
    for path, labels in show(labelled, len(labelled)):
        name = str(path.relative_to(source))
        if labels is None:
            into.broken.append(f"{name}: no .txt of its name; an empty one says that it shows no face")
            continue
        words = {part.lower() for part in path.relative_to(source).parts[:-1]} | {source.name.lower()}
        split = "val" if words & VALIDATION else "train"

        def read_them(
            width: int, height: int, labels: Path = labels, name: str = name
        ) -> tuple[list[list[float]], list[list[float]]]:
            faces = []
            for number, line in enumerate(labels.read_text(errors="replace").splitlines(), 1):
                try:
                    faces += [_yolo_face(line, width, height)] if line.strip() else []
                except ValueError as error:
                    into.broken.append(f"{name}: line {number} of {labels.name}: {error}")
            return faces, []

        _add(into, name, split, source.name, path.read_bytes, read_them)


def _yolo_labels(picture: Path) -> Path | None:
    parts = list(picture.with_suffix(".txt").parts)
    places = [Path(*parts)]
    if "images" in parts:
        at = len(parts) - 1 - parts[::-1].index("images")
        places.append(Path(*parts[:at], "labels", *parts[at + 1 :]))
    return next((place for place in places if place.is_file()), None)


def _yolo_face(line: str, width: int, height: int) -> list[float]:
    """Read `class cx cy w h`, then maybe five landmarks as `x y` or as `x y visible`; all in shares."""
    values = [float(word) for word in line.split()]
    if len(values) not in (5, 15, 20):
        raise ValueError(f"{len(values)} numbers; need 5, or 15 or 20 with five landmarks")
    cx, cy, w, h = values[1:5]
    marks = np.array(values[5:], float).reshape(5, -1) if len(values) > 5 else np.full((5, 2), np.nan)
    places = marks[:, :2] * (width, height)
    if (marks < 0).any() or (marks.shape[1] == 3 and (marks[:, 2] == 0).any()):
        places = np.full((5, 2), np.nan)
    box = [(cx - w / 2) * width, (cy - h / 2) * height, w * width, h * height]
    return [*box, *places.ravel().tolist(), float("nan")]


def _read_coco(source: Path, into: Reading, show: Watch) -> None:
    try:
        told = json.loads(source.read_text())
        images, annotations = list(told["images"]), list(told["annotations"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{source}: not a COCO .json with images and annotations ({error})") from error
    by_image: dict[Any, list[Any]] = {}
    for each in annotations:
        if isinstance(each, dict):
            by_image.setdefault(each.get("image_id"), []).append(each)
    words = set(source.stem.lower().replace("-", "_").split("_")) | {source.parent.name.lower()}
    split = "val" if words & VALIDATION else "train"
    folders = (source.parent, source.parent / "images", source.parent.parent / "images", source.parent.parent)
    for number, image in enumerate(show(images, len(images))):
        if not isinstance(image, dict) or not isinstance(image.get("file_name"), str):
            into.broken.append(f"{source.name}: image {number} has no file_name")
            continue
        name, mine = image["file_name"], by_image.get(image.get("id"), [])

        def data(name: str = name) -> bytes:
            places = (folder / name for folder in folders)
            return next((place for place in places if place.is_file()), folders[0] / name).read_bytes()

        def labels(
            _width: int, _height: int, mine: list[Any] = mine, name: str = name
        ) -> tuple[list[list[float]], list[list[float]]]:
            return _coco_labels(mine, name, into)

        _add(into, name, split, source.stem, data, labels)


def _coco_labels(
    annotations: Iterable[Mapping[str, Any]], name: str, into: Reading
) -> tuple[list[list[float]], list[list[float]]]:
    """Return faces and boxes to ignore (`iscrowd`, `ignore`) of one picture."""
    faces, ignore = [], []
    for each in annotations:
        try:
            box = [float(value) for value in each["bbox"]]
            if len(box) != 4:
                raise ValueError(f"{len(box)} numbers instead of 4")
            if each.get("iscrowd") or each.get("ignore"):
                ignore.append(box)
                continue
            marks = np.array(each.get("keypoints") or [], float).reshape(-1, 3)
            known = len(marks) == 5 and bool((marks[:, 2] > 0).all())
            places = marks[:, :2].ravel().tolist() if known else [float("nan")] * 10
            faces.append([*box, *places, float("nan")])
        except (KeyError, ValueError, TypeError) as error:
            into.broken.append(f"{name}: annotation {each.get('id')}: {error}")
    return faces, ignore
