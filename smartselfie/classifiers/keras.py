"""A classifier for networks in Keras's own formats; needs TensorFlow (or another backend of Keras 3)."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import model_validator

from smartselfie.classifiers import NetworkSettings
from smartselfie.classifiers.description import SMILING, Description, Floats, describe
from smartselfie.errors import ModelError
from smartselfie.litert import first_line
from smartselfie.quiet import without_lines
from smartselfie.records import CLASSES, Image, Scores
from smartselfie.schema.fields import broken_rule, setting
from smartselfie.schema.values import PathSetting

GREETINGS = rb"^I0000 |^WARNING: All log messages|^To enable the following|cuda_|cudart_|cuInit"
"""What TensorFlow writes to a terminal while it finds no graphics card and starts on the processor."""
HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"


class Settings(NetworkSettings):
    """The settings of keras."""

    kind: Literal["keras"] = "keras"
    model: PathSetting | None = setting(
        None, "The network's file: .keras, .h5 or .hdf5.", private=True, example="model/mine.keras"
    )
    architecture: PathSetting | None = setting(
        None,
        "The .json file with the architecture, where `model` holds only the weights.",
        private=True,
        example="fer.json",
    )

    @model_validator(mode="after")
    def _needs_its_file(self) -> Self:
        if self.model is None:
            raise broken_rule(
                ("model", "kind"),
                "kind keras needs the path of a .keras, .h5 or .hdf5 file in classifier.model",
            )
        return self


def build(settings: Settings, *, threads: int) -> KerasClassifier:
    """Load the network. Raises `ModelError`."""
    assert settings.model is not None
    return KerasClassifier(
        Path(settings.model),
        architecture=None if settings.architecture is None else Path(settings.architecture),
        threads=threads,
        classes=settings.classes,
        scaling=settings.scaling,
    )


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
            raise ModelError(f"{model}: is no Keras network", remedy="need a .keras, .h5 or .hdf5 file")
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
        made = self._in_order(outputs)
        names = _output_names(self._network)
        smiles = made[names.index(SMILING)] if SMILING in names else None
        return self.description.scores(made[self._head], smiles)

    def _in_order(self, outputs: Any) -> list[Floats]:
        if isinstance(outputs, Mapping):
            outputs = [outputs[name] for name in _output_names(self._network)]
        if not isinstance(outputs, (list, tuple)):
            outputs = [outputs]
        return [np.asarray(output, np.float32) for output in outputs]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{path}: {error.strerror}", remedy="set classifier.model to a Keras file"
        ) from error


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
    try:
        with without_lines(GREETINGS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of optimizers and losses, which scoring does not need
            return _load_any(keras, model, architecture)
    except ModelError:
        raise
    except Exception as error:  # Keras raises nearly anything for files of other versions or with own layers
        raise ModelError(f"{model}: Keras cannot load it: {first_line(error)}") from error


def _load_any(keras: Any, model: Path, architecture: Path | None) -> Any:
    inside = _architecture_inside(model)
    if architecture is None and inside is None:
        architecture = model.with_suffix(".json")
        if not architecture.is_file():
            raise ModelError(
                f"{model}: holds weights only",
                remedy=f"put its architecture beside it as {architecture.name}, "
                "or set classifier.architecture",
            )
    config = _parse(architecture) if architecture is not None else json.loads(inside or "{}")
    if "class_name" in config and "module" not in config:
        return _load_legacy(keras, model, config)
    if architecture is None:
        return keras.models.load_model(model, compile=False)
    network = keras.models.model_from_json(json.dumps(config))
    network.load_weights(model)
    return network


def _architecture_inside(model: Path) -> str | None:
    """The architecture that an HDF5 file has besides its weights; "" where Keras looks for it itself."""
    import h5py  # Keras brings it

    if not h5py.is_hdf5(model):
        return ""
    with h5py.File(model) as file:
        text = file.attrs.get("model_config")
    return text.decode() if isinstance(text, bytes) else text


def _parse(architecture: Path) -> dict[str, Any]:
    try:
        config = json.loads(_read(architecture).decode("utf-8", errors="replace"))
    except ValueError as error:
        raise ModelError(f"{architecture}: cannot be read as JSON: {error}") from error
    if not isinstance(config, dict) or "class_name" not in config:
        raise ModelError(f"{architecture}: is no architecture as Keras's `model.to_json()` writes it")
    return config


def _load_legacy(keras: Any, model: Path, config: dict[str, Any]) -> Any:
    """Load what Keras 1 or 2 wrote, as the one kind of file of theirs that Keras 3 does read.

    Its `model_from_json` knows only its own architectures, and some of theirs need a correction.
    """
    import h5py

    _modernise(config)
    with tempfile.TemporaryDirectory() as folder:
        joined = Path(folder) / "joined.h5"
        with h5py.File(model) as source, h5py.File(joined, "w") as target:
            weights = source.get("model_weights", source)
            group = target.create_group("model_weights")
            for name in weights:
                weights.copy(name, group)
            for name, value in weights.attrs.items():
                if name != "model_config":
                    group.attrs[name] = value
            target.attrs["model_config"] = json.dumps(config)
        return keras.models.load_model(joined, compile=False)


def _modernise(node: Any) -> None:
    """Correct, in place, what Keras 3 takes from old architectures only to stumble over it."""
    if isinstance(node, dict):
        config = node.get("config")
        if isinstance(config, dict):
            if "batch_input_shape" in config and node.get("class_name") != "InputLayer":
                # Keras 3 would take the batch's dimension for one of the picture's.
                config["input_shape"] = config.pop("batch_input_shape")[1:]
            if node.get("class_name") == "DepthwiseConv2D":
                config.pop("groups", None)  # always 1, and unknown by now
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _modernise(child)


def _check_input(model: Path, network: Any, description: Description) -> tuple[tuple[int, int], int]:
    """Return the crop's (width, height) and channels; the network must want what is described."""
    shape = network.input_shape
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise ModelError(f"{model}: input has shape {shape}, expected (None, height, width, 1 or 3)")
    wanted = description.input
    width, height = wanted.size or (shape[2], shape[1])
    channels = wanted.channels or shape[3]
    if None in (width, height):
        raise ModelError(
            f"{model}: takes pictures of any size", remedy="write input.size into the JSON beside it"
        )
    if channels not in (1, 3) or any(
        found not in (None, said) for found, said in zip(shape[1:], (height, width, channels), strict=True)
    ):
        expected = (None, height, width, wanted.channels or "1 or 3")
        raise ModelError(f"{model}: input has shape {shape}, expected {expected}")
    return (int(width), int(height)), int(channels)


def _choose_output(model: Path, network: Any, description: Description) -> int:
    """Return the index of the output to read, which must have seven classes."""
    names = _output_names(network)
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


def _output_names(network: Any) -> list[str]:
    """The names of the outputs in their order; a `Sequential` has only one, and no name for it."""
    return list(getattr(network, "output_names", ["output"]))
