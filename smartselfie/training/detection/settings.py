"""All that decides how a run of the detector goes: stored in the run's folder, read again by --resume."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from smartselfie.errors import DataError


@dataclass(frozen=True, slots=True)
class FitSettings:
    """All that decides how a run goes."""

    data: tuple[str, ...] = ("data/detection.npz",)
    """Files that `prepare --task detection` wrote."""
    steps: int = 20_000
    batch: int = 32
    size: int = 256
    """Side of the training pictures."""
    rate: float = 2e-3
    """Peak learning rate of AdamW: linear warm-up, then a cosine to a hundredth."""
    warm_up: int = 500
    """Steps."""
    weight_decay: float = 0.02
    ema: float = 0.999
    """Decay a step of the averaged weights, which are the ones that are kept."""
    precision: str = "mixed_bfloat16"
    """Keras' policy: mixed_bfloat16 is two to four times faster on processors that have it."""
    start: str | None = None
    """A network to start from."""
    hard: str | None = None
    """A file with names of pictures that are drawn more often, one a line."""
    workers: int = 1
    """Processes that make pictures; a step sees the same whatever their number."""
    check_every: int = 1000
    """Steps between two measures of the pictures held back, after which the run is stored."""
    seed: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of `network.face`."""

    def rate_at(self, step: int) -> float:
        """Learning rate at a step."""
        if step < self.warm_up:
            return self.rate * (step + 1) / self.warm_up
        share = (step - self.warm_up) / max(1, self.steps - self.warm_up)
        return self.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))


def read(path: Path) -> FitSettings:
    """Read a run's settings.json; DataError when it is missing or not one."""
    try:
        stored = json.loads(path.read_text())
        return FitSettings(**{**stored, "data": tuple(stored["data"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not the settings of a detector's run ({error})") from error


def write(settings: FitSettings, path: Path) -> None:
    """Write what `read` reads."""
    path.write_text(json.dumps(asdict(settings), indent=2) + "\n")
