"""ONNX networks in onnxruntime: loaded, and what their input looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from smartselfie.classifiers.description import Floats
from smartselfie.errors import ModelError
from smartselfie.litert import first_line


class Layout(NamedTuple):
    """How a network wants its faces."""

    name: str
    """Of the input."""
    height: int
    width: int
    channels: int
    channels_first: bool
    """(N, C, H, W), as PyTorch writes it; else (N, H, W, C), as Keras does."""
    batch: int | None
    """The only number of faces it takes at once; None: any."""

    def arrange(self, faces: Floats) -> Floats:
        """Return (N, H, W, C) float32 faces in the network's order of axes."""
        return np.ascontiguousarray(faces.transpose(0, 3, 1, 2)) if self.channels_first else faces


def load(model: Path, data: bytes, threads: int) -> Any:
    """Return onnxruntime's session of the network `data`. ModelError when it is none, or that is missing."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            f"onnxruntime is missing ({first_line(error)})", remedy="pip install 'smartselfie[onnx]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions have no common class
        raise ModelError(f"{model}: cannot be loaded: {first_line(error)}") from error


def layout(model: Path, session: Any, side: int | None = None) -> Layout:
    """Return what the network's one input looks like; `side` where it takes faces of any size.

    Raises ModelError.
    """
    inputs = session.get_inputs()
    shape = inputs[0].shape
    if len(inputs) != 1 or len(shape) != 4 or inputs[0].type != "tensor(float)":
        raise ModelError(
            f"{model}: needs one input of (N, 1 or 3, H, W) or (N, H, W, 1 or 3) floats, has "
            + ", ".join(f"{each.name} {each.shape} {each.type}" for each in inputs)
        )
    sides = [each if isinstance(each, int) else None for each in shape]
    first = sides[1] in (1, 3)
    if not first and sides[3] not in (1, 3):
        raise ModelError(f"{model}: input has shape {shape}", remedy="need 1 or 3 channels, first or last")
    batch, channels = sides[0], sides[1 if first else 3]
    height, width = (each or side for each in (sides[2:] if first else sides[1:3]))
    if height is None or width is None:
        raise ModelError(
            f"{model}: takes faces of any size", remedy="write input.size into the JSON beside it"
        )
    return Layout(inputs[0].name, height, width, int(channels or 1), first, batch)
