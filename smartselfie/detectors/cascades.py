"""Where the cascade files lie."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2

from smartselfie.errors import DetectorError


def has_cascades() -> bool:
    """Whether this OpenCV has cascades: 5 has none."""
    return hasattr(cv2, "CascadeClassifier")


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


def no_cascades() -> DetectorError:
    """Return what to say where OpenCV has none."""
    return DetectorError(
        f"detector.kind haar: OpenCV {cv2.__version__} has no cascades any more",
        remedy="set detector.kind: network, or pip install 'opencv-python<5'",
    )
