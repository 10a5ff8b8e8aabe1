"""Reads networks in the formats of Keras 1 to 3."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

from smartselfie.errors import ModelError
from smartselfie.litert import first_line
from smartselfie.quiet import without_lines

GREETINGS = rb"^I0000 |^WARNING: All log messages|^To enable the following|cuda_|cudart_|cuInit"
"""What TensorFlow writes to a terminal while it finds no graphics card and starts on the processor."""
HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"


def read(path: Path) -> bytes:
    """Return the file's bytes; ModelError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{path}: {error.strerror}", remedy="set classifier.model to a Keras file"
        ) from error


def import_keras(threads: int | None = None) -> Any:
    """Import Keras without its backend's greetings; `threads` counts only for the first import."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if threads is not None:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))
    try:
        with without_lines(GREETINGS):
            import keras

            keras.ops.zeros(1)  # the backend greets when it first computes
    except ImportError as error:
        raise ModelError(
            f"Keras is missing ({first_line(error)}): pip install 'smartselfie[train]', "
            "or set classifier.kind to litert"
        ) from error
    return keras


def load(model: Path, architecture: Path | None = None) -> Any:
    """Load a network of Keras 1 to 3, from one file or from weights and an architecture. Raises ModelError.

    Without `architecture` weights take the .json beside them.
    """
    keras = import_keras()
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
        config = json.loads(read(architecture).decode("utf-8", errors="replace"))
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
