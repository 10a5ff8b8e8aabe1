"""The augmented batches of an epoch: the same for the same seed and number, whatever threads do."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from smartselfie.training.augment import Augmentation, augment
from smartselfie.training.datasets import Faces, Floats
from smartselfie.training.settings import FitSettings


def batches(
    faces: Faces,
    targets: dict[str, Floats],
    settings: FitSettings,
    epoch: int,
    size: int,
    progress: float = 0.0,
) -> Iterator[tuple[Floats, dict[str, Floats]]]:
    """Yield the augmented batches of one epoch, prepared ahead by a thread of their own."""
    order = np.random.default_rng((settings.seed, epoch)).permutation(len(faces))
    count = max(1, len(faces) // settings.batch)
    how = settings.augmentation_at(progress)
    ready: queue.Queue[Any] = queue.Queue(maxsize=4)
    stop = threading.Event()

    def hand(item: Any) -> None:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.5)
                return
            except queue.Full:
                continue

    def make() -> None:
        try:
            for number in range(count):
                if stop.is_set():
                    return
                rows = order[number * settings.batch : (number + 1) * settings.batch]
                rng = np.random.default_rng((settings.seed, epoch, number))
                chosen = {head: target[rows] for head, target in targets.items()}
                hand(_batch(faces.images[rows], chosen, settings, rng, size, how))
            hand(None)
        except BaseException as error:  # raised again in the loop
            hand(error)

    worker = threading.Thread(target=make, name="augment", daemon=True)
    worker.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        worker.join(timeout=5)


def _batch(
    images: npt.NDArray[np.uint8],
    targets: dict[str, Floats],
    settings: FitSettings,
    rng: np.random.Generator,
    size: int,
    how: Augmentation,
) -> tuple[Floats, dict[str, Floats]]:
    x = augment(images, rng, how, size)
    if settings.mixup:
        share = np.float32(rng.beta(settings.mixup, settings.mixup))
        mate = rng.permutation(len(x))
        x = share * x + (1 - share) * x[mate]
        targets = {head: share * target + (1 - share) * target[mate] for head, target in targets.items()}
    return x, targets
