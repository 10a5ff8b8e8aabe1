"""Faces with their labels: one compact array file, and the targets that the network learns from.

FER2013 (Goodfellow et al., ICML 2013) gives every face one label; FER+ (Barsoum et al., ICMI 2016) gives
it the votes of ten people, over FER2013's seven classes and *contempt*, *unknown*, *not a face*.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
"""Pixels of a face's side, where nothing else is asked for."""
VOTED = {"angry": "anger", "happy": "happiness", "sad": "sadness"}
"""FER+'s word for a class, where it is another."""
NOT_SMILING, SMILING, COVERED = range(3)
"""Classes of the output `smiling`; the last is for faces whose mouth cannot be seen."""
AGREEING = 3
"""The share of single votes as it is would call a mild smile doubtful that nearly all people see.

Chosen on the validation split of the hard faces, where at a threshold of 0.9 most smiles remain with 3, and a
quarter is lost with 1.
"""

_HAPPY, _NO_FACE = VOTES.index("happiness"), VOTES.index("NF")

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Labelled faces; every array has one row a face."""

    images: npt.NDArray[np.uint8]
    """(N, S, S) uint8 gray."""
    labels: npt.NDArray[np.int8]
    """(N,) index into `classes`; -1 where there is none."""
    votes: npt.NDArray[np.int16]
    """(N, 10) FER+ votes in the order of `VOTES`; zeros where there are none."""
    splits: npt.NDArray[np.int8]
    """(N,) index into `SPLITS`."""
    smiles: Floats | None = None
    """(N, 3) how much each class of `smiling` was said to be seen, times the face's weight; rows of zeros say
    nothing. None: the votes tell."""
    classes: tuple[str, ...] = CLASSES
    """What the labels are, and what a network that learns from them tells apart."""

    def __post_init__(self) -> None:
        count, side = len(self.images), self.images.shape[-1]
        shapes = (self.images.shape, self.labels.shape, self.votes.shape, self.splits.shape)
        if shapes != ((count, side, side), (count,), (count, len(VOTES)), (count,)):
            raise DataError(f"need (N, S, S) images, (N,) labels, (N, 10) votes, (N,) splits, got {shapes}")
        if self.smiles is not None and self.smiles.shape != (count, 3):
            raise DataError(f"need (N, 3) smiles, got {self.smiles.shape} for {count} faces")
        if count and self.labels.max() >= len(self.classes):
            raise DataError(f"label {self.labels.max()} is none of the {len(self.classes)} classes")

    def __len__(self) -> int:
        return len(self.images)

    def pick(self, rows: Ints | npt.NDArray[np.bool_]) -> Faces:
        """Return the faces at these rows."""
        return replace(
            self,
            images=self.images[rows],
            labels=self.labels[rows],
            votes=self.votes[rows],
            splits=self.splits[rows],
            smiles=None if self.smiles is None else self.smiles[rows],
        )

    def split(self, name: str) -> Faces:
        """Return the faces of one of `SPLITS`; DataError when it is unknown or empty."""
        if name not in SPLITS:
            raise DataError(f"unknown split {name!r}; there are {', '.join(SPLITS)}")
        found = self.pick(self.splits == SPLITS.index(name))
        if not len(found):
            raise DataError(
                f"there are no faces in the split {name}; `smartselfie prepare` sets some of Training aside"
            )
        return found


def save(faces: Faces, path: Path) -> None:
    """Write the compact array file (.npz, compressed)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name("writing-" + path.name)
    more: dict[str, Any] = {} if faces.smiles is None else {"smiles": faces.smiles}
    with temporary.open("wb") as file:
        np.savez_compressed(
            file,
            images=faces.images,
            labels=faces.labels,
            votes=faces.votes,
            splits=faces.splits,
            classes=np.array(faces.classes),
            **more,
        )
    temporary.replace(path)


