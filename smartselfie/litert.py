"""A .tflite network: where the ones that ship lie, read, checked against its description, and loaded."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from smartselfie.errors import ModelError
from smartselfie.quiet import without_lines


class Quantisation(NamedTuple):
    """value = (number - zero) * scale; scale 0: the numbers are the values."""

    scale: float
    zero: int


def shipped(name: str, setting: str, folders: Sequence[Path] | None = None) -> Path:
    """Return the network `name` that ships: the one in the first of `folders` that has it.

    Without `folders` these are `smartselfie/model` of an installed package and `model/` beside the package in
    a checkout. Raises `ModelError`, which names the `setting` that takes another, when none has it.
    """
    folders = _model_folders() if folders is None else folders
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise ModelError(
        f"{name}, the network that ships, is not in {' nor in '.join(map(str, folders))}",
        remedy=f"install smartselfie again, or set {setting}",
    )


def _model_folders() -> list[Path]:
    package = Path(__file__).resolve().parent
    folders = [package / "model", package.parent / "model"]
    with contextlib.suppress(ModuleNotFoundError):  # some editable installs map the name to the checkout
        folders += [Path(folder) for folder in import_module("smartselfie.model").__path__]
    return list(dict.fromkeys(folders))


def read(model: Path, setting: str, *, remedy: str = "") -> bytes:
    """Return the bytes of a .tflite file.

    ModelError names the `setting` of a file that is missing, the `remedy` for one of another kind.
    """
    try:
        data = model.read_bytes()
    except OSError as error:
        raise ModelError(f"{model}: {error.strerror}", remedy=f"set {setting} to a .tflite file") from error
    if data[4:8] != b"TFL3":
        raise ModelError(f"{model}: is no .tflite network", remedy=remedy)
    return data


def load(model: Path, data: bytes, threads: int, shape: tuple[int, ...] | None = None) -> Any:
    """Return LiteRT's interpreter of the network `data`, ready to run. ModelError when it is none.

    `shape`: of its input, for a network that leaves its sides open.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ModelError(
            f"ai-edge-litert is missing ({error})", remedy="pip install ai-edge-litert"
        ) from error
    try:
        with without_lines(rb"^INFO: "):
            interpreter = Interpreter(model_content=data, num_threads=threads)
            if shape is not None:
                interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], shape)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{model}: cannot be loaded: {first_line(error)}") from error
    return interpreter


def quantisation(tensor: dict[str, Any]) -> Quantisation:
    """Return how the numbers of a tensor (of `get_input_details` and the like) stand for values."""
    if np.issubdtype(tensor["dtype"], np.floating):
        return Quantisation(0.0, 0)
    scale, zero = tensor["quantization"]
    return Quantisation(float(scale), int(zero))


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, shortened, for messages of one line."""
    return textwrap.shorten((str(error).strip().splitlines() or [type(error).__name__])[0], 200)
