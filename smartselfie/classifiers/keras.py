"""A classifier for networks in Keras's own formats; needs TensorFlow (or another backend of Keras 3)."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from smartselfie.classifiers.description import Description, Floats, describe, first_line
from smartselfie.classifiers.quiet import without_lines
from smartselfie.errors import ModelError
from smartselfie.records import CLASSES, Image, Scores

GREETINGS = rb"^I0000 |^WARNING: All log messages|^To enable the following|cuda_|cudart_|cuInit"
"""What TensorFlow writes to a terminal while it finds no graphics card and starts on the processor."""
HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"


class KerasClassifier:
    """Scores crops with a .keras, .h5 or .hdf5 network, from any thread.

    `architecture` is the JSON file with the network's layers where `model` holds only its weights; without it
    the one beside the weights is taken (`fer.json` for `fer.h5`). The crop's size is read from the network;
    its scaling and class order are said by the JSON beside it, else by `scaling` and `classes` (see
    `classifiers.description.describe`). Raises `ModelError` when a file is missing, of another kind, does not
    fit, or Keras is not installed.
    """

    input_size: tuple[int, int]
    """Width and height of the crops it wants."""
    description: Description

    def __init__(
        self,
        model: Path,
        *,
        architecture: Path | None = None,
        threads: int = 1,
        classes: Sequence[str] | None = None,
        scaling: str | None = None,
    ) -> None:
        self.model = model
        data = _read(model)
        if data[: len(ZIP)] != ZIP and data[: len(HDF5)] != HDF5:
            raise ModelError(f"{model}: is no Keras network; need a .keras, .h5 or .hdf5 file")
        self.description = describe(model, data, classes=classes, scaling=scaling)
        keras = _import_keras(threads)
        # `predict_on_batch` runs a compiled graph: measured 8 ms a crop, called directly 117, `predict` 174.
        self._network: Any = _load(keras, model, architecture)
        self._network.jit_compile = False  # compiling for XLA takes longer than most sessions gain by it
        self.input_size, self._channels = _check_input(model, self._network, self.description)
        self._head = _choose_output(model, self._network, self.description)
        self._table = self.description.input.table()
        self._lock = threading.Lock()

    def __call__(self, crops: Image) -> list[Scores]:
        """Return the scores of (N, H, W) uint8 gray crops of `input_size`; N may be 0."""
        width, height = self.input_size
        if crops.ndim != 3 or crops.shape[1:] != (height, width):
            raise ValueError(f"need crops of shape (N, {height}, {width}), got {crops.shape}")
        if not len(crops):
            return []
        values = np.repeat(self._table[crops][..., np.newaxis], self._channels, axis=-1)
        with self._lock:
            outputs = self._network.predict_on_batch(values)
        return self.description.scores(self._select(outputs))

    def _select(self, outputs: Any) -> Floats:
        if isinstance(outputs, Mapping):
            outputs = [outputs[name] for name in self._network.output_names]
        if not isinstance(outputs, (list, tuple)):
            outputs = [outputs]
        return np.asarray(outputs[self._head], np.float32)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; set classifier.model to a Keras file") from error


def _import_keras(threads: int) -> Any:
    """Import Keras without its backend's greetings; `threads` counts only for the first import."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))
    try:
        with without_lines(GREETINGS):
            import keras
    except ImportError as error:
        raise ModelError(
            f"Keras is missing ({first_line(error)}): pip install 'smartselfie[train]', "
            "or set classifier.kind to litert"
        ) from error
    return keras


def _load(keras: Any, model: Path, architecture: Path | None) -> Any:
    """Load the network, from one file or from weights and an architecture."""
    if architecture is None and _holds_only_weights(model):
        architecture = model.with_suffix(".json")
        if not architecture.is_file():
            raise ModelError(
                f"{model}: holds weights only; put its architecture beside it as {architecture.name}, "
                "or set classifier.architecture"
            )
    try:
        with (
            without_lines(GREETINGS),
            warnings.catch_warnings(),
        ):  # of optimizers and losses that scoring does not need
            warnings.simplefilter("ignore")
            if architecture is None:
                return keras.models.load_model(model, compile=False)
            return _join(keras, model, architecture)
    except ModelError:
        raise
    except Exception as error:  # Keras raises nearly anything for files of other versions or with own layers
        raise ModelError(f"{model}: Keras cannot load it: {first_line(error)}") from error


def _join(keras: Any, weights: Path, architecture: Path) -> Any:
    """Build the network of an architecture and load its weights."""
    text = _read(architecture).decode("utf-8", errors="replace")
    try:
        config = json.loads(text)
    except ValueError as error:
        raise ModelError(f"{architecture}: cannot be read as JSON: {error}") from error
    if not isinstance(config, dict) or "class_name" not in config:
        raise ModelError(f"{architecture}: is no architecture as Keras's `model.to_json()` writes it")
    if "module" in config:
        network = keras.models.model_from_json(text)
        network.load_weights(weights)
        return network
    return _join_legacy(keras, weights, text)


def _join_legacy(keras: Any, weights: Path, architecture: str) -> Any:
    """Join a Keras 1 or 2 pair into the one file that those versions wrote, which Keras 3 does read.

    Its `model_from_json` knows only its own architectures.
    """
    import h5py

    with tempfile.TemporaryDirectory() as folder:
        joined = Path(folder) / "joined.h5"
        with h5py.File(weights) as source, h5py.File(joined, "w") as target:
            group = target.create_group("model_weights")
            for name in source:
                source.copy(name, group)
            for name, value in source.attrs.items():
                group.attrs[name] = value
            target.attrs["model_config"] = architecture
        return keras.models.load_model(joined, compile=False)


def _holds_only_weights(model: Path) -> bool:
    import h5py  # Keras brings it

    if not h5py.is_hdf5(model):
        return False
    with h5py.File(model) as file:
        return "model_config" not in file.attrs


def _check_input(model: Path, network: Any, description: Description) -> tuple[tuple[int, int], int]:
    """Return the crop's (width, height) and channels; the network must want what is described."""
    shape = network.input_shape
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise ModelError(f"{model}: input has shape {shape}, expected (None, height, width, 1 or 3)")
    wanted = description.input
    width, height = wanted.size or (shape[2], shape[1])
    channels = wanted.channels or shape[3]
    if None in (width, height):
        raise ModelError(f"{model}: takes pictures of any size; write input.size into the JSON beside it")
    if channels not in (1, 3) or any(
        found not in (None, said) for found, said in zip(shape[1:], (height, width, channels), strict=True)
    ):
        expected = (None, height, width, wanted.channels or "1 or 3")
        raise ModelError(f"{model}: input has shape {shape}, expected {expected}")
    return (int(width), int(height)), int(channels)


def _choose_output(model: Path, network: Any, description: Description) -> int:
    """Return the index of the output to read, which must have seven classes."""
    names = list(network.output_names)
    head = description.head
    if head not in names and head not in range(len(names)):
        raise ModelError(f"{model}: has no output {head!r}, its outputs are {', '.join(names)}")
    index = names.index(head) if isinstance(head, str) else head
    shape = tuple(network.outputs[index].shape)
    if shape[1:] != (len(CLASSES),):
        raise ModelError(
            f"{model}: output {names[index]!r} has shape {shape}, expected (None, {len(CLASSES)})"
        )
    return index
