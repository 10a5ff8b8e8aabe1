"""Reads the forms in which people have faces; what cannot be read is listed, never dropped silently.

| form | what it looks like |
|---|---|
| Kaggle's table | `fer2013.csv` (`emotion,pixels,Usage`) or `icml_face_data.csv` (the same, with spaces) |
| picture tree | `train/happy/*.jpg`, `test/...`; names like `PublicTest_12.jpg` tell the split |
| FERG-DB | `aia/aia_joy/*.png`: subject, subject and expression; split by subject |
| legend | `legend.csv` (`user.id,image,emotion`), the pictures beside it, in `images/` or in `../images/` |
| bundle | a .zip with `labels.csv` (`image,emotion`, maybe `usage` and `votes_...`) and `images/` |
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from smartselfie.errors import DataError
from smartselfie.records import CLASSES
from smartselfie.training.datasets import SIDE, SPLITS, VOTES, Faces

SYNONYMS = {
    "anger": "angry",
    "mad": "angry",
    "disgusted": "disgust",
    "afraid": "fear",
    "fearful": "fear",
    "scared": "fear",
    "happiness": "happy",
    "joy": "happy",
    "smile": "happy",
    "sadness": "sad",
    "surprised": "surprise",
    "suprise": "surprise",
    "calm": "neutral",
}
PICTURES = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".pgm", ".ppm"}

Gray = npt.NDArray[np.uint8]
Crop = Callable[[Gray], Gray | None]
"""Turns a (H, W) gray picture into a (48, 48) face; None when it finds none."""
Watch = Callable[[Iterable[Any], int], Iterable[Any]]
"""Passes things through and shows how far they are; the second argument is how many there will be."""


@dataclass(slots=True)
class Reading:
    """What was read so far, and what could not be."""

    images: list[Gray] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    votes: list[list[int]] = field(default_factory=list)
    splits: list[int] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """One line for each row or picture left out: where, and why."""

    def add(self, image: Gray, label: int, split: int, votes: list[int] | None = None) -> None:
        """Take one (48, 48) face; label -1 for none."""
        self.images.append(image)
        self.labels.append(label)
        self.splits.append(split)
        self.votes.append(votes or [0] * len(VOTES))

    def faces(self) -> Faces:
        """Return all of it; DataError when nothing could be read."""
        if not self.images:
            first = f"; the first of {len(self.broken)} broken rows: {self.broken[0]}" if self.broken else ""
            raise DataError(f"no face could be read{first}")
        return Faces(
            np.stack(self.images),
            np.array(self.labels, np.int8),
            np.array(self.votes, np.int16),
            np.array(self.splits, np.int8),
        )


def whole(picture: Gray) -> Gray:
    """Take the whole picture as the face: its largest centred square, 48x48."""
    side = min(picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    square = picture[top : top + side, left : left + side]
    if side == SIDE:
        return square
    how = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=how), np.uint8)


def read(source: Path, votes: Path | None = None, crop: Crop = whole, watch: Watch | None = None) -> Reading:
    """Read any of the forms above; DataError when `source` is missing or in none of them."""
    into, show = Reading(), watch or (lambda things, count: things)
    if not source.exists():
        raise DataError(f"{source}: no such file or folder")
    table = _table_of(source)
    pixels = table is not None and "pixels" in _columns(table)
    if votes is not None and not pixels:
        raise DataError(f"{votes}: FER+ votes go with the rows of fer2013.csv, not with {source.name}")
    try:
        if table is not None and pixels:
            _read_pixels(table, votes, into, show)
        elif table is not None:
            _read_table(table, into, crop, show)
        elif source.is_dir():
            _read_tree(source, into, crop, show)
        elif source.suffix.lower() == ".zip":
            _read_bundle(source, into, crop, show)
        else:
            raise DataError(f"{source}: neither a .csv, a .zip nor a folder")
    except csv.Error as error:
        raise DataError(f"{source}: not a table of faces ({error})") from error
    return into


def are_photographs(source: Path) -> bool:
    """Whether labelled pictures have no official split: photographs, not cut faces."""
    table = _table_of(source)
    if table is not None:
        return not {"usage", "pixels"} & set(_columns(table))
    if source.suffix.lower() != ".zip":
        return False
    try:
        with zipfile.ZipFile(source) as bundle, bundle.open("labels.csv") as file:
            return b"usage" not in file.readline()
    except (OSError, zipfile.BadZipFile, KeyError):
        return False


def class_of(name: str) -> int:
    """Return the index of a class by its name, a synonym or FER2013's number; ValueError when unknown."""
    word = name.strip().lower()
    if word.isdigit() and int(word) < len(CLASSES):
        return int(word)
    word = SYNONYMS.get(word, word)
    if word not in CLASSES:
        raise ValueError(f"unknown emotion {name.strip()!r}")
    return CLASSES.index(word)


