"""A classifier for networks in Keras's own formats; needs TensorFlow (or another backend of Keras 3)."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import model_validator

from smartselfie.classifiers import NetworkSettings
from smartselfie.classifiers.description import OTHER_CLASSES, SMILING, Description, Floats, describe
from smartselfie.classifiers.keras_files import HDF5, ZIP, import_keras, load, read
from smartselfie.errors import ModelError
from smartselfie.records import Image, Scores
from smartselfie.schema.fields import broken_rule, setting
from smartselfie.schema.values import PathSetting


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
        data = read(model)
        if data[: len(ZIP)] != ZIP and data[: len(HDF5)] != HDF5:
            raise ModelError(f"{model}: is no Keras network", remedy="need a .keras, .h5 or .hdf5 file")
        self.description = describe(model, data, classes=classes, scaling=scaling)
        import_keras(threads)
        # `predict_on_batch` runs a compiled graph: measured 8 ms a crop, called directly 117, `predict` 174.
        self._network: Any = load(model, architecture)
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
    """Return the index of the output to read, which must have as many classes as are described."""
    names = _output_names(network)
    head = description.read if description.read in names else description.head
    if head not in names and head not in range(len(names)):
        raise ModelError(f"{model}: has no output {head!r}, its outputs are {', '.join(names)}")
    index = names.index(head) if isinstance(head, str) else head
    shape = tuple(network.outputs[index].shape)
    if shape[1:] != (len(description.classes),):
        raise ModelError(
            f"{model}: output {names[index]!r} has shape {shape}, "
            f"expected (None, {len(description.classes)})",
            remedy=OTHER_CLASSES,
        )
    return index


def _output_names(network: Any) -> list[str]:
    """The names of the outputs in their order; a `Sequential` has only one, and no name for it."""
    return list(getattr(network, "output_names", ["output"]))
