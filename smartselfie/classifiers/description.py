"""What a network's file does not say itself: the JSON beside it, and how raw outputs become scores."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
)

from smartselfie.errors import ModelError
from smartselfie.records import CLASSES, Scores

Floats = npt.NDArray[np.float32]

EXAMPLE = (
    '{"classes": ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"], '
    '"input": {"size": [48, 48], "scale": 0.00392, "offset": 0}}'
)


OTHER_CLASSES = "name its classes in their order (classifier.classes, or classes in the JSON beside it)"
"""What to do about a network of another number of classes."""
SCALINGS: Mapping[str, tuple[float, float]] = {"0..255": (1, 0), "0..1": (1 / 255, 0), "-1..1": (2 / 255, -1)}
"""Usual ranges of gray values, as scale and offset."""

SMILING = "smiling"
"""The output that says whether a face is smiling: logits of not smiling, smiling, mouth covered."""


class _Part(BaseModel):
    """Unknown keys are kept and ignored: a description also tells people how the network was made."""

    model_config = ConfigDict(frozen=True, extra="allow")


class InputDescription(_Part):
    """What the network wants to see."""

    size: tuple[PositiveInt, PositiveInt] | None = None
    """Width and height of the crop in pixels; None: as the network's file says."""
    channels: Literal[1, 3] | None = None
    """1 gray, 3 the same gray three times; None: as the network's file says."""
    scale: float = 1.0
    """A pixel 0..255 is multiplied by this,"""
    offset: float = 0.0
    """and this is added."""

    def table(self) -> Floats:
        """Return the network's input value of each of the 256 pixel values."""
        return (np.arange(256) * self.scale + self.offset).astype(np.float32)


class Description(_Part):
    """What must be known of an expression network beyond its file."""

    name: str | None = None
    version: str | int | None = None
    classes: tuple[str, ...] = CLASSES
    """What each of the outputs means, in the network's own order."""
    input: InputDescription = InputDescription()
    outputs: Mapping[str, int | str] = Field(default_factory=dict)
    """The network's heads: our name -> index among its outputs, or the output's own name."""
    read: str | None = None
    """The head to read; None: the first output."""
    activation: Literal["softmax", "logits"] = "softmax"
    """What the outputs are: probabilities already, or logits."""
    temperature: Mapping[str, PositiveFloat] = Field(default_factory=dict)
    """Per head: what the logits are divided by, so that probabilities mean what they say."""
    expression: tuple[str, ...] = ("happy",)
    """What a picture is wanted of, which the scores pass on; set by the program."""
    sha256: str | Mapping[str, str] | None = None
    """Of the file beside it, or file name -> hash; None: not checked."""
    accuracy: Mapping[str, float] | float | None = None
    """Measured share of right answers, 0..1, perhaps by data set."""

    @field_validator("accuracy", mode="before")
    @classmethod
    def _shares_of_reports(cls, accuracy: object) -> object:
        """Take the shares out of whole reports, as `evaluate --record` stores them by data set."""
        if not isinstance(accuracy, Mapping):
            return accuracy
        shares: dict[str, object] = {}
        for data, told in accuracy.items():
            if isinstance(told, Mapping):
                for labels, figures in told.get("model", {}).get("labels", {}).items():
                    shares[f"{data}, {labels}"] = figures["accuracy"]
            else:
                shares[data] = told
        return shares

    @field_validator("classes")
    @classmethod
    def _known_classes(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        classes = tuple(name.strip().lower() for name in classes)
        missing = [name for name in CLASSES if name not in classes]
        for name in classes:
            near = [] if name in CLASSES else difflib.get_close_matches(name, missing, 1, 0.7)
            if near:
                raise ValueError(f"unknown class '{name}', did you mean '{near[0]}'")
        if len(classes) < 2 or len(set(classes)) < len(classes) or "" in classes:
            raise ValueError(
                f"need two classes or more, each once, such as {', '.join(CLASSES)}; "
                f"got {len(classes)}: {', '.join(classes)}"
            )
        return classes

    @property
    def known(self) -> tuple[str, ...]:
        """The classes in the order of the scores: FER2013's first and in their order, then the others."""
        return tuple(sorted(self.classes, key=lambda name: (*CLASSES, name).index(name)))

    @property
    def order(self) -> tuple[int, ...]:
        """Which of the network's outputs holds each of the `known` classes."""
        return tuple(self.classes.index(name) for name in self.known)

    @property
    def head(self) -> int | str:
        """The output to read: an index among the network's outputs, or a name."""
        if self.read is None:
            return 0
        return self.outputs.get(self.read, self.read)

    @property
    def label(self) -> str:
        """Name and version as people write them, such as "expression 1.0"."""
        return " ".join(str(part) for part in (self.name, self.version) if part is not None)

    @property
    def accuracy_in_words(self) -> str:
        """The measured accuracy as people write it, such as "fer2013 66.1 %"; empty when it is not known."""
        match self.accuracy:
            case None:
                return ""
            case float(share):
                return f"{100 * share:.1f} % right"
            case by_data:
                return ", ".join(f"{name} {100 * share:.1f} %" for name, share in by_data.items())

    def scores(self, raw: Floats, smiles: Floats | None = None) -> list[Scores]:
        """Turn (N, C) raw outputs into scores in the order of the `known` classes.

        `smiles` are the (N, 3) logits of `SMILING`, where the network has that output. Raises `ModelError`
        when they cannot be what `activation` says.
        """
        if not np.isfinite(raw).all() or (smiles is not None and not np.isfinite(smiles).all()):
            raise ModelError(
                "the network's output is not a number: its file is damaged or its scaling is wrong"
            )
        logits = raw.astype(np.float64)
        if self.activation == "softmax":
            if raw.size and (raw.min() < -0.01 or np.abs(raw.sum(axis=1) - 1).max() > 0.1):
                raise ModelError(
                    "the network's outputs are not probabilities: "
                    'write "activation": "logits" into the JSON beside it'
                )
            logits = np.log(np.maximum(logits, 1e-12))
        logits /= self.temperature.get(self.read, 1.0) if self.read is not None else 1.0
        rows = _softmax(logits)[:, self.order].tolist()
        if smiles is None:
            return [Scores(tuple(row), None, None, self.known, self.expression) for row in rows]
        seen = _softmax(smiles / self.temperature.get(SMILING, 1.0)).tolist()
        both = zip(rows, seen, strict=True)
        return [Scores(tuple(row), s[1], s[2], self.known, self.expression) for row, s in both]


def read_description(model: Path) -> Description | None:
    """Read the JSON beside a network's file: `model.tflite.json`, else `model.json`; None without one.

    A `model.json` that holds a network's architecture, as older projects ship it, is none.
    Raises `ModelError` when it is malformed.
    """
    for path in (model.with_name(f"{model.name}.json"), model.with_suffix(".json")):
        if not path.is_file():
            continue
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"{path}: cannot be read as JSON: {error}") from error
        if not isinstance(content, dict):
            raise ModelError(f"{path}: need a JSON object such as {EXAMPLE}")
        if "class_name" in content and "config" in content:
            continue
        try:
            return Description.model_validate(content)
        except ValidationError as error:
            raise ModelError(f"{path}: {_one_line(error)}") from error
    return None


