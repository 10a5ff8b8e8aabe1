"""Reads the forms in which people have faces; what cannot be read is listed, never dropped silently.

| form | what it looks like |
|---|---|
| Kaggle's table | `fer2013.csv` (`emotion,pixels,Usage`) or `icml_face_data.csv` (the same, with spaces) |
| picture tree | `train/happy/*.jpg`, `test/...`; names like `PublicTest_12.jpg` tell the split |
| FERG-DB | `aia/aia_joy/*.png`: subject, subject and expression; split by subject |
| legend | `legend.csv` (`user.id,image,emotion`) and the pictures beside it or in `images/` |
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
from typing import IO, Any

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
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".pgm"}

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
    if votes is not None and source.suffix.lower() != ".csv":
        raise DataError(f"{votes}: FER+ votes go with the rows of fer2013.csv, not with {source.name}")
    if source.suffix.lower() == ".csv":
        if "pixels" not in _columns(source):
            _read_table(source.parent, source.name, into, crop, show)
        else:
            _read_pixels(source, votes, into, show)
    elif source.suffix.lower() == ".zip":
        _read_bundle(source, into, crop, show)
    elif source.is_dir():
        for name in ("legend.csv", "labels.csv"):
            if (source / name).exists():
                _read_table(source, name, into, crop, show)
                break
        else:
            _read_tree(source, into, crop, show)
    else:
        raise DataError(f"{source}: neither a .csv, a .zip nor a folder")
    return into


def are_photographs(source: Path) -> bool:
    """Whether a bundle or folder of labelled pictures has no official split: photographs, not cut faces."""
    if source.is_dir():
        tables = [source / name for name in ("legend.csv", "labels.csv") if (source / name).exists()]
        return bool(tables) and "usage" not in _columns(tables[0])
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


def _columns(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        return [name.strip() for name in next(csv.reader(file), [])]


def _rows(file: IO[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and row, with stripped column names, broken or short rows included."""
    reader = csv.DictReader(file, skipinitialspace=True)
    for row in reader:
        yield (
            reader.line_num,
            {(key or "").strip(): (value or "") for key, value in row.items() if key is not None},
        )


def _read_pixels(source: Path, votes: Path | None, into: Reading, show: Watch) -> None:
    with source.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = list(_rows(file))
    voted: list[tuple[int, dict[str, str]]] = []
    if votes is not None:
        if not votes.exists():
            raise DataError(f"{votes}: no such file")
        with votes.open(newline="", encoding="utf-8-sig", errors="replace") as file:
            voted = list(_rows(file))
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
            votes_row = _votes(voted[number], votes, row) if votes is not None else None
        except ValueError as error:
            into.broken.append(f"{source.name}:{line}: {error}")
            continue
        into.add(pixels.reshape(SIDE, SIDE).astype(np.uint8), label, split, votes_row)


def _votes(numbered: tuple[int, dict[str, str]], votes: Path, face: dict[str, str]) -> list[int]:
    line, row = numbered
    if row.get("Usage", "").strip() != face.get("Usage", "").strip():
        raise ValueError(f"{votes.name}:{line} is of another split: the rows are not in the same order")
    try:
        return [int(row[name]) for name in VOTES]
    except (KeyError, ValueError) as error:
        raise ValueError(f"{votes.name}:{line}: no number of votes ({error})") from error


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
        number, part = class_of(label), split()
        face = crop(_decode(data()))
        if face is None:
            raise ValueError("no face found")
        into.add(face, number, part, votes() if votes else None)
    except (OSError, KeyError, ValueError, cv2.error) as error:
        missing = isinstance(error, (FileNotFoundError, KeyError))
        into.broken.append(f"{where}: {'missing picture' if missing else error}")


def _read_bundle(source: Path, into: Reading, crop: Crop, show: Watch) -> None:
    try:
        with zipfile.ZipFile(source) as bundle:
            rows = list(_rows(io.StringIO(bundle.read("labels.csv").decode("utf-8-sig"))))
            for line, row in show(rows, len(rows)):
                _add_row(into, f"labels.csv:{line}", row, lambda name: bundle.read(f"images/{name}"), crop)
    except (zipfile.BadZipFile, KeyError) as error:
        raise DataError(f"{source}: not a .zip with labels.csv and images/ ({error})") from error


def _read_table(folder: Path, name: str, into: Reading, crop: Crop, show: Watch) -> None:
    def data(picture: str) -> bytes:
        beside = folder / picture
        return (beside if beside.is_file() else folder / "images" / picture).read_bytes()

    with (folder / name).open(newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = list(_rows(file))
    if rows and not {"image", "emotion"} <= set(rows[0][1]):
        raise DataError(f"{folder / name}: needs the columns image and emotion, has {', '.join(rows[0][1])}")
    for line, row in show(rows, len(rows)):
        _add_row(into, f"{name}:{line}", row, data, crop)


def _add_row(
    into: Reading, where: str, row: dict[str, str], data: Callable[[str], bytes], crop: Crop
) -> None:
    name = row.get("image", "").strip()
    split = (lambda: _split(row["usage"])) if row.get("usage") else (lambda: _split_by_person(name))
    votes = (lambda: [int(row["votes_" + vote]) for vote in VOTES]) if "votes_neutral" in row else None
    _add_picture(into, where, lambda: data(name), crop, row.get("emotion", ""), split, votes)


def _read_tree(source: Path, into: Reading, crop: Crop, show: Watch) -> None:
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in PICTURES)
    if not files:
        raise DataError(f"{source}: no pictures, no legend.csv and no labels.csv in it")
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