def _table_of(source: Path) -> Path | None:
    """Return the .csv that is meant: the file itself, or the one that a folder has for its pictures."""
    if source.is_dir():
        places = (source / name for name in ("legend.csv", "labels.csv", "data/legend.csv"))
        return next((place for place in places if place.is_file()), None)
    return source if source.suffix.lower() == ".csv" else None


def _open(table: Path) -> IO[str]:
    return table.open(newline="", encoding="utf-8-sig", errors="replace")


def _columns(table: Path) -> list[str]:
    with _open(table) as file:
        return [name.strip().strip('"') for name in file.readline().split(",")]


def _rows(file: IO[str], quoting: Literal[0, 3] = csv.QUOTE_MINIMAL) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and row, with stripped column names, broken or short rows included."""
    reader = csv.DictReader(file, skipinitialspace=True, quoting=quoting)
    for row in reader:
        yield (
            reader.line_num,
            {
                (key or "").strip().strip('"'): (value or "").strip().strip('"')
                for key, value in row.items()
                if key is not None
            },
        )


def _read_pixels(source: Path, votes: Path | None, into: Reading, show: Watch) -> None:
    with _open(source) as file:  # no field holds a comma: a lost quote must not swallow the rows after it
        rows = list(_rows(file, csv.QUOTE_NONE))
    voted: list[tuple[int, dict[str, str]]] = []
    if votes is not None:
        if not votes.exists():
            raise DataError(f"{votes}: no such file")
        with _open(votes) as file:
            voted = list(_rows(file, csv.QUOTE_NONE))
        if len(voted) != len(rows):
            raise DataError(
                f"{votes}: has {len(voted)} rows, {source.name} has {len(rows)}; the order must be the same"
            )
    for number, (line, row) in enumerate(show(rows, len(rows))):
        try:
            label, split = class_of(row.get("emotion", "")), _split(row.get("Usage", ""))
            pixels = np.array(row.get("pixels", "").split(), dtype=np.int64)
            if pixels.size != SIDE * SIDE:
                raise ValueError(f"{pixels.size} pixels instead of {SIDE * SIDE}")
            if pixels.min() < 0 or pixels.max() > 255:
                raise ValueError("a pixel is outside 0..255")
            votes_row = _votes_beside(voted[number], votes, row) if votes is not None else None
        except ValueError as error:
            into.broken.append(f"{source.name}:{line}: {error}")
            continue
        into.add(pixels.reshape(SIDE, SIDE).astype(np.uint8), label, split, votes_row)


def _votes_beside(numbered: tuple[int, dict[str, str]], votes: Path, face: dict[str, str]) -> list[int]:
    line, row = numbered
    if row.get("Usage") != face.get("Usage"):
        raise ValueError(f"{votes.name}:{line} is of another split: the rows are not in the same order")
    if row.get("Image name") == "":  # this is how FER+ strikes out what is no face
        raise ValueError(f"{votes.name}:{line}: FER+ says that it is no face")
    try:
        return _votes(row)
    except ValueError as error:
        raise ValueError(f"{votes.name}:{line}: {error}") from error


def _votes(row: dict[str, str], prefix: str = "") -> list[int]:
    try:
        counts = [int(row[prefix + name]) for name in VOTES]
    except (KeyError, ValueError) as error:
        raise ValueError(f"no number of votes ({error})") from error
    if not all(0 <= count <= 1000 for count in counts):
        raise ValueError(f"votes outside 0..1000: {counts}")
    return counts


def _split(name: str) -> int:
    if name.strip() not in SPLITS:
        raise ValueError(f"unknown usage {name.strip()!r}")
    return SPLITS.index(name.strip())


def _split_by_person(name: str) -> int:
    """Eight of ten people to Training, one each to the tests: all pictures of one person on one side."""
    person = re.sub(r"[-_ ]*\d*$", "", Path(name).stem)
    return (0, 0, 0, 0, 0, 0, 0, 0, 1, 2)[zlib.crc32(person.encode()) % 10]


def _decode(data: bytes) -> Gray:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if image is None:
        raise ValueError("not a picture")
    return np.asarray(image, np.uint8)


def _add_picture(
    into: Reading,
    where: str,
    data: Callable[[], bytes],
    crop: Crop,
    label: str,
    split: Callable[[], int],
    votes: Callable[[], list[int]] | None = None,
) -> None:
    try:
        number, part, counts = class_of(label), split(), votes() if votes else None
        face = crop(_decode(data()))
        if face is None:
            raise ValueError("no face found")
        into.add(face, number, part, counts)
    except (OSError, KeyError, ValueError, cv2.error, zipfile.BadZipFile, zlib.error) as error:
        missing = isinstance(error, (FileNotFoundError, KeyError))
        into.broken.append(f"{where}: {'missing picture' if missing else error}")


def _read_bundle(source: Path, into: Reading, crop: Crop, show: Watch) -> None:
    try:
        with zipfile.ZipFile(source) as bundle:
            rows = list(_rows(io.StringIO(bundle.read("labels.csv").decode("utf-8-sig", "replace"))))
            for line, row in show(rows, len(rows)):
                _add_row(into, f"labels.csv:{line}", row, lambda name: bundle.read(f"images/{name}"), crop)
    except (zipfile.BadZipFile, KeyError, RuntimeError) as error:  # the last: it wants a password
        raise DataError(f"{source}: not a .zip with labels.csv and images/ ({error})") from error


def _read_table(table: Path, into: Reading, crop: Crop, show: Watch) -> None:
    folders = (table.parent, table.parent / "images", table.parent.parent / "images")

    def data(picture: str) -> bytes:
        places = (folder / picture for folder in folders)
        return next((place for place in places if place.is_file()), folders[0] / picture).read_bytes()

    with _open(table) as file:
        rows = list(_rows(file))
    if rows and not {"image", "emotion"} <= set(rows[0][1]):
        raise DataError(f"{table}: needs the columns image and emotion, has {', '.join(rows[0][1])}")
    for line, row in show(rows, len(rows)):
        _add_row(into, f"{table.name}:{line}", row, data, crop)


def _add_row(
    into: Reading, where: str, row: dict[str, str], data: Callable[[str], bytes], crop: Crop
) -> None:
    name = row.get("image", "")
    split = (lambda: _split(row["usage"])) if row.get("usage") else (lambda: _split_by_person(name))
    votes = (lambda: _votes(row, "votes_")) if "votes_neutral" in row else None
    _add_picture(into, where, lambda: data(name), crop, row.get("emotion", ""), split, votes)


def _read_tree(source: Path, into: Reading, crop: Crop, show: Watch) -> None:
    found = sorted(path for path in source.rglob("*") if path.is_file() and not path.name.startswith("."))
    files = [path for path in found if path.suffix.lower() in PICTURES]
    if not files:
        raise DataError(f"{source}: no pictures, no legend.csv and no labels.csv in it")
    others = (path.relative_to(source) for path in found if path.suffix.lower() not in PICTURES)
    into.broken += [f"{path}: not a picture by its name" for path in others]
    subjects = sorted({path.parent.parent.name for path in files if _is_ferg(path)})
    for path in show(files, len(files)):
        label = (
            path.parent.name.removeprefix(path.parent.parent.name + "_")
            if _is_ferg(path)
            else path.parent.name
        )
        _add_picture(
            into,
            str(path.relative_to(source)),
            path.read_bytes,
            crop,
            label,
            partial(_split_of_file, path, source, subjects),
        )


def _is_ferg(path: Path) -> bool:
    return path.parent.name.startswith(path.parent.parent.name + "_")


def _split_of_file(path: Path, source: Path, subjects: list[str]) -> int:
    """The file's name tells, or else its folders; of FERG-DB's subjects the last two are for testing."""
    if _is_ferg(path):
        place = len(subjects) - subjects.index(path.parent.parent.name)
        return 3 - place if place <= 2 and len(subjects) >= 3 else 0
    for number, split in enumerate(SPLITS):
        if path.name.lower().startswith(split.lower()):
            return number
    folders = [name.lower() for name in path.relative_to(source).parts[:-2]] + [source.name.lower()]
    for name in folders:
        for number, names in enumerate(
            (("train", "training"), ("val", "valid", "validation", "publictest"), ("test", "privatetest"))
        ):
            if name in names:
                return number
    raise ValueError("neither its name nor its folder tells the split (train, validation, test)")