def describe(
    model: Path, data: bytes, *, classes: Sequence[str] | None = None, scaling: str | None = None
) -> Description:
    """Return the description of the network `data` that was read from `model`.

    That is the JSON beside it; without one `scaling` (a key of `SCALINGS`) says enough, with `classes` where
    its order is not that of `CLASSES`. Raises `ModelError` when there is neither, or they do not fit.
    """
    description = read_description(model)
    if description is not None:
        _check_hash(model, data, description)
        return description
    if scaling is None:
        raise ModelError(
            f"{model}: it is not known what it wants to see",
            remedy=f"set classifier.scaling, or write {model.stem}.json beside it, such as {EXAMPLE}",
        )
    if scaling not in SCALINGS:
        raise ModelError(f"unknown scaling {scaling!r} (known: {', '.join(SCALINGS)})")
    scale, offset = SCALINGS[scaling]
    try:
        return Description(
            name=model.stem,
            classes=tuple(classes or CLASSES),
            input=InputDescription(scale=scale, offset=offset),
        )
    except ValidationError as error:
        raise ModelError(_one_line(error)) from error


def _check_hash(model: Path, data: bytes, description: Description) -> None:
    """Raise `ModelError` when the file is not the one that was described.

    A single hash in a JSON that several formats of one network share is that of the .tflite.
    """
    expected = description.sha256
    if isinstance(expected, Mapping):
        expected = expected.get(model.name)
    elif model.suffix != ".tflite" and model.with_suffix(".tflite").exists():
        return
    if expected and hashlib.sha256(data).hexdigest() != expected.lower():
        raise ModelError(
            f"{model}: changed file: its SHA-256 is not the one in the JSON beside it",
            remedy="bring the two that belong together, or remove sha256 there",
        )


def _softmax(logits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)


def _one_line(error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        lines.append(f"{key}: {item['msg'].removeprefix('Value error, ')}")
    return "; ".join(lines)
