"""Soft labels of teachers, stored small, and targets mixed with them (Hinton, Vinyals, Dean 2015)."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from smartselfie.errors import DataError
from smartselfie.training.augment import resize
from smartselfie.training.datasets import Faces, Floats, fingerprint


def store(network: Any, faces: Faces, path: Path, temperature: float = 1.0) -> None:
    """Write a teacher's (N, 7) float16 probabilities, by head, the mean of each face and its mirror image."""
    size = network.input_shape[1] or faces.images.shape[1]
    straight = network.predict(resize(faces.images, size), batch_size=256, verbose=0)
    mirrored = network.predict(resize(faces.images[:, :, ::-1], size), batch_size=256, verbose=0)
    labels = {
        head: ((softmax(straight[head] / temperature) + softmax(mirrored[head] / temperature)) / 2).astype(
            np.float16
        )
        for head in straight
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, faces=np.array(fingerprint(faces)), **labels)


def soften(
    targets: Floats, teachers: Sequence[Path], head: str, share: float, faces: Faces | None = None
) -> Floats:
    """Return `share` of the teachers' mean and the rest of the (N, 7) labels; a row of zeros takes all of it.

    DataError when a teacher's file is missing, has not this head, or was made for other faces.
    """
    mean = np.zeros_like(targets)
    for path in teachers:
        try:
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                soft = file[head].astype(np.float32)
                made_for = str(file["faces"])
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{path}: not a file of soft labels for {head} ({error})") from error
        if soft.shape != targets.shape or (faces is not None and made_for != fingerprint(faces)):
            raise DataError(f"{path}: made for other faces ({len(soft)}) than these ({len(targets)})")
        mean += soft / len(teachers)
    known = targets.sum(1, keepdims=True) > 0
    return np.asarray(np.where(known, (1 - share) * targets + share * mean, mean), np.float32)


def softmax(logits: Floats) -> Floats:
    """Return (N, 7) float32 probabilities."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)
