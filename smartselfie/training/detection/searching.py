"""Searches pictures with a network that is being trained, and holds what any search finds against labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from smartselfie.detectors.maps import read_maps
from smartselfie.detectors.network import fitted
from smartselfie.training.detection import measure
from smartselfie.training.detection.geometry import rolled
from smartselfie.training.detection.pictures import Floats, Picture, Pixels

LEAST = 0.02
"""Score from which finds are looked at."""
FALSE_PER_PICTURE = 0.03
"""False boxes a picture at which recalls are compared."""

Search = Callable[[Pixels], Floats]
"""Returns the faces (N, 5 or more) of a (H, W, 3) BGR picture: x, y, width, height, score."""


def search(network: Any, image: Pixels, min_score: float = LEAST, longer: int = 256) -> Floats:
    """Return the faces of a picture as `maps.read_maps` does, in its own pixels.

    `network`: a Keras one, see `network.face`; `longer`: pixels on the longer side of the searched copy.
    """
    import keras

    small, scale = fitted(image, longer)
    maps = network(small[None].astype(np.float32), training=False)
    faces = read_maps({k: keras.ops.convert_to_numpy(v)[0] for k, v in maps.items()}, min_score)
    faces[:, :4] /= scale
    faces[:, 5:15] /= scale
    return faces


def held_against(find: Search, pictures: Sequence[Picture], degrees: float = 0) -> measure.Matched:
    """Search every picture, rolled by `degrees`, and hold the finds against its labels.

    The faces that count are those of a tenth of the shorter side of the picture before it was rolled.
    """
    found, labels, ignore, shorter = [], [], [], []
    for each in pictures:
        image, faces, free = each.pixels(), each.faces, each.ignore
        shorter.append(float(min(image.shape[:2])))
        if degrees:
            image, faces, free = rolled(image, faces, free, degrees)
        found.append(find(image))
        labels.append(faces)
        ignore.append(free)
    return measure.match(found, labels, ignore, shorter)


def accuracy(
    network: Any, pictures: Sequence[Picture], angles: tuple[int, ...] = (0, 45)
) -> dict[str, float]:
    """Return recall at `FALSE_PER_PICTURE` and at any score, upright and rolled, for a run's log."""
    made = {}
    for angle in angles:
        held = held_against(lambda image: search(network, image), pictures, angle)
        made[f"recall_{angle}"] = held.recall_at(FALSE_PER_PICTURE)
        made[f"any_{angle}"] = held.recall(LEAST)
    return made