def load(path: Path) -> Faces:
    """Read what `save` wrote; DataError when it is missing or broken."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            classes = tuple(map(str, file["classes"].tolist()))
            smiles = file.get("smiles")
            return Faces(file["images"], file["labels"], file["votes"], file["splits"], smiles, classes)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; `smartselfie prepare` writes it") from error
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not a file of prepared faces ({error})") from error


def join(parts: Sequence[Faces]) -> Faces:
    """Return the faces of all parts, in their order; what each says of smiling stays where one brings it.

    DataError when they are of different classes or sizes.
    """
    for part in parts:
        if part.classes != parts[0].classes:
            raise DataError(
                f"classes {', '.join(part.classes)} do not join {', '.join(parts[0].classes)}",
                remedy="prepare all with the same --classes",
            )
        if part.images.shape[1:] != parts[0].images.shape[1:]:
            raise DataError(f"faces of {part.images.shape[1]} pixels do not join {parts[0].images.shape[1]}")
    smiles = None
    if any(part.smiles is not None for part in parts):
        smiles = np.concatenate([smiling_targets(part) for part in parts])
    return Faces(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.votes for part in parts]),
        np.concatenate([part.splits for part in parts]),
        smiles,
        parts[0].classes,
    )


def fingerprint(faces: Faces) -> str:
    """Return what tells one set of faces from another, their order included, whatever is said of them."""
    return hashlib.sha256(np.ascontiguousarray(faces.images).tobytes()).hexdigest()[:16]


def fingerprint_labels(faces: Faces) -> str:
    """Return what tells one set of labels from another: labels, votes, splits and classes."""
    told = hashlib.sha256(" ".join(faces.classes).encode())
    for part in (faces.labels, faces.votes, faces.splits):
        told.update(np.ascontiguousarray(part).tobytes())
    return told.hexdigest()[:16]


def fer2013_targets(faces: Faces, smoothing: float = 0.0) -> Floats:
    """Return (N, C) float32 one-hot labels with label smoothing (Szegedy et al. 2016), 0 where unlabelled."""
    one_hot = np.eye(len(faces.classes), dtype=np.float32)[np.maximum(faces.labels, 0)]
    targets = one_hot * (1 - smoothing) + smoothing / len(faces.classes)
    return np.asarray(targets * (faces.labels >= 0)[:, None], np.float32)


def ferplus_targets(faces: Faces, single_votes: bool = False) -> Floats:
    """Return (N, C) float32 distributions of the votes over the classes; rows without votes are 0.

    A class that one person alone voted for is noise more often than not and is dropped (Barsoum et al.),
    unless `single_votes`; where every vote is single, they all stay.
    """
    votes = _voted(faces)[0].astype(np.float32)
    if not single_votes:
        kept = np.where(votes > 1, votes, 0)
        votes = np.where(kept.sum(1, keepdims=True) > 0, kept, votes)
    return np.asarray(votes / np.maximum(votes.sum(1, keepdims=True), 1), np.float32)


def ferplus_majority(faces: Faces) -> npt.NDArray[np.int8]:
    """Return (N,) the class most people voted for, or -1 where there is no unique majority.

    The rule: the largest count among the seven classes is unique, and larger than each of contempt,
    unknown and not-a-face. Where contempt is a class it counts as one.
    """
    classes, others = _voted(faces)
    most = classes.max(1)
    unique = ((classes == most[:, None]).sum(1) == 1) & (most > others.max(1))
    return np.where(unique, classes.argmax(1), -1).astype(np.int8)


def _voted(faces: Faces) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    """Return the (N, C) votes for the classes, zeros where FER+ does not know one, and those for others."""
    names = [VOTED.get(name, name) for name in faces.classes]
    votes = {name: faces.votes[:, place] for place, name in enumerate(VOTES)}
    none = np.zeros(len(faces), np.int16)
    others = [votes[name] for name in VOTES if name not in names] or [none]
    return np.stack([votes.get(name, none) for name in names], 1), np.stack(others, 1)


def smiling_targets(faces: Faces) -> Floats:
    """Return (N, 3) float32 weights of not smiling, smiling, mouth covered; rows that say nothing are 0.

    They are what the faces bring along, else what `AGREEING` people say who say the same: with a share p of
    FER+'s votes for happiness p^3 / (p^3 + (1 - p)^3). Who sees contempt or cannot tell sees no smile.
    """
    if faces.smiles is not None:
        return faces.smiles.astype(np.float32)
    votes = faces.votes.astype(np.float32)
    seen = votes.sum(1) - votes[:, _NO_FACE]
    share = (votes[:, _HAPPY] / np.maximum(seen, 1)) ** AGREEING
    share /= share + (1 - votes[:, _HAPPY] / np.maximum(seen, 1)) ** AGREEING
    shares = np.stack([1 - share, share, 0 * share], axis=1) * (seen > 0)[:, None]
    return np.asarray(shares, np.float32)


def smiling_truth(faces: Faces) -> npt.NDArray[np.int8]:
    """Return (N,) the class of `smiling` that seven of ten people see, -1 where they see none so clearly."""
    seen = smiling_targets(faces)
    clear = seen.max(1) >= 0.7 * np.maximum(seen.sum(1), 1e-6)
    return np.where(clear, seen.argmax(1), -1).astype(np.int8)


def truth(faces: Faces, head: str) -> npt.NDArray[np.int8]:
    """Return (N,) the class that a head should decide for, -1 where nothing says: FER+'s or FER2013's."""
    if head == "smiling":
        return smiling_truth(faces)
    return ferplus_majority(faces) if head == "ferplus" else faces.labels


def targets(faces: Faces, head: str, smoothing: float = 0.0, blend: float = 0.5) -> Floats:
    """Return float32 targets of a head: (N, 3) of `smiling`, (N, C) of `fer2013`, `ferplus` or `blend`.

    `blend` is the share of FER2013's label in the blend of both. Rows that sum to 0 teach nothing.
    """
    if head == "fer2013":
        return fer2013_targets(faces, smoothing)
    if head == "ferplus":
        return ferplus_targets(faces)
    if head == "smiling":
        return smiling_targets(faces)
    if head == "blend":
        mixed = blend * fer2013_targets(faces, smoothing) + (1 - blend) * ferplus_targets(faces)
        return np.asarray(mixed / np.maximum(mixed.sum(1, keepdims=True), 1e-6), np.float32)
    raise DataError(f"unknown labels {head!r}; there are fer2013, ferplus, smiling and blend")
