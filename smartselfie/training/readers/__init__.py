"""Reads the forms in which people have faces; what cannot be read is listed, never dropped silently.

| form | what it looks like |
|---|---|
| Kaggle's table | `fer2013.csv` (`emotion,pixels,Usage`), `icml_face_data.csv`, `train.csv` |
| picture tree | `train/happy/*.jpg`, `test/...`; `PublicTest_12.jpg` tells the split; `mine/happy/*.jpg` |
| FERG-DB | `aia/aia_joy/*.png`: subject, subject and expression; split by subject, as JAFFE and CK+ are |
| legend | `legend.csv` (`user.id,image,emotion`), the pictures beside it, in `images/` or in `../images/` |
| bundle | `labels.csv` (`image,emotion`, maybe `usage` and `votes_...`) and `images/` |

Each as a folder, or as a .zip as it was downloaded.
"""

from __future__ import annotations

import csv
import posixpath
from pathlib import Path

from smartselfie.errors import DataError
from smartselfie.training.label_sets import LabelSet
from smartselfie.training.readers.reading import Crop, Gray, Reading, Watch, whole
from smartselfie.training.readers.store import Archive, Folder, Store
from smartselfie.training.readers.tables import columns, read_legend, read_pixels, tables_of
from smartselfie.training.readers.trees import PICTURES, read_tree

__all__ = ["PICTURES", "Crop", "Gray", "Reading", "Watch", "are_photographs", "read", "whole"]


def read(
    source: Path,
    votes: Path | None = None,
    crop: Crop = whole,
    watch: Watch | None = None,
    labels: LabelSet | None = None,
) -> Reading:
    """Read any of the forms above; DataError when `source` is missing or in none of them."""
    into, show = Reading(labels or LabelSet()), watch or (lambda things, count: things)
    store, names = _open(source)
    pixels = [name for name in names if "pixels" in columns(store, name)]
    if votes is not None and len(pixels) != 1:
        raise DataError(f"{votes}: FER+ votes go with the rows of fer2013.csv, not with {source.name}")
    try:
        for name in names:
            if name in pixels:
                read_pixels(store, name, votes, into, show)
            else:
                read_legend(store, name, into, crop, show)
        if not names:
            read_tree(store, into, crop, show)
    except csv.Error as error:
        raise DataError(f"{source}: not a table of faces ({error})") from error
    return into


def are_photographs(source: Path) -> bool:
    """Whether a table names pictures and tells no official split: photographs, not cut faces."""
    store, names = _open(source)
    return bool(names) and not {"usage", "pixels"} & set(columns(store, names[0]))


def _open(source: Path) -> tuple[Store, list[str]]:
    """Return the folder or .zip that is meant, and its tables."""
    if not source.exists():
        raise DataError(f"{source}: no such file or folder")
    if source.is_dir():
        folder = Folder(source)
        return folder, tables_of(folder)
    if source.suffix.lower() == ".csv":
        return Folder(source.parent), [posixpath.basename(source.name)]
    if source.suffix.lower() == ".zip":
        archive = Archive(source)
        return archive, tables_of(archive)
    raise DataError(f"{source}: neither a .csv, a .zip nor a folder")
