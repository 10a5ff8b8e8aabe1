"""Networks of any file format behind one call, for measuring them side by side."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from smartselfie.classifiers import keras_files
from smartselfie.classifiers.description import (
    SCALINGS,
    Description,
    InputDescription,
    read_description,
)
from smartselfie.errors import ModelError
from smartselfie.records import CLASSES
from smartselfie.training.augment import resize
from smartselfie.training.datasets import SIDE, Floats
from smartselfie.training.distil import softmax


@dataclass(frozen=True, slots=True)
class Told:
    """What a person says of a network that has no description beside it."""

    scaling: str | None = None
    """A key of `SCALINGS`."""
    classes: tuple[str, ...] | None = None
    """In the network's order; None: as many of FER2013's as it has outputs."""
    side: int | None = None
    """Pixels of the face's side, for a network that takes any."""
    architecture: Path | None = None
    """The .json that belongs to a file of weights."""
    option: str = "--"
    """How the options that say this begin."""


class Predictor(Protocol):
    """A network that can be measured."""

    about: Description
    size: int
    """Pixels of the face's side."""
    channels: int
    """1, or 3 for the gray three times."""

    def __call__(self, images: npt.NDArray[np.uint8]) -> dict[str, Floats]:
        """Return (N, C) float32 logits or probabilities by head for (N, S, S) uint8 faces."""
        ...

    def seconds_for_one(self) -> float:
        """Run once on one face, on one thread where that can be chosen; returns how long it took."""
        ...


def describe(path: Path, told: Told, rescales: bool = False) -> Description:
    """Return what the JSON beside the network says, else what was told.

    A network that `rescales` inside, as those of this package do, takes 0..255. ModelError when there is no
    such file, or nothing says what it wants: a wrong guess would still give figures.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such network")
    found = read_description(path)
    if found is not None:
        return found
    scaling = told.scaling or ("0..255" if rescales else None)
    if scaling is None:
        raise ModelError(
            f"{path}: it is not known what gray values it wants",
            remedy=f"say {told.option}scaling {', '.join(SCALINGS)} (the mini-Xception of most hobby "
            f"projects: -1..1), or write {path.stem}.json beside it",
        )
    if scaling not in SCALINGS:
        raise ModelError(f"unknown scaling {scaling!r} (known: {', '.join(SCALINGS)})")
    scale, offset = SCALINGS[scaling]
    try:
        return Description(
            name=path.stem,
            classes=told.classes or CLASSES,
            input=InputDescription(scale=scale, offset=offset),
        )
    except ValueError as error:
        raise ModelError(f"{path}: {told.option}classes: {error}") from error


def probabilities(
    outputs: Floats,
    about: Description,
    head: str,
    calibrated: bool = True,
    classes: Sequence[str] = CLASSES,
) -> Floats:
    """Return float32 probabilities with its temperature or without: a column each of `classes`, then others.

    A class that the network lacks has 0; classes that only the network has follow in its order.
    """
    temperature = about.temperature.get(head, 1.0) if calibrated else 1.0
    if about.activation == "logits":
        found = softmax(outputs / np.float32(temperature))
    else:
        found = outputs / outputs.sum(axis=1, keepdims=True)
    names = [*classes, *(name for name in about.classes if name not in classes)]
    none = np.zeros(len(found), np.float32)
    columns = [found[:, about.classes.index(name)] if name in about.classes else none for name in names]
    return np.stack(columns, axis=1)


def sha256(path: Path) -> str:
    """Return the file's SHA-256 in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load(path: Path, told: Told | None = None) -> Predictor:
    """Load a .tflite, .keras, .h5, .hdf5 or .onnx network; ModelError when it cannot be."""
    told = told or Told()
    if path.suffix == ".tflite":
        return LiteRT(path, told)
    if path.suffix in (".keras", ".h5", ".hdf5"):
        return Keras(path, told)
    if path.suffix == ".onnx":
        return Onnx(path, told)
    raise ModelError(f"{path}: need a .tflite, .keras, .h5, .hdf5 or .onnx file")


