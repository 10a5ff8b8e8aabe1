"""Tables of faces: Kaggle's with pixels in them, and those that name pictures."""

from __future__ import annotations

import csv
import io
import posixpath
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from smartselfie.errors import DataError
from smartselfie.training.datasets import SIDE, SPLITS, VOTES
from smartselfie.training.readers.reading import Crop, Reading, Watch
from smartselfie.training.readers.store import Store

Row = tuple[int, dict[str, str]]
LEGENDS = ("legend.csv", "labels.csv")
"""Tables that name pictures."""
PIXEL_TABLES = ("fer2013.csv", "icml_face_data.csv")
"""Tables that hold all faces; of the pairs that Kaggle's challenge has, each file holds one split."""


def columns(store: Store, name: str) -> list[str]:
    """Return the names of a table's columns, lower case."""
    line = store.read(name)[:4096].decode("utf-8-sig", "replace").splitlines()[:1]
    return [each.strip().strip('"').lower() for each in (line or [""])[0].split(_separator(line))]


def tables_of(store: Store) -> list[str]:
    """Return the table that a folder or .zip has for its faces, or Kaggle's several; none: it is a tree."""
    found = [name for name in store.names() if name.lower().endswith(".csv")]
    found.sort(key=lambda name: (name.count("/"), name))
    for wanted in (*LEGENDS, *PIXEL_TABLES):
        for name in found:
            if posixpath.basename(name).lower() == wanted:
                return [name]
    return [name for name in found if "pixels" in columns(store, name)]


def read_pixels(store: Store, name: str, votes: Path | None, into: Reading, show: Watch) -> None:
    """Read `emotion,pixels,Usage`; without Usage the file's name tells the split, else nothing does."""
    # No field holds a comma: a lost quote must not swallow the rows after it.
    rows = _rows(store.read(name), csv.QUOTE_NONE)
    base = posixpath.basename(name)
    there = columns(store, name)
    if "emotion" not in there:
        into.broken.append(
            f"{base}: has no labels (no column emotion), so its {len(rows)} faces are left out; "
            "Kaggle's icml_face_data.csv has those too"
        )
        return
    voted = _voted(votes, base, len(rows)) if votes is not None else []
    by_name = split_of_words([posixpath.splitext(base)[0].lower()])
    for number, (line, row) in enumerate(show(rows, len(rows))):
        try:
            label = into.label_set.index(row.get("emotion", ""), numbers=True)
            split = split_called(row.get("usage", "")) if "usage" in there else by_name
            pixels = np.array(row.get("pixels", "").split(), dtype=np.int64)
            if pixels.size != SIDE * SIDE:
                raise ValueError(f"{pixels.size} pixels instead of {SIDE * SIDE}")
            if pixels.min() < 0 or pixels.max() > 255:
                raise ValueError("a pixel is outside 0..255")
            counts = _votes_beside(voted[number], votes, row) if votes is not None else None
        except ValueError as error:
            into.broken.append(f"{base}:{line}: {error}")
            continue
        into.add(pixels.reshape(SIDE, SIDE).astype(np.uint8), label, split, counts)


def read_legend(store: Store, name: str, into: Reading, crop: Crop, show: Watch) -> None:
    """Read `image,emotion`, maybe `usage` and votes; the pictures lie beside it, in images/ or ../images/."""
    folder = posixpath.dirname(name)
    places = (folder, posixpath.join(folder, "images"), posixpath.join(folder, "..", "images"))
    rows = _rows(store.read(name))
    if rows and not {"image", "emotion"} <= set(rows[0][1]):
        raise DataError(
            f"{store.path / name}: needs the columns image and emotion, has {', '.join(rows[0][1])}"
        )

    def data(picture: str) -> bytes:
        there = (posixpath.join(place, picture) for place in places)
        return store.read(next((each for each in there if store.has(each)), posixpath.join(folder, picture)))

    for line, row in show(rows, len(rows)):
        _add_row(into, f"{posixpath.basename(name)}:{line}", row, data, crop)


def split_called(name: str) -> int:
    """Return the index of one of `SPLITS`; ValueError when it is none."""
    if name.strip() not in SPLITS:
        raise ValueError(f"unknown usage {name.strip()!r}")
    return SPLITS.index(name.strip())


def split_of_words(words: list[str]) -> int:
    """Return the split that the first of these lower-case names tells; `OPEN`, -1, where none does."""
    for word in words:
        for number, names in enumerate(
            (("train", "training"), ("val", "valid", "validation", "publictest"), ("test", "privatetest"))
        ):
            if word in names:
                return number
    return -1


def _separator(lines: list[str]) -> str:
    """Excel writes `;` where the comma is in numbers."""
    header = (lines or [""])[0]
    return next((mark for mark in (",", ";", "\t") if mark in header), ",")


def _rows(data: bytes, quoting: Literal[0, 3] = csv.QUOTE_MINIMAL) -> list[Row]:
    """Return line number and row, with stripped lower-case column names, broken or short rows included."""
    text = data.decode("utf-8-sig", "replace")
    return list(_each_row(text, quoting))


def _each_row(text: str, quoting: Literal[0, 3]) -> Iterator[Row]:
    separator = _separator(text[:4096].splitlines()[:1])
    reader = csv.DictReader(
        io.StringIO(text, newline=""), skipinitialspace=True, quoting=quoting, delimiter=separator
    )
    for row in reader:
        yield (
            reader.line_num,
            {
                (key or "").strip().strip('"').lower(): (value or "").strip().strip('"')
                for key, value in row.items()
                if key is not None
            },
        )


def _voted(votes: Path, base: str, count: int) -> list[Row]:
    if not votes.exists():
        raise DataError(f"{votes}: no such file")
    voted = _rows(votes.read_bytes(), csv.QUOTE_NONE)
    if len(voted) != count:
        raise DataError(f"{votes}: has {len(voted)} rows, {base} has {count}; the order must be the same")
    return voted


def _votes_beside(numbered: Row, votes: Path, face: dict[str, str]) -> list[int]:
    line, row = numbered
    if row.get("usage") != face.get("usage"):
        raise ValueError(f"{votes.name}:{line} is of another split: the rows are not in the same order")
    if row.get("image name") == "":  # this is how FER+ strikes out what is no face
        raise ValueError(f"{votes.name}:{line}: FER+ says that it is no face")
    try:
        return _votes(row)
    except ValueError as error:
        raise ValueError(f"{votes.name}:{line}: {error}") from error


def _votes(row: dict[str, str], prefix: str = "") -> list[int]:
    try:
        counts = [int(row[(prefix + name).lower()]) for name in VOTES]
    except (KeyError, ValueError) as error:
        raise ValueError(f"no number of votes ({error})") from error
    if not all(0 <= count <= 1000 for count in counts):
        raise ValueError(f"votes outside 0..1000: {counts}")
    return counts


def _split_by_person(name: str) -> int:
    """Eight of ten people to Training, one each to the tests: all pictures of one person on one side."""
    person = re.sub(r"[-_ ]*\d*$", "", Path(name).stem)
    return (0, 0, 0, 0, 0, 0, 0, 0, 1, 2)[zlib.crc32(person.encode()) % 10]


def _add_row(
    into: Reading, where: str, row: dict[str, str], data: Callable[[str], bytes], crop: Crop
) -> None:
    name = row.get("image", "")
    split = (lambda: split_called(row["usage"])) if row.get("usage") else (lambda: _split_by_person(name))
    votes = (lambda: _votes(row, "votes_")) if "votes_neutral" in row else None
    into.add_picture(where, lambda: data(name), crop, row.get("emotion", ""), split, votes)
