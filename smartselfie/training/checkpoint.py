"""The state of a run in one file, replaced atomically."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from smartselfie.errors import DataError


@dataclass(slots=True)
class FitState:
    """All of a run that changes and is not in the network or its optimizer."""

    averages: list[Any]
    """Exponential moving averages of the network's weights, its batch statistics included: float32 arrays,
    with PyTorch its own tensors, which stay on the device."""
    faces: str = ""
    """`datasets.fingerprint` of those that the run was begun with."""
    labels: str = ""
    """`datasets.fingerprint_labels` of the same."""
    epoch: int = 0
    """Epochs done."""
    step: int = 0
    progress: float = 0.0
    """Share of the run that is done."""
    share: float | None = None
    """Share that the next epoch will be."""
    spent: float = 0.0
    """Seconds."""
    best: float = -1.0
    best_epoch: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, network: Any, faces: str = "", labels: str = "") -> FitState:
        """Return the state before the first step."""
        own = _own([keras.ops.convert_to_numpy(weight).copy() for weight in network.weights])
        return cls(own, faces, labels)

    def average(self, network: Any, decay: float) -> None:
        """Move the averages towards the present weights; early on faster, so that they forget the start."""
        self.step += 1
        decay = min(decay, (1 + self.step) / (10 + self.step))
        if keras.backend.backend() == "torch":
            import torch

            with torch.no_grad():
                torch._foreach_lerp_(self.averages, [each.value.data for each in network.weights], 1 - decay)
            return
        for mean, weight in zip(self.averages, network.weights, strict=True):
            mean += (1 - decay) * (keras.ops.convert_to_numpy(weight) - mean)


def _own(arrays: list[npt.NDArray[np.float32]]) -> list[Any]:
    """Return arrays as the backend averages them quickest."""
    if keras.backend.backend() != "torch":
        return list(arrays)
    return [keras.ops.convert_to_tensor(each) for each in arrays]


def _variables(network: Any) -> list[Any]:
    """Everything a step changes: weights, batch statistics, the random seeds of layers, the optimizer."""
    metrics = {id(variable) for variable in network.metrics_variables}
    own = [variable for variable in network.variables if id(variable) not in metrics]
    return own + list(network.optimizer.variables)


def save(state: FitState, network: Any, path: Path) -> None:
    """Write the state so that a kill at any moment leaves the old file or the new one."""
    network.optimizer.build(network.trainable_variables)
    arrays = {f"variable_{n}": keras.ops.convert_to_numpy(v) for n, v in enumerate(_variables(network))}
    arrays |= {f"average_{n}": keras.ops.convert_to_numpy(mean) for n, mean in enumerate(state.averages)}
    about = {f.name: getattr(state, f.name) for f in fields(state) if f.name != "averages"}
    temporary = path.with_name("writing-" + path.name)
    with temporary.open("wb") as file:
        np.savez(file, about=np.array(json.dumps(about)), **arrays)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load(path: Path, network: Any) -> FitState:
    """Put the stored values into the network and its optimizer; returns the rest.

    DataError when the file is broken or belongs to another network.
    """
    network.optimizer.build(network.trainable_variables)
    variables = _variables(network)
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            values = [file[f"variable_{n}"] for n in range(len(variables))]
            averages = [file[f"average_{n}"] for n in range(len(network.weights))]
            if f"variable_{len(variables)}" in file:
                raise DataError(f"{path}: belongs to another network")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not a state that this run can go on from ({error})") from error
    if any(value.shape != tuple(v.shape) for value, v in zip(values, variables, strict=True)):
        raise DataError(f"{path}: belongs to another network")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return FitState(_own(averages), **about)
