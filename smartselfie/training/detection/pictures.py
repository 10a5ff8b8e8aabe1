"""Pictures with labelled faces, in one compact file that `prepare --task detection` writes."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from smartselfie.errors import DataError

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

COLUMNS = 15
"""Of a face: x, y, width, height, five landmarks (x, y), and 1 when its mouth is covered, 0 when not.

In pixels of the picture. Landmarks and cover are NaN where nobody labelled them.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One labelled picture; its pixels are decoded when asked for."""

    name: str
    split: str
    source: str
    encoded: bytes
    faces: Floats
    """(N, 15) float32, see `COLUMNS`."""
    ignore: Floats
    """(M, 4) float32 boxes x, y, width, height that are neither rewarded nor punished."""

    def pixels(self) -> Pixels:
        """Decode; returns (H, W, 3) uint8 BGR. Raises DataError when the file is damaged."""
        data = np.frombuffer(self.encoded, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
        if image is None:
            raise DataError(f"{self.name}: not a picture that can be read")
        return np.asarray(image, np.uint8)


def save(pictures: Sequence[Picture], path: Path) -> None:
    """Write all pictures into one .npz; an unfinished file never stays under that name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    faces = [np.insert(each.faces, 0, n, axis=1) for n, each in enumerate(pictures)]
    ignore = [np.insert(each.ignore, 0, n, axis=1) for n, each in enumerate(pictures)]
    temporary = path.with_name("writing-" + path.name)
    with temporary.open("wb") as file:
        np.savez(
            file,
            bytes=np.frombuffer(b"".join(each.encoded for each in pictures), np.uint8),
            ends=np.cumsum([len(each.encoded) for each in pictures]),
            about=np.array([[each.name, each.split, each.source] for each in pictures]),
            faces=np.concatenate([*faces, np.empty((0, COLUMNS + 1))]).astype(np.float32),
            ignore=np.concatenate([*ignore, np.empty((0, 5))]).astype(np.float32),
        )
    temporary.replace(path)


def load(path: Path) -> list[Picture]:
    """Read what `save` wrote. Raises DataError when the file is missing or another one."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            data, ends, about = file["bytes"].tobytes(), file["ends"], file["about"]
            faces, ignore = file["faces"], file["ignore"]
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; `smartselfie prepare --task detection` makes it") from error
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not pictures prepared for detection ({error})") from error
    starts = np.concatenate([[0], ends[:-1]])
    return [
        Picture(
            str(about[n][0]),
            str(about[n][1]),
            str(about[n][2]),
            data[starts[n] : ends[n]],
            faces[faces[:, 0] == n, 1:],
            ignore[ignore[:, 0] == n, 1:],
        )
        for n in range(len(about))
    ]


def fingerprint(pictures: Sequence[Picture]) -> str:
    """Return a short hash of the pictures and of their labels."""
    made = hashlib.sha256()
    for each in pictures:
        made.update(each.split.encode() + each.encoded + each.faces.tobytes() + each.ignore.tobytes())
    return made.hexdigest()[:16]


def held_back(picture: Picture, share: int = 16) -> bool:
    """Say whether a training picture is one of the sixteenth that choices are made on, by its name's hash."""
    return int(hashlib.sha256(picture.name.encode()).hexdigest(), 16) % share == 0
