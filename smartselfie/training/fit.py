"""Training that survives a kill: what an epoch sees depends only on the seed and the epoch's number.

The loop saves everything that changes (weights, optimizer, averages, best so far) after each epoch in
one file that is replaced atomically. A resumed run therefore repeats the epoch it was killed in, and ends
where an unbroken run ends, up to rounding.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from smartselfie.errors import DataError, UsageError
from smartselfie.training import (
    checkpoint,
    datasets,
    distil,
    networks,
    plots,
    predictors,
    record,
    start,
    tensorboard,
)
from smartselfie.training.augment import resize
from smartselfie.training.batches import batches
from smartselfie.training.datasets import Faces, Floats
from smartselfie.training.precision import Precision, twin
from smartselfie.training.settings import FitSettings

SETTLE_FACES = 1000
"""Fewer say too little of what faces are like on the whole."""


def soft_cross_entropy(target: Any, logits: Any) -> Any:
    """Cross-entropy of (N, C) logits against distributions; a row of zeros costs nothing."""
    return keras.ops.mean(_cross_entropies(target, logits))


def _cross_entropies(target: Any, logits: Any) -> Any:
    return -keras.ops.sum(target * keras.ops.log_softmax(logits, axis=-1), axis=-1)


def training_targets(faces: Faces, settings: FitSettings) -> dict[str, Floats]:
    """Return (N, C) float32 targets by head: labels, softened by teachers, weighted by class.

    Nothing softens `smiling`: the teachers learned other labels.
    """
    made = {}
    for head in settings.heads:
        target = datasets.targets(faces, head, settings.smoothing, settings.blend)
        if settings.teachers and head != "smiling":
            target = distil.soften(
                target, [Path(name) for name in settings.teachers], head, settings.distil, faces
            )
        if settings.class_weights:
            share = target.sum(0) / target.sum()
            weight = np.sqrt(1 / np.maximum(share, 1e-6))
            target = target * weight / (weight * share).sum()
        made[head] = np.asarray(target, np.float32)
    return made


def accuracies(network: Any, faces: Faces, heads: Sequence[str], size: int) -> tuple[float, dict[str, float]]:
    """Return the loss and the accuracy by head; FER+ accuracy is that of the unique majority."""
    logits = network.predict(resize(faces.images, size), batch_size=256, verbose=0)
    loss, found = 0.0, {}
    for head in heads:
        target = datasets.targets(faces, head)
        shifted = logits[head] - logits[head].max(1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
        loss += float(-(target * log_p).sum() / max(1.0, target.sum())) / len(heads)
        truth = datasets.truth(faces, head)
        known = truth >= 0
        found[head] = float((logits[head].argmax(1) == truth)[known].mean())
    return loss, found


def fit(
    faces: Faces,
    settings: FitSettings,
    run: Path,
    *,
    resume: bool = False,
    command: str = "",
    for_tensorboard: bool = False,
    say: Callable[[str], None] = print,
) -> Path:
    """Train on the split Training, choose on PublicTest, write the run's folder; returns the network's file.

    The folder gets `settings.json`, `command.txt`, `about.json` (versions, commit, fingerprints), `log.csv`,
    `state.npz` (to resume from), `network.keras` (the averaged weights of the best epoch on PublicTest, at
    the end `settle`d where that helps) with its description and `curves.png`.
    UsageError when the folder already holds a run and `resume` is false; DataError when the faces lack what
    a head should learn, or are others than those that the run was begun with.
    """
    state_file = run / "state.npz"
    if state_file.exists() and not resume:
        raise UsageError(f"{run}: holds a run already; --resume continues it, or choose another folder")
    run.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(settings.seed)
    training, public = faces.split("Training"), faces.split("PublicTest")
    for head in settings.heads:
        for part, name in ((training, "Training"), (public, "PublicTest")):
            if not (datasets.truth(part, head) >= 0).any():
                what = "labels" if head in ("fer2013", "blend") else "votes of FER+"
                raise DataError(
                    f"the faces in {name} have no {what} for the output {head}",
                    remedy="prepare them with those, or choose other --labels",
                )
    targets = training_targets(training, settings)
    training, targets, public = _with_those_beside(training, targets, public, settings)
    settings = start.fitting(settings)
    network = networks.build(
        settings.network,
        settings.heads,
        None if len(settings.sizes) > 1 else settings.sizes[0][1],
        classes=len(faces.classes),
        **settings.options,
    )
    if settings.start is not None and not state_file.exists():
        start.start_from(network, Path(settings.start), settings.seed)
    averaged = keras.models.clone_model(network)
    network = twin(network, Precision(settings.precision))
    _compile(network, settings)
    state = checkpoint.FitState.of(network, datasets.fingerprint(faces), datasets.fingerprint_labels(faces))
    if state_file.exists():
        mine, state = state, checkpoint.load(state_file, network)
        if state.faces not in ("", mine.faces):
            raise DataError(f"{run}: was begun with other faces; --data must name those")
        if state.labels not in ("", mine.labels):
            raise DataError(
                f"{run}: was begun with other labels, votes or splits of the same faces",
                remedy=f"--from {run / 'network.keras'} --run ANOTHER goes on with the new ones",
            )
        say(f"resuming after epoch {state.epoch}, {state.progress:.0%} of the run")
    (run / "settings.json").write_text(json.dumps(asdict(settings), indent=2) + "\n")
    with (run / "command.txt").open("a" if resume else "w") as file:
        file.write(command + "\n")
    record.write_about(run, faces, network)
    while state.progress < 1 - 1e-9:
        if settings.patience is not None and state.epoch - state.best_epoch >= settings.patience:
            say(f"no better PublicTest accuracy for {settings.patience} epochs: stopped")
            break
        began = time.monotonic()
        share = state.share or settings.share_of_next(state.epoch, state.progress, state.spent, 0)
        size = settings.size_at(state.progress)
        logs = _one_epoch(network, training, targets, settings, state, share, size)
        state.epoch, state.progress = state.epoch + 1, min(1.0, state.progress + share)
        for variable, value in zip(averaged.weights, state.averages, strict=True):
            variable.assign(value)
        loss, found = accuracies(averaged, public, settings.heads, size)
        seconds = time.monotonic() - began
        state.spent += seconds
        cost = (settings.size_at(state.progress) / size) ** 2
        state.share = settings.share_of_next(state.epoch, state.progress, state.spent, seconds * cost)
        state.log.append(
            {
                "epoch": state.epoch,
                "progress": state.progress,
                "size": size,
                "seconds": round(seconds, 1),
                "rate": float(settings.rate_at(state.progress)),
                "loss": _training_loss(logs, settings),
                **{f"accuracy_{head}": _of_head(logs, head, "accuracy") for head in settings.heads},
                "val_loss": loss,
                **{f"val_accuracy_{head}": found[head] for head in settings.heads},
            }
        )
        mean = float(np.nanmean(list(found.values())))
        if mean > state.best:
            state.best, state.best_epoch = mean, state.epoch
            _store(averaged, settings, faces, size, run / "network.keras")
        checkpoint.save(state, network, state_file)
        _write_log(run / "log.csv", state.log)
        if for_tensorboard:
            tensorboard.append(run / "tensorboard", state.log[-1])
        say(_in_words(state.log[-1]))
    _write_log(run / "log.csv", state.log)  # again: it may have been killed after the state of the last epoch
    plots.curves(state.log, settings.heads, run / "curves.png")
    say(settle_if_better(run / "network.keras", training, public, settings.heads))
    return run / "network.keras"


def settle_if_better(path: Path, training: Faces, public: Faces, heads: Sequence[str]) -> str:
    """`settle` the network of a file, kept only if its PublicTest loss fell; returns what came out."""
    network = predictors.Keras(path).network
    size = network.input_shape[1]
    loss, found = accuracies(network, public, heads, size)
    how = f"not settled: {len(training)} faces are fewer than {SETTLE_FACES}"
    if len(training) >= SETTLE_FACES:
        settle(network, training.images, size)
        settled, found_then = accuracies(network, public, heads, size)
        how = f"not settled: that made PublicTest loss {settled:.4g}"
        if settled < loss:
            _keep(network, path)
            loss, found, how = settled, found_then, "settled"
    return f"best, {how}: val_loss {loss:.4g}  " + "  ".join(f"{head} {found[head]:.4g}" for head in found)


def settle(network: Any, images: npt.NDArray[np.uint8], size: int, batch: int = 256) -> None:
    """Set the statistics of batch normalisation to those of (N, H, W) faces as they are.

    Those gathered in training are of augmented faces, and averaged while the weights still moved (precise
    BatchNorm: Wu and Johnson 2021). The same weights and faces give the same again.
    """
    layers = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not layers:
        return
    rows = np.random.default_rng(0).permutation(len(images))
    parts = [rows[start : start + batch] for start in range(0, max(1, len(rows) - batch + 1), batch)][:24]
    momenta = [layer.momentum for layer in layers]
    sums: list[Any] = [0.0] * (2 * len(layers))
    for layer in layers:
        layer.momentum = 0.0  # so that the averages are those of the batch alone
    for part in parts:
        network(resize(images[part], size), training=True)
        found = [each for layer in layers for each in (layer.moving_mean, layer.moving_variance)]
        sums = [total + keras.ops.convert_to_numpy(each) for total, each in zip(sums, found, strict=True)]
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.moving_mean.assign(sums.pop(0) / len(parts))
        layer.moving_variance.assign(sums.pop(0) / len(parts))


def _with_those_beside(
    training: Faces, targets: dict[str, Floats], public: Faces, settings: FitSettings
) -> tuple[Faces, dict[str, Floats], Faces]:
    """Return faces to learn from, their targets and faces to choose by, joined with `settings.beside`."""
    for name in settings.beside:
        more = datasets.load(Path(name))
        learnt = more.split("Training")
        added = training_targets(learnt, replace(settings, teachers=(), class_weights=False))
        targets = {head: np.concatenate([target, added[head]]) for head, target in targets.items()}
        training = datasets.join([training, learnt])
        if (more.splits == datasets.SPLITS.index("PublicTest")).any():
            public = datasets.join([public, more.split("PublicTest")])
    return training, targets, public


def _one_epoch(
    network: Any,
    faces: Faces,
    targets: dict[str, Floats],
    settings: FitSettings,
    state: checkpoint.FitState,
    share: float,
    size: int,
) -> dict[str, float]:
    """Train on every batch once; returns the means of loss and accuracy over the epoch."""
    # PyTorch's dropout draws from one global generator, which no checkpoint holds: seed it for each epoch.
    keras.utils.set_random_seed(settings.seed * 1_000_003 + state.epoch)
    sums: dict[str, float] = {}
    steps = max(1, len(faces) // settings.batch)
    for number, (x, y) in enumerate(batches(faces, targets, settings, state.epoch, size, state.progress)):
        network.optimizer.learning_rate = settings.rate_at(state.progress + share * number / steps)
        network.reset_metrics()  # so that what a step returns is of its own batch, on every backend
        for name, value in network.train_on_batch(x, y, return_dict=True).items():
            sums[name] = sums.get(name, 0.0) + float(value)
        state.average(network, settings.ema)
    return {name: value / steps for name, value in sums.items()}


def _compile(network: Any, settings: FitSettings) -> None:
    momentum = 0.9
    optimizer: Any
    if settings.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(settings.rate, weight_decay=settings.weight_decay)
    else:
        # Keras decays weights apart from the momentum; dividing gives what L2 does in SGD with momentum.
        optimizer = keras.optimizers.SGD(
            settings.rate,
            momentum=momentum,
            nesterov=True,
            weight_decay=settings.weight_decay / (1 - momentum),
        )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    network.compile(
        optimizer,
        loss={head: soft_cross_entropy for head in settings.heads},
        loss_weights={head: settings.shares.get(head, 1.0) / len(settings.heads) for head in settings.heads},
        metrics={
            head: [
                keras.metrics.CategoricalAccuracy(name="accuracy"),
                keras.metrics.MeanMetricWrapper(_cross_entropies, name="cross_entropy"),
            ]
            for head in settings.heads
        },
    )


def _of_head(logs: dict[str, float], head: str, what: str) -> float:
    """A network with one output has figures without its name."""
    return float(logs[f"{head}_{what}"] if f"{head}_{what}" in logs else logs[what])


def _training_loss(logs: dict[str, float], settings: FitSettings) -> float:
    """The loss without what regularises the layers, which no validation loss has either."""
    shares = {head: settings.shares.get(head, 1.0) / len(settings.heads) for head in settings.heads}
    return sum(share * _of_head(logs, head, "cross_entropy") for head, share in shares.items())


def _in_words(row: dict[str, Any]) -> str:
    return "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())


def _store(network: Any, settings: FitSettings, faces: Faces, size: int, path: Path) -> None:
    """Save with the input size of the faces it learned from last: at another one it would be worse."""
    fixed = networks.build(
        settings.network, settings.heads, size, classes=len(faces.classes), **settings.options
    )
    fixed.set_weights(network.get_weights())
    _keep(fixed, path)
    told = {
        "name": settings.network,
        "classes": faces.classes,
        "input": {"size": [size, size], "channels": 1, "scale": 1, "offset": 0},
        "read": settings.heads[0],
        "activation": "logits",
    }
    path.with_suffix(".json").write_text(json.dumps(told, indent=2) + "\n")


def _keep(network: Any, path: Path) -> None:
    temporary = path.with_name("writing-" + path.name)
    network.save(temporary)
    temporary.replace(path)


def _write_log(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
