"""Drawn faces with labels and votes, for tests that must not hold photographs of people."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from smartselfie.records import CLASSES
from smartselfie.training.datasets import SPLITS, VOTES, Faces

VOTE_OF = {"angry": "anger", "happy": "happiness", "sad": "sadness"}


def draw(label: int, rng: np.random.Generator) -> np.ndarray:
    """Return a (48, 48) uint8 face: the mouth's curve and the brows' slant tell its class."""
    face = np.full((48, 48), 60 + rng.integers(0, 30), np.uint8)
    x, y = 24 + rng.integers(-2, 3), 24 + rng.integers(-2, 3)
    cv2.ellipse(face, (x, y), (18, 22), 0, 0, 360, 190, -1)
    for side in (-1, 1):
        cv2.circle(face, (x + side * 8, y - 5), 3 + label % 3, 40, -1)
        cv2.line(face, (x + side * 4, y - 11 + label), (x + side * 12, y - 8 - label), 50, 2)
    bend = (label - 3) * 2
    cv2.ellipse(
        face, (x, y + 11 - bend), (9, 2 + abs(bend)), 0, *((0, 180) if bend >= 0 else (180, 360)), 30, 2
    )
    noise = rng.normal(0, 4, face.shape)
    return np.clip(face + noise, 0, 255).astype(np.uint8)


def make(count: int = 140, seed: int = 0) -> Faces:
    """Return `count` faces of all classes: of ten, eight are Training, one each in the tests."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    votes = np.zeros((count, len(VOTES)), np.int16)
    for row, label in enumerate(labels):
        name = CLASSES[label]
        votes[row, VOTES.index(VOTE_OF.get(name, name))] = 8
        votes[row, VOTES.index("unknown")] = 2
    splits = np.array([0, 0, 0, 0, 0, 0, 0, 0, 1, 2], np.int8)[np.arange(count) // len(CLASSES) % 10]
    assert len(SPLITS) == 3
    return Faces(np.stack([draw(label, rng) for label in labels]), labels.astype(np.int8), votes, splits)


def flat(inputs: Any, heads: Mapping[str, int]) -> dict[str, Any]:
    """A network of one layer, for `--network tests.training.faces:flat`."""
    from keras import layers

    x = layers.Flatten()(layers.AveragePooling2D(4)(layers.Rescaling(1 / 255)(inputs)))
    return {head: layers.Dense(classes, name=head)(x) for head, classes in heads.items()}
