"""Training of the face detector that survives a kill: a step sees what seed and number say."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from smartselfie.errors import DataError, UsageError
from smartselfie.training import checkpoint
from smartselfie.training.detection import loss, plots, settings
from smartselfie.training.detection.batches import Batches
from smartselfie.training.detection.network import face
from smartselfie.training.detection.pictures import Picture, held_back, load
from smartselfie.training.detection.searching import accuracy
from smartselfie.training.detection.settings import FitSettings

Say = Callable[[str], None]


def fit(chosen: FitSettings, run: Path, *, resume: bool = False, command: str = "", say: Say = print) -> Path:
    """Train on the pictures of the split train; returns the network's file, with the averaged weights.

    The folder `run` gets `settings.json`, `command.txt`, `log.csv`, `state.npz` (to resume from),
    `network.keras` and `curves.png`. Every `check_every` steps it is measured on the sixteenth of the
    pictures that is held back, and stored: a killed run repeats at most so many. UsageError when the folder
    already holds a run and `resume` is false; DataError when the pictures or a network to start from are no
    such.
    """
    state_file = run / "state.npz"
    if state_file.exists() and not resume:
        raise UsageError(f"{run}: holds a run already; --resume continues it, or choose another folder")
    checked = _held_back(chosen)
    hard = _names(chosen.hard)
    run.mkdir(parents=True, exist_ok=True)
    settings.write(chosen, run / "settings.json")
    with (run / "command.txt").open("a" if resume else "w") as file:
        file.write(command + "\n")
    keras.utils.set_random_seed(chosen.seed)
    network, plain = _networks(chosen, fresh=not state_file.exists())
    state = checkpoint.FitState.of(network)
    if state_file.exists():
        state = checkpoint.load(state_file, network)
        say(f"resuming after step {state.step}")
    batches = Batches(
        [Path(path) for path in chosen.data],
        seed=chosen.seed,
        batch=chosen.batch,
        size=chosen.size,
        start=state.step,
        stop=chosen.steps,
        workers=chosen.workers,
        hard=hard,
    )
    try:
        _steps(batches, network, plain, state, chosen, checked, run, say)
    finally:
        batches.close()
    plots.curves(state.log, run / "curves.png")
    return run / "network.keras"


def _steps(
    batches: Batches,
    network: Any,
    plain: Any,
    state: checkpoint.FitState,
    chosen: FitSettings,
    checked: list[Picture],
    run: Path,
    say: Say,
) -> None:
    """Take every step that is left, and store the run as often as it is to be checked."""
    sums: dict[str, float] = {}
    count, began = 0, time.monotonic()
    for images, targets in batches:
        network.optimizer.learning_rate = chosen.rate_at(state.step)
        network.reset_metrics()
        for name, value in network.train_on_batch(images, targets, return_dict=True).items():
            sums[name] = sums.get(name, 0.0) + float(value)
        count += 1
        state.average(network, chosen.ema)
        if state.step % chosen.check_every and state.step < chosen.steps:
            continue
        for variable, value in zip(plain.weights, state.averages, strict=True):
            variable.assign(value)
        found = accuracy(plain, checked)
        seconds = time.monotonic() - began
        state.spent += seconds
        state.log.append(
            {"step": state.step, "seconds": round(seconds, 1), "rate": chosen.rate_at(state.step)}
            | {name: total / count for name, total in sums.items()}
            | found
        )
        _keep(plain, run / "network.keras")
        checkpoint.save(state, network, run / "state.npz")
        _write_log(run / "log.csv", state.log)
        say(_in_words(state.log[-1]))
        sums, count, began = {}, 0, time.monotonic()


def _held_back(chosen: FitSettings) -> list[Picture]:
    """Return the pictures that choices are made on; DataError when there is nothing to learn or to check."""
    pictures = [each for path in chosen.data for each in load(Path(path)) if each.split == "train"]
    checked = [each for each in pictures if held_back(each)]
    where = ", ".join(chosen.data)
    if not any(len(each.faces) for each in pictures if not held_back(each)):
        raise DataError(f"{where}: no labelled face to learn from in the split train")
    if not any(len(each.faces) for each in checked):
        raise DataError(f"{where}: too few pictures: none with a face is among the sixteenth held back")
    return checked


def _names(path: str | None) -> list[str]:
    if path is None:
        return []
    try:
        return Path(path).read_text().split("\n")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a list of pictures' names ({error})") from error


def _networks(chosen: FitSettings, *, fresh: bool) -> tuple[Any, Any]:
    """Return the network to train, compiled, and its twin in float32 that is measured and kept."""
    keras.mixed_precision.set_dtype_policy(chosen.precision)
    try:
        network = face(fused=True, **chosen.options)
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    plain = face(**chosen.options)
    if chosen.start is not None and fresh:
        try:
            network.set_weights(keras.saving.load_model(chosen.start, compile=False).get_weights())
        except (OSError, ValueError) as error:
            raise DataError(f"{chosen.start}: no network of this shape to start from ({error})") from error
    optimizer = keras.optimizers.AdamW(chosen.rate, weight_decay=chosen.weight_decay, global_clipnorm=10.0)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    network.compile(optimizer, loss=loss.LOSSES, loss_weights=loss.WEIGHTS)
    return network, plain


def _in_words(row: dict[str, Any]) -> str:
    return "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())


def _keep(network: Any, path: Path) -> None:
    temporary = path.with_name("writing-" + path.name)
    network.save(temporary)
    temporary.replace(path)


def _write_log(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