class _Network:
    """What the formats share: faces become input values, and outputs are found out about."""

    about: Description
    size: int
    channels: int

    def values(self, images: npt.NDArray[np.uint8]) -> Floats:
        """Return (N, S, S, channels) float32 as the network wants them."""
        x = resize(images, self.size) * np.float32(self.about.input.scale) + np.float32(
            self.about.input.offset
        )
        return np.repeat(x, self.channels, axis=-1) if self.channels > 1 else x

    def _find_out(self, path: Path, told: Told, made: Mapping[str, Floats]) -> None:
        """Complete what was told by what the network does with noise: how many classes, and of which kind."""
        if read_description(path) is not None:
            return
        outputs = next(iter(made.values()))
        count = outputs.shape[1]
        if told.classes is None and count != len(CLASSES):
            raise ModelError(
                f"{path}: has {count} outputs, not the {len(CLASSES)} of FER2013",
                remedy=f"name them in their order: {told.option}classes {','.join(CLASSES[:3])},...",
            )
        if count != len(self.about.classes):
            raise ModelError(f"{path}: has {count} outputs, but {len(self.about.classes)} classes are named")
        sums = outputs.min() > -1e-3 and np.abs(outputs.sum(axis=1) - 1).max() < 1e-2
        self.about = self.about.model_copy(update={"activation": "softmax" if sums else "logits"})


def _noise(side: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (4, side, side), np.uint8)


