"""Faces mined from labelled footage: who smiles when is known, so every other face there does not smile."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from smartselfie.errors import DataError
from smartselfie.records import Image
from smartselfie.training.datasets import NOT_SMILING, SMILING
from smartselfie.training.smiling.crops import Crop, cut, frames, one_hot

SPLIT = "mine"
"""Of smiles.json: the clips that may be trained on. The rest is for measuring, and never opened here."""
EDGE = 0.6
"""Seconds around a stretch's ends that say nothing: people set them by eye, at two frames a second."""


def mine(
    folder: Path,
    detector: Path,
    *,
    leave_out: Collection[str] = (),
    only: Collection[str] | None = None,
    every: float = 0.4,
) -> list[Crop]:
    """Return the faces of the clips in `folder` that smiles.json allows to be trained on.

    A face in a clip of one person is smiling within a stretch; any face outside of all stretches is not.
    `detector` is YuNet's file; `leave_out` are origins of clips that must stay unseen, `only` those of the
    clips that are wanted. DataError when smiles.json is missing.
    """
    try:
        clips: dict[str, Any] = json.loads((folder / "smiles.json").read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"{folder}: needs smiles.json ({error})") from error
    found: list[Crop] = []
    for name, about in sorted(clips.items()):
        if not isinstance(about, dict) or about["split"] != SPLIT or about["origin"] in leave_out:
            continue
        if only is None or about["origin"] in only:
            found += _faces(folder / name, about, detector, every)
    return found


def label(
    at: float, smiles: Sequence[Sequence[float]], unclear: Sequence[Sequence[float]], alone: bool
) -> int | None:
    """Return NOT_SMILING or SMILING for a face at a time in seconds, None where the labels do not tell."""
    if any(start - EDGE <= at <= end + EDGE for start, end in unclear):
        return None
    for start, end in smiles:
        if start + EDGE / 2 <= at <= end - EDGE / 2:
            return SMILING if alone else None
        if start - EDGE <= at <= end + EDGE:
            return None
    return NOT_SMILING


def _faces(clip: Path, about: dict[str, Any], detector: Path, every: float) -> list[Crop]:
    yunet = cv2.FaceDetectorYN.create(str(detector), "", (320, 240), 0.75)
    found = []
    for at, frame in frames(clip, every):
        seen = label(at, about["smiles"], about["ignore"], about["faces"] == 1)
        if seen is None:
            continue
        for face in _detect(yunet, frame):
            image, box, landmarks = cut(frame, face[:4].tolist(), face[4:14].reshape(5, 2))
            found.append(Crop(image, box, landmarks, one_hot(seen), kind="mined", person=clip.name))
    return found


def _detect(yunet: Any, frame: Image) -> Sequence[Any]:
    """Return rows of a box, five landmarks and a score, of faces of 40 pixels at least."""
    height, width = frame.shape[:2]
    yunet.setInputSize((width, height))
    _, faces = yunet.detect(frame)
    return [] if faces is None else [face for face in np.asarray(faces) if face[2] >= 40]
