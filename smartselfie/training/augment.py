"""Changes to training faces: what a camera and a detector do to a face, and what keeps a network humble."""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How strongly faces are changed; 0 turns each change off."""

    rotate: float = 12.0
    """Degrees, either way."""
    scale: float = 0.15
    """Largest relative change of size, either way (box jitter)."""
    shift: float = 0.09
    """Largest shift as a share of the side, either way (box jitter)."""
    contrast: float = 0.25
    """Largest relative change of contrast."""
    brightness: float = 30.0
    """Largest change of brightness, in gray levels."""
    degrade: float = 0.25
    """Share of faces that are made small (from 16 px on) or blurred, as far or unsharp faces are."""
    erase: float = 0.15
    """Share of faces that get a random rectangle of noise (Zhong et al. 2020)."""

    def halved(self) -> Augmentation:
        """Return half of every change, and nothing erased."""
        half = {each.name: getattr(self, each.name) / 2 for each in fields(self)}
        return Augmentation(**{**half, "erase": 0.0})


NONE = Augmentation(0, 0, 0, 0, 0, 0, 0)
"""Nothing but the mirror."""


def augment(
    images: npt.NDArray[np.uint8], rng: np.random.Generator, how: Augmentation, size: int
) -> npt.NDArray[np.float32]:
    """Return (N, size, size, 1) float32, 0..255, from (N, H, W) uint8 faces; same `rng`, same result."""
    count, side = len(images), images.shape[1]
    turn = rng.uniform(-how.rotate, how.rotate, count)
    zoom = (1 + how.scale) ** rng.uniform(-1, 1, count) * size / side
    shift = rng.uniform(-how.shift, how.shift, (count, 2)) * size
    mirrored = rng.random(count) < 0.5
    contrast = 1 + rng.uniform(-how.contrast, how.contrast, count)
    brightness = rng.uniform(-how.brightness, how.brightness, count)
    degraded = rng.random(count) < how.degrade
    erased = rng.random(count) < how.erase
    out = np.empty((count, size, size), np.float32)
    for index, image in enumerate(images):
        centre = (side - 1) / 2
        matrix = cv2.getRotationMatrix2D((centre, centre), turn[index], zoom[index])
        matrix[:, 2] += (size - 1) / 2 - centre + shift[index]
        if mirrored[index]:
            matrix[0] *= -1
            matrix[0, 2] += size - 1
        if degraded[index]:
            image = _degrade(image, rng)
        face = cv2.warpAffine(
            image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        mean = float(face.mean())
        changed = (face.astype(np.float32) - mean) * contrast[index] + (mean + brightness[index])
        if erased[index]:
            _erase(changed, rng)
        out[index] = changed
    return np.clip(out, 0, 255)[..., None]


def resize(images: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.float32]:
    """Return (N, size, size, 1) float32, 0..255, unchanged but for the size."""
    if images.shape[1] == size:
        return images.astype(np.float32)[..., None]
    how = cv2.INTER_AREA if size < images.shape[1] else cv2.INTER_LINEAR
    return np.stack([cv2.resize(image, (size, size), interpolation=how) for image in images])[
        ..., None
    ].astype(np.float32)


def _degrade(image: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    side = image.shape[0]
    if rng.random() < 0.6:
        small = int(rng.integers(side // 3, side * 3 // 4))
        return np.asarray(
            cv2.resize(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), (side, side)),
            np.uint8,
        )
    return np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.5, 1.5))), np.uint8)


def _erase(face: npt.NDArray[np.float32], rng: np.random.Generator) -> None:
    side = face.shape[0]
    height, width = rng.integers(side // 8, side // 2, 2)
    top, left = rng.integers(0, side - height), rng.integers(0, side - width)
    face[top : top + height, left : left + width] = rng.uniform(0, 255, (height, width))
