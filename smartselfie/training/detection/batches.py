"""Batches for the detector, made in processes of their own; the same for the same seed and number of step."""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from smartselfie.errors import DataError
from smartselfie.training.detection import augment
from smartselfie.training.detection.pictures import Floats, Pixels, held_back, load
from smartselfie.training.detection.targets import target_maps

Batch = tuple[Pixels, dict[str, Floats]]


class Batches:
    """Makes batches from the step `start` on, in processes that end with `close()`.

    Each batch is (N, size, size, 3) uint8 BGR and the target maps by output.
    """

    def __init__(
        self,
        data: Sequence[Path],
        *,
        seed: int,
        batch: int,
        size: int,
        start: int,
        stop: int,
        workers: int = 1,
        hard: Sequence[str] = (),
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._start, self._stop = start, stop
        self._queues: list[Any] = [context.Queue(maxsize=3) for _ in range(workers)]
        self._workers = [
            context.Process(
                target=_work,
                args=(
                    tuple(map(str, data)),
                    tuple(hard),
                    seed,
                    batch,
                    size,
                    range(start + n, stop, workers),
                    made,
                ),
                daemon=True,
                name=f"augment-{n}",
            )
            for n, made in enumerate(self._queues)
        ]
        for worker in self._workers:
            worker.start()

    def __iter__(self) -> Iterator[Batch]:
        for step in range(self._start, self._stop):
            number = (step - self._start) % len(self._queues)
            yield self._next(number)

    def _next(self, number: int) -> Batch:
        while True:
            try:
                item = self._queues[number].get(timeout=5)
            except queue.Empty:
                if not self._workers[number].is_alive():
                    raise DataError("a process that makes training pictures has ended; see above") from None
                continue
            if isinstance(item, str):
                raise DataError(item)
            image, targets = item
            return image, targets

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.terminate()
            worker.join(timeout=5)


def _work(
    data: tuple[str, ...],
    hard: tuple[str, ...],
    seed: int,
    batch: int,
    size: int,
    steps: range,
    made: Any,
) -> None:
    cv2.setNumThreads(1)
    try:
        pictures = [p for path in data for p in load(Path(path)) if p.split == "train" and not held_back(p)]
        samples = [(each.pixels(), each.faces, each.ignore) for each in pictures]
    except DataError as error:
        made.put(str(error))
        return
    named = set(hard)
    with_faces = [n for n, each in enumerate(samples) if len(each[1])]
    with_faces += [n for n in with_faces if pictures[n].name in named] * 2
    without = [n for n, each in enumerate(samples) if not len(each[1])]
    without += [n for n in without if pictures[n].name in named] * 4
    for step in steps:
        rng = np.random.default_rng((seed, step))
        draws = augment.drawing(samples, with_faces, without, rng)
        images = np.empty((batch, size, size, 3), np.uint8)
        targets: list[dict[str, Floats]] = []
        for n in range(batch):
            images[n], faces, ignore = augment.compose(*draws, rng, size)
            targets.append(target_maps(faces, ignore, size, size))
        made.put((images, {name: np.stack([each[name] for each in targets]) for name in targets[0]}))
