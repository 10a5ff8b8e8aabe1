"""A classifier for ONNX networks, as PyTorch and most others write them; needs onnxruntime."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import model_validator

from smartselfie.classifiers import NetworkSettings, onnx_files
from smartselfie.classifiers.description import OTHER_CLASSES, SMILING, Description, describe
from smartselfie.errors import ModelError
from smartselfie.records import Image, Scores
from smartselfie.schema.fields import broken_rule, setting
from smartselfie.schema.values import PathSetting


class Settings(NetworkSettings):
    """The settings of onnx."""

    kind: Literal["onnx"] = "onnx"
    model: PathSetting | None = setting(
        None, "The network's file: .onnx.", private=True, example="model/mine.onnx"
    )

    @model_validator(mode="after")
    def _needs_its_file(self) -> Self:
        if self.model is None:
            raise broken_rule(
                ("model", "kind"), "kind onnx needs the path of a .onnx file in classifier.model"
            )
        return self


def build(settings: Settings, *, threads: int) -> OnnxClassifier:
    """Load the network. Raises `ModelError`."""
    assert settings.model is not None
    return OnnxClassifier(
        Path(settings.model), threads=threads, classes=settings.classes, scaling=settings.scaling
    )


class OnnxClassifier:
    """Scores crops with a .onnx network, channels first or last, from any thread.

    What it wants to see is said by the JSON beside it, else by `scaling` and `classes` (see
    `classifiers.description.describe`). Raises `ModelError` when the file is missing, of another kind, does
    not fit its description, or onnxruntime is not installed.
    """

    input_size: tuple[int, int]
    """Width and height of the crops it wants."""
    description: Description

    def __init__(
        self,
        model: Path,
        *,
        threads: int = 1,
        classes: Sequence[str] | None = None,
        scaling: str | None = None,
    ) -> None:
        self.model = model
        try:
            data = model.read_bytes()
        except OSError as error:
            raise ModelError(
                f"{model}: {error.strerror}", remedy="set classifier.model to a .onnx file"
            ) from error
        self.description = described = describe(model, data, classes=classes, scaling=scaling)
        self._session: Any = onnx_files.load(model, data, threads)
        wanted = described.input
        self._layout = found = onnx_files.layout(model, self._session, (wanted.size or (None,))[0])
        said = (*(wanted.size or (found.width, found.height)), wanted.channels or found.channels)
        if said != (found.width, found.height, found.channels):
            raise ModelError(
                f"{model}: takes {found.width}x{found.height} with {found.channels} channels, "
                f"its description says {said[0]}x{said[1]} with {said[2]}"
            )
        self.input_size = found.width, found.height
        outputs = self._session.get_outputs()
        self._names = [_choose_output(model, outputs, described.head, len(described.classes))]
        if SMILING in described.outputs:
            self._names.append(_choose_output(model, outputs, described.outputs[SMILING], 3))
        self._table = wanted.table()
        self._lock = threading.Lock()

    def __call__(self, crops: Image) -> list[Scores]:
        """Return the scores of (N, H, W) uint8 gray crops of `input_size`; N may be 0."""
        width, height = self.input_size
        if crops.ndim != 3 or crops.shape[1:] != (height, width):
            raise ValueError(f"need crops of shape (N, {height}, {width}), got {crops.shape}")
        if not len(crops):
            return []
        values = np.repeat(self._table[crops][..., np.newaxis], self._layout.channels, axis=-1)
        count = self._layout.batch or len(values)
        made: list[list[Any]] = [[] for _ in self._names]
        with self._lock:
            for start in range(0, len(values), count):
                part = values[start : start + count]
                short = count - len(part)
                if short:  # it takes no fewer
                    part = np.concatenate([part, np.repeat(part[:1], short, axis=0)])
                outputs = self._session.run(self._names, {self._layout.name: self._layout.arrange(part)})
                for kept, output in zip(made, outputs, strict=True):
                    kept.append(np.asarray(output, np.float32)[: count - short])
        return self.description.scores(*(np.concatenate(each) for each in made))


def _choose_output(model: Path, outputs: Sequence[Any], head: int | str, classes: int) -> str:
    """Return the name of the output to read, an index or a name, which must have so many classes."""
    names = [output.name for output in outputs]
    if head not in names and head not in range(len(names)):
        raise ModelError(f"{model}: has no output {head!r}, its outputs are {', '.join(names)}")
    index = names.index(head) if isinstance(head, str) else head
    shape = outputs[index].shape
    if len(shape) != 2 or shape[1] != classes:
        raise ModelError(
            f"{model}: output {names[index]!r} has shape {shape}, expected (N, {classes})",
            remedy=OTHER_CLASSES,
        )
    return str(names[index])
