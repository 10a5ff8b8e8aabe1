"""Training of the face detector that survives a kill: a step sees what seed and number say."""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np

from smartselfie.detectors.maps import read_maps
from smartselfie.errors import DataError, UsageError
from smartselfie.training import checkpoint
from smartselfie.training.detection import loss, measure
from smartselfie.training.detection.batches import Batches
from smartselfie.training.detection.network import face
from smartselfie.training.detection.pictures import Floats, Picture, Pixels, held_back, load


@dataclass(frozen=True, slots=True)
class FitSettings:
    """All that decides how a run goes; it is stored in the run's folder."""

    data: tuple[str, ...] = ("data/detection.npz",)
    steps: int = 20_000
    batch: int = 32
    size: int = 256
    """Side of the training pictures."""
    rate: float = 2e-3
    """Peak learning rate of AdamW: linear warm-up, then a cosine to 0."""
    warm_up: int = 500
    """Steps."""
    weight_decay: float = 0.02
    ema: float = 0.999
    """Decay a step of the averaged weights, which are the ones that are kept."""
    precision: str = "mixed_bfloat16"
    """Keras' policy: mixed_bfloat16 is two to four times faster on processors that have it."""
    start: str | None = None
    """A network to start from."""
    hard: str | None = None
    """A file with names of pictures that are drawn more often, one a line."""
    workers: int = 1
    check_every: int = 1000
    seed: int = 1
    options: dict[str, Any] = field(default_factory=dict)

    def rate_at(self, step: int) -> float:
        """Learning rate at a step."""
        if step < self.warm_up:
            return self.rate * (step + 1) / self.warm_up
        share = (step - self.warm_up) / max(1, self.steps - self.warm_up)
        return self.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))


def fit(
    settings: FitSettings, run: Path, *, resume: bool = False, say: Callable[[str], None] = print
) -> Path:
    """Train; returns the network's file in the run's folder, with the averaged weights."""
    state_file = run / "state.npz"
    if state_file.exists() and not resume:
        raise UsageError(f"{run}: holds a run already; --resume continues it, or choose another folder")
    run.mkdir(parents=True, exist_ok=True)
    (run / "settings.json").write_text(json.dumps(asdict(settings), indent=2) + "\n")
    keras.utils.set_random_seed(settings.seed)
    checked = [p for path in settings.data for p in load(Path(path)) if p.split == "train" and held_back(p)]
    keras.mixed_precision.set_dtype_policy(settings.precision)
    network = face(fused=True, **settings.options)
    keras.mixed_precision.set_dtype_policy("float32")
    plain = face(**settings.options)
    if settings.start is not None and not state_file.exists():
        network.set_weights(keras.saving.load_model(settings.start, compile=False).get_weights())
    optimizer = keras.optimizers.AdamW(
        settings.rate, weight_decay=settings.weight_decay, global_clipnorm=10.0
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    network.compile(optimizer, loss=loss.LOSSES, loss_weights=loss.WEIGHTS)
    state = checkpoint.FitState.of(network)
    if state_file.exists():
        state = checkpoint.load(state_file, network)
        say(f"resuming after step {state.step}")
    hard = Path(settings.hard).read_text().split("\n") if settings.hard else ()
    batches = Batches(
        [Path(path) for path in settings.data],
        seed=settings.seed,
        batch=settings.batch,
        size=settings.size,
        start=state.step,
        stop=settings.steps,
        workers=settings.workers,
        hard=hard,
    )
    sums: dict[str, float] = {}
    began = time.monotonic()
    try:
        for images, targets in batches:
            network.optimizer.learning_rate = settings.rate_at(state.step)
            network.reset_metrics()
            for name, value in network.train_on_batch(images, targets, return_dict=True).items():
                sums[name] = sums.get(name, 0.0) + float(value)
            state.average(network, settings.ema)
            if state.step % settings.check_every and state.step < settings.steps:
                continue
            for variable, value in zip(plain.weights, state.averages, strict=True):
                variable.assign(value)
            found = accuracy(plain, checked)
            count = settings.check_every
            seconds = time.monotonic() - began
            state.spent += seconds
            state.log.append(
                {"step": state.step, "seconds": round(seconds, 1), "rate": settings.rate_at(state.step)}
                | {name: total / count for name, total in sums.items()}
                | found
            )
            keep(plain, run / "network.keras")
            checkpoint.save(state, network, state_file)
            write_log(run / "log.csv", state.log)
            say(
                "  ".join(
                    f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in state.log[-1].items()
                )
            )
            sums, began = {}, time.monotonic()
    finally:
        batches.close()
    return run / "network.keras"


def letterboxed(image: Pixels, longer: int = 256, multiple: int = 32) -> tuple[Pixels, float]:
    """Scale to `longer` pixels on the longer side and fill up to multiples; returns picture and scale."""
    height, width = image.shape[:2]
    scale = longer / max(height, width)
    wide, high = round(width * scale), round(height * scale)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, (wide, high), interpolation=how)
    made = np.zeros((-(-high // multiple) * multiple, -(-wide // multiple) * multiple, 3), np.uint8)
    made[:high, :wide] = small
    return made, scale


def search(network: Any, image: Pixels, min_score: float = 0.02, longer: int = 256) -> Floats:
    """Return the faces of a picture as `read_maps` does, in its own pixels."""
    small, scale = letterboxed(image, longer)
    maps = network(small[None].astype(np.float32), training=False)
    faces = read_maps({k: keras.ops.convert_to_numpy(v)[0] for k, v in maps.items()}, min_score)
    faces[:, :4] /= scale
    faces[:, 5:15] /= scale
    return faces


def rolled(image: Pixels, faces: Floats, ignore: Floats, degrees: float) -> tuple[Pixels, Floats, Floats]:
    """Turn a picture about its middle, on a canvas that holds all of it; returns it with its labels."""
    from smartselfie.training.detection import augment

    height, width = image.shape[:2]
    c, s = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    wide, high = round(width * c + height * s), round(width * s + height * c)
    matrix = augment._matrix((width / 2, height / 2), np.array([wide / 2, high / 2]), degrees, 1, 1)
    made = np.asarray(cv2.warpAffine(image, matrix, (wide, high)), np.uint8)
    faces, ignored = augment.transformed(faces, ignore, matrix, False, max(wide, high))
    return made, faces, ignored


def accuracy(network: Any, pictures: list[Picture], angles: tuple[float, ...] = (0, 45)) -> dict[str, float]:
    """Return recall at 0.03 false boxes a picture, upright and rolled, on pictures kept for choices."""
    made = {}
    for angle in angles:
        found, labels, ignore, shorter = [], [], [], []
        for each in pictures:
            image, faces, free = each.pixels(), each.faces, each.ignore
            side = min(image.shape[:2])
            if angle:
                image, faces, free = rolled(image, faces, free, angle)
            found.append(search(network, image))
            labels.append(faces)
            ignore.append(free)
            shorter.append(side)
        held = measure.match(found, labels, ignore, shorter)
        made[f"recall_{angle}"] = held.recall(held.threshold_for(0.03))
        made[f"any_{angle}"] = held.recall(0.02)
    return made


def keep(network: Any, path: Path) -> None:
    """Save whole or not at all."""
    temporary = path.with_name("writing-" + path.name)
    network.save(temporary)
    temporary.replace(path)


def write_log(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the log's rows as a table."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
