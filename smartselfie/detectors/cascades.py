"""Where the cascade files lie."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2

from smartselfie.errors import DetectorError


def find_cascade(name: str, folders: tuple[Path, ...] = ()) -> Path:
    """Return the file: the path itself, else in `folders`, in `haarcascade/`, in OpenCV's own data folder.

    Raises DetectorError when none has it.
    """
    own = find_spec("smartselfie.haarcascade")
    if own is not None:
        folders += tuple(Path(place) for place in own.submodule_search_locations or ())
    opencv = Path(cv2.__file__).parent / "data"
    places = [Path(name), *(folder / name for folder in (*folders, opencv))]
    for place in places:
        if place.is_file():
            return place
    raise DetectorError(
        f"cascade {name} not found", remedy=f"looked in {', '.join(str(place.parent) for place in places)}"
    )
