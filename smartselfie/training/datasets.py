"""Faces with their labels: one compact array file, and the targets that the network learns from.

FER2013 (Goodfellow et al., ICML 2013) gives every face one label; FER+ (Barsoum et al., ICMI 2016) gives
it the votes of ten people, over FER2013's seven classes and *contempt*, *unknown*, *not a face*.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from smartselfie.errors import DataError
from smartselfie.records import CLASSES

SPLITS = ("Training", "PublicTest", "PrivateTest")
"""FER2013's names: to learn from, to choose by, to look at once."""
VOTES = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
"""FER+'s columns, in their order."""
SIDE = 48
"""Pixels of a face's side."""

_SEVEN = [
    VOTES.index(name) for name in ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
]
_OTHERS = [VOTES.index(name) for name in ("contempt", "unknown", "NF")]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Labelled faces; every array has one row a face."""

    images: npt.NDArray[np.uint8]
    """(N, 48, 48) uint8 gray."""
    labels: npt.NDArray[np.int8]
    """(N,) index into `CLASSES`; -1 where there is none."""
    votes: npt.NDArray[np.int16]
    """(N, 10) FER+ votes in the order of `VOTES`; zeros where there are none."""
    splits: npt.NDArray[np.int8]
    """(N,) index into `SPLITS`."""

    def __post_init__(self) -> None:
        count = len(self.images)
        shapes = (self.images.shape, self.labels.shape, self.votes.shape, self.splits.shape)
        if shapes != ((count, SIDE, SIDE), (count,), (count, len(VOTES)), (count,)):
            raise DataError(f"need (N, 48, 48) images, (N,) labels, (N, 10) votes, (N,) splits, got {shapes}")

    def __len__(self) -> int:
        return len(self.images)

    def pick(self, rows: Ints | npt.NDArray[np.bool_]) -> Faces:
        """Return the faces at these rows."""
        return Faces(self.images[rows], self.labels[rows], self.votes[rows], self.splits[rows])

    def split(self, name: str) -> Faces:
        """Return the faces of one of `SPLITS`; DataError when it is unknown or empty."""
        if name not in SPLITS:
            raise DataError(f"unknown split {name!r}; there are {', '.join(SPLITS)}")
        found = self.pick(self.splits == SPLITS.index(name))
        if not len(found):
            raise DataError(f"there are no faces in the split {name}")
        return found


def save(faces: Faces, path: Path) -> None:
    """Write the compact array file (.npz, compressed)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name("writing-" + path.name)
    with temporary.open("wb") as file:
        np.savez_compressed(
            file,
            images=faces.images,
            labels=faces.labels,
            votes=faces.votes,
            splits=faces.splits,
            classes=np.array(CLASSES),
        )
    temporary.replace(path)


def load(path: Path) -> Faces:
    """Read what `save` wrote; DataError when it is missing, broken or of other classes."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            if tuple(file["classes"].tolist()) != CLASSES:
                raise DataError(f"{path}: holds the classes {file['classes'].tolist()}, need {list(CLASSES)}")
            return Faces(file["images"], file["labels"], file["votes"], file["splits"])
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; `smartselfie prepare` writes it") from error
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not a file of prepared faces ({error})") from error


def fingerprint(faces: Faces) -> str:
    """Return what tells one set of faces from another, their order included, whatever is said of them."""
    return hashlib.sha256(np.ascontiguousarray(faces.images).tobytes()).hexdigest()[:16]


def fer2013_targets(faces: Faces, smoothing: float = 0.0) -> Floats:
    """Return (N, 7) float32 one-hot labels with label smoothing (Szegedy et al. 2016), 0 where unlabelled."""
    one_hot = np.eye(len(CLASSES), dtype=np.float32)[np.maximum(faces.labels, 0)]
    targets = one_hot * (1 - smoothing) + smoothing / len(CLASSES)
    return np.asarray(targets * (faces.labels >= 0)[:, None], np.float32)


def ferplus_targets(faces: Faces, single_votes: bool = False) -> Floats:
    """Return (N, 7) float32 distributions of the votes over the seven classes; rows without votes are 0.

    A class that one person alone voted for is noise more often than not and is dropped (Barsoum et al.),
    unless `single_votes`; where every vote is single, they all stay.
    """
    votes = faces.votes[:, _SEVEN].astype(np.float32)
    if not single_votes:
        kept = np.where(votes > 1, votes, 0)
        votes = np.where(kept.sum(1, keepdims=True) > 0, kept, votes)
    return np.asarray(votes / np.maximum(votes.sum(1, keepdims=True), 1), np.float32)


def ferplus_majority(faces: Faces) -> npt.NDArray[np.int8]:
    """Return (N,) the class most people voted for, or -1 where there is no unique majority.

    The rule: the largest count among the seven classes is unique, and larger than each of contempt,
    unknown and not-a-face.
    """
    seven, others = faces.votes[:, _SEVEN], faces.votes[:, _OTHERS]
    most = seven.max(1)
    unique = ((seven == most[:, None]).sum(1) == 1) & (most > others.max(1))
    return np.where(unique, seven.argmax(1), -1).astype(np.int8)


def truth(faces: Faces, head: str) -> npt.NDArray[np.int8]:
    """Return (N,) the class that a head should decide for, -1 where nothing says: FER+'s or FER2013's."""
    return ferplus_majority(faces) if head == "ferplus" else faces.labels


def targets(faces: Faces, head: str, smoothing: float = 0.0, blend: float = 0.5) -> Floats:
    """Return the (N, 7) float32 targets of one head: `fer2013`, `ferplus`, or `blend` of the two.

    `blend` is the share of the FER2013 label in the blend. Rows that sum to 0 teach nothing.
    """
    if head == "fer2013":
        return fer2013_targets(faces, smoothing)
    if head == "ferplus":
        return ferplus_targets(faces)
    if head == "blend":
        mixed = blend * fer2013_targets(faces, smoothing) + (1 - blend) * ferplus_targets(faces)
        return np.asarray(mixed / np.maximum(mixed.sum(1, keepdims=True), 1e-6), np.float32)
    raise DataError(f"unknown labels {head!r}; there are fer2013, ferplus and blend")