class LiteRT(_Network):
    """A LiteRT file on one thread."""

    def __init__(self, path: Path, told: Told | None = None) -> None:
        from ai_edge_litert.interpreter import Interpreter

        told = told or Told()
        self.about = describe(path, told)
        try:
            self._interpreter = Interpreter(str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{path}: not a LiteRT network ({error})") from error
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = self._interpreter.get_output_details()
        self._heads = dict(self.about.outputs) or {"scores": 0}
        self.size, self.channels = int(self._input["shape"][1]), int(self._input["shape"][3])
        self._find_out(path, told, self(_noise(self.size)))

    def __call__(self, images: npt.NDArray[np.uint8]) -> dict[str, Floats]:
        """See `Predictor`."""
        made: dict[str, list[Floats]] = {head: [] for head in self._heads}
        for start in range(0, len(images), 64):
            x = self._scaled(images[start : start + 64])
            self._interpreter.resize_tensor_input(self._input["index"], x.shape)
            self._interpreter.allocate_tensors()
            self._interpreter.set_tensor(self._input["index"], x)
            self._interpreter.invoke()
            for head, where in self._heads.items():
                detail = self._detail(where)
                out = self._interpreter.get_tensor(detail["index"])
                scale, zero = detail["quantization"]
                made[head].append(np.float32(scale) * (out.astype(np.float32) - zero) if scale else out)
        return {head: np.concatenate(parts) for head, parts in made.items()}

    def seconds_for_one(self) -> float:
        """See `Predictor`; the interpreter keeps the shape, so that only the run is timed."""
        shape = (1, self.size, self.size, self.channels)
        if tuple(self._interpreter.get_input_details()[0]["shape"]) != shape:
            self._interpreter.resize_tensor_input(self._input["index"], shape)
            self._interpreter.allocate_tensors()
            self._interpreter.set_tensor(self._input["index"], self._scaled(_noise(self.size)[:1]))
            self._interpreter.invoke()
        began = time.perf_counter()
        self._interpreter.invoke()
        return time.perf_counter() - began

    def _detail(self, where: int | str) -> Any:
        if isinstance(where, int):
            return self._outputs[where]
        return next(detail for detail in self._outputs if detail["name"] == where)

    def _scaled(self, images: npt.NDArray[np.uint8]) -> Any:
        x = self.values(images)
        if self._input["dtype"] is np.float32:
            return x
        scale, zero = self._input["quantization"]
        limits = np.iinfo(self._input["dtype"])
        return np.clip(np.round(x / scale + zero), limits.min, limits.max).astype(self._input["dtype"])


class Keras(_Network):
    """A Keras file, or weights with their architecture."""

    def __init__(self, path: Path, told: Told | None = None) -> None:
        told = told or Told()
        if not path.is_file():
            raise ModelError(f"{path}: no such network")
        self.network = keras_files.load(path, told.architecture)
        self.about = describe(path, told, _rescales(self.network))
        shape = self.network.input_shape
        side = told.side or (self.about.input.size or shape[1:])[0]
        if side is None and _rescales(self.network):
            side = SIDE
        if side is None or shape[1] not in (None, side):
            raise ModelError(
                f"{path}: takes faces of {shape[1] or 'any size'}", remedy=f"say {told.option}input SIDE"
            )
        self.size, self.channels = int(side), int(shape[3] or 1)
        self._find_out(path, told, self(_noise(self.size)))

    def __call__(self, images: npt.NDArray[np.uint8]) -> dict[str, Floats]:
        """See `Predictor`."""
        made = self.network.predict(self.values(images), batch_size=128, verbose=0)
        return dict(made) if isinstance(made, dict) else {"scores": made}

    def seconds_for_one(self) -> float:
        """See `Predictor`."""
        x = self.values(_noise(self.size)[:1])
        began = time.perf_counter()
        self.network(x, training=False)
        return time.perf_counter() - began


class Onnx(_Network):
    """An ONNX file in onnxruntime, on one thread."""

    def __init__(self, path: Path, told: Told | None = None) -> None:
        from smartselfie.classifiers import onnx_files

        told = told or Told()
        self.about = describe(path, told)
        self._session = onnx_files.load(path, path.read_bytes(), threads=1)
        side = told.side or (self.about.input.size or (None,))[0]
        self._layout = onnx_files.layout(path, self._session, side)
        self.size, self.channels = self._layout.height, self._layout.channels
        names = [output.name for output in self._session.get_outputs()]
        self._heads = {head: names.index(where) if isinstance(where, str) else where
                       for head, where in self.about.outputs.items()} or {"scores": 0}  # fmt: skip
        self._find_out(path, told, self(_noise(self.size)))

    def __call__(self, images: npt.NDArray[np.uint8]) -> dict[str, Floats]:
        """See `Predictor`."""
        made: dict[str, list[Floats]] = {head: [] for head in self._heads}
        for start in range(0, len(images), self._layout.batch or 64):
            x = self._layout.arrange(self.values(images[start : start + (self._layout.batch or 64)]))
            outputs = self._session.run(None, {self._layout.name: x})
            for head, where in self._heads.items():
                made[head].append(np.asarray(outputs[where], np.float32))
        return {head: np.concatenate(parts) for head, parts in made.items()}

    def seconds_for_one(self) -> float:
        """See `Predictor`."""
        x = self._layout.arrange(self.values(_noise(self.size)[:1]))
        began = time.perf_counter()
        self._session.run(None, {self._layout.name: x})
        return time.perf_counter() - began


def _rescales(network: Any) -> bool:
    """Whether what comes first in it is a rescaling layer, which takes gray values as they are."""
    names = [type(layer).__name__ for layer in network.layers]
    first = next((name for name in names if name not in ("InputLayer", "Concatenate")), "")
    return first == "Rescaling"


def latencies(predictors: Mapping[str, Predictor], runs: int = 300) -> dict[str, float]:
    """Return the median milliseconds for one face, by name; they take turns, so that load hits all alike."""
    taken: dict[str, list[float]] = {name: [] for name in predictors}
    for number in range(runs + 20):
        for name, predictor in predictors.items():
            seconds = predictor.seconds_for_one()
            if number >= 20:
                taken[name].append(seconds * 1000)
    return {name: float(np.median(each)) for name, each in taken.items()}
