"""Networks of any file format behind one call, for measuring them side by side."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from smartselfie.classifiers.description import Description, InputDescription, read_description
from smartselfie.errors import ModelError
from smartselfie.training.augment import resize
from smartselfie.training.datasets import Floats
from smartselfie.training.distil import softmax


class Predictor(Protocol):
    """A network that can be measured."""

    about: Description

    def __call__(self, images: npt.NDArray[np.uint8]) -> dict[str, Floats]:
        """Return (N, 7) float32 logits or probabilities by head for (N, 48, 48) uint8 faces."""
        ...

    def seconds_for_one(self) -> float:
        """Run once on one face, on one thread where that can be chosen; returns how long it took."""
        ...


def describe(path: Path) -> Description:
    """Return what the JSON beside the network says.

    Without one a .keras file is taken for one that this package trained (logits, rescaling inside), any
    other for the mini-Xception that hobby projects use (softmax, -1..1). ModelError when there is no file.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such network")
    found = read_description(path)
    if found is not None:
        return found
    if path.suffix == ".keras":
        return Description(name=path.stem, activation="logits")
    return Description(name=path.stem, input=InputDescription(scale=2 / 255, offset=-1))


def probabilities(outputs: Floats, about: Description, head: str, calibrated: bool = True) -> Floats:
    """Return (N, 7) float32 probabilities in the order of `CLASSES`, with its temperature or without."""
    temperature = about.temperature.get(head, 1.0) if calibrated else 1.0
    if about.activation == "logits":
        found = softmax(outputs / np.float32(temperature))
    else:
        found = outputs / outputs.sum(axis=1, keepdims=True)
    return found[:, list(about.order)]


def sha256(path: Path) -> str:
    """Return the file's SHA-256 in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load(path: Path) -> Predictor:
    """Load a .tflite, .keras, .h5 or .hdf5 network; ModelError when it cannot be."""
    if path.suffix == ".tflite":
        return LiteRT(path)
    if path.suffix in (".keras", ".h5", ".hdf5"):
        return Keras(path)
    raise ModelError(f"{path}: need a .tflite, .keras, .h5 or .hdf5 file")


class LiteRT:
    """A LiteRT file on one thread."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self.about = describe(path)
        try:
            self._interpreter = Interpreter(str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{path}: not a LiteRT network ({error})") from error
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = self._interpreter.get_output_details()
        self._heads = dict(self.about.outputs) or {"scores": 0}
        self.size = int(self._input["shape"][1])

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
        shape = (1, self.size, self.size, 1)
        if tuple(self._interpreter.get_input_details()[0]["shape"]) != shape:
            self._interpreter.resize_tensor_input(self._input["index"], shape)
            self._interpreter.allocate_tensors()
            self._interpreter.set_tensor(
                self._input["index"], self._scaled(np.full((1, 48, 48), 100, np.uint8))
            )
            self._interpreter.invoke()
        began = time.perf_counter()
        self._interpreter.invoke()
        return time.perf_counter() - began

    def _detail(self, where: int | str) -> Any:
        if isinstance(where, int):
            return self._outputs[where]
        return next(detail for detail in self._outputs if detail["name"] == where)

    def _scaled(self, images: npt.NDArray[np.uint8]) -> Any:
        x = resize(images, self.size) * np.float32(self.about.input.scale) + np.float32(
            self.about.input.offset
        )
        if self._input["dtype"] is np.float32:
            return x
        scale, zero = self._input["quantization"]
        limits = np.iinfo(self._input["dtype"])
        return np.clip(np.round(x / scale + zero), limits.min, limits.max).astype(self._input["dtype"])


class Keras:
    """A Keras file; one that this package trained needs no description."""

    def __init__(self, path: Path) -> None:
        import keras

        self.about = describe(path)
        try:
            self.network = keras.saving.load_model(path, compile=False)
        except (OSError, ValueError, TypeError) as error:
            raise ModelError(f"{path}: not a Keras network ({error})") from error
        self.size = int(self.network.input_shape[1] or 48)

    def __call__(self, images: npt.NDArray[np.uint8]) -> dict[str, Floats]:
        """See `Predictor`."""
        made = self.network.predict(self._scaled(images), batch_size=128, verbose=0)
        return dict(made) if isinstance(made, dict) else {"scores": made}

    def seconds_for_one(self) -> float:
        """See `Predictor`."""
        x = self._scaled(np.full((1, 48, 48), 100, np.uint8))
        began = time.perf_counter()
        self.network(x, training=False)
        return time.perf_counter() - began

    def _scaled(self, images: npt.NDArray[np.uint8]) -> Floats:
        return resize(images, self.size) * np.float32(self.about.input.scale) + np.float32(
            self.about.input.offset
        )


def latencies(predictors: Mapping[str, Predictor], runs: int = 300) -> dict[str, float]:
    """Return the median milliseconds for one face, by name; they take turns, so that load hits all alike."""
    taken: dict[str, list[float]] = {name: [] for name in predictors}
    for number in range(runs + 20):
        for name, predictor in predictors.items():
            seconds = predictor.seconds_for_one()
            if number >= 20:
                taken[name].append(seconds * 1000)
    return {name: float(np.median(each)) for name, each in taken.items()}
