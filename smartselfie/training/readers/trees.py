"""Trees of pictures: the folder of each names its class; FERG-DB, JAFFE and CK+ name the person too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath

from smartselfie.errors import DataError
from smartselfie.training.datasets import SPLITS
from smartselfie.training.readers.reading import OPEN, Crop, Reading, Watch
from smartselfie.training.readers.store import Store
from smartselfie.training.readers.tables import split_of_words

PICTURES = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".pgm", ".ppm"}
JAFFE = re.compile(r"([A-Z]{2})\.(AN|DI|FE|HA|SA|SU|NE)\d*\.")
"""Its file names: the person, the expression, the number."""
JAFFE_CLASSES: Mapping[str, str] = {
    "AN": "angry",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happy",
    "SA": "sad",
    "SU": "surprise",
    "NE": "neutral",
}


def read_tree(store: Store, into: Reading, crop: Crop, show: Watch) -> None:
    """Read every picture below `store`; DataError when there is none."""
    found = [PurePosixPath(name) for name in store.names()]
    files = [path for path in found if path.suffix.lower() in PICTURES]
    if not files:
        raise DataError(
            f"{store.path}: no table of faces (fer2013.csv, labels.csv, ...) and no pictures in it"
        )
    into.broken += [
        f"{path}: not a picture by its name" for path in found if path.suffix.lower() not in PICTURES
    ]
    subjects = sorted({subject for path in files if (subject := _subject(path))})
    root = store.path
    told = {path: _split_of_file(path, root, subjects) for path in files}
    nothing_told = all(split == OPEN for split in told.values())
    for path in show(files, len(files)):
        split = partial(_told, told[path], nothing_told)
        into.add_picture(str(path), partial(store.read, str(path)), crop, _label(path), split)


def _told(split: int, nothing_told: bool) -> int:
    if split == OPEN and not nothing_told:
        raise ValueError("neither its name nor its folder tells the split (train, validation, test)")
    return split


def _is_ferg(path: PurePosixPath) -> bool:
    return bool(path.parent.parent.name) and path.parent.name.startswith(path.parent.parent.name + "_")


def _label(path: PurePosixPath) -> str:
    if _is_ferg(path):
        return path.parent.name.removeprefix(path.parent.parent.name + "_")
    named = JAFFE.match(path.name)
    return JAFFE_CLASSES[named[2]] if named else path.parent.name


def _subject(path: PurePosixPath) -> str:
    """Return who is seen, where the data set tells: FERG-DB's folders, JAFFE's and CK+'s file names."""
    if _is_ferg(path):
        return path.parent.parent.name
    if named := JAFFE.match(path.name):
        return named[1]
    named = re.match(r"(S\d{3})_\d{3}_\d{8}", path.name)
    return named[1] if named else ""


def _split_of_file(path: PurePosixPath, root: Path, subjects: list[str]) -> int:
    """The person tells, else the file's name, else its folders; the last people are for testing."""
    if subject := _subject(path):
        tests = max(1, len(subjects) // 10)
        place = len(subjects) - 1 - subjects.index(subject)
        return 2 - place // tests if place < 2 * tests and len(subjects) >= 3 else 0
    for number, split in enumerate(SPLITS):
        if path.name.lower().startswith(split.lower()):
            return number
    return split_of_words([name.lower() for name in path.parts[:-2]] + [root.name.lower()])
