"""All that decides how a run goes: typed, stored in the run's folder, and read again by --resume."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from smartselfie.errors import DataError, UsageError
from smartselfie.training.augment import Augmentation


@dataclass(frozen=True, slots=True)
class FitSettings:
    """All that decides how a run goes; it is stored in the run's folder."""

    data: str = "data/faces.npz"
    """The file of prepared faces."""
    network: str = "smile"
    heads: tuple[str, ...] = ("ferplus", "fer2013")
    """One output each: ferplus, fer2013, smiling or blend."""
    beside: tuple[str, ...] = ()
    """Files of further prepared faces to learn from and choose by, such as hard ones; teachers do not cover
    them."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """What a head's loss counts for; 1 where nothing is said."""
    epochs: int = 30
    batch: int = 128
    rate: float = 0.1
    """Peak learning rate: linear warm-up, then a cosine to 0."""
    optimizer: str = "sgd"
    """sgd (with Nesterov momentum 0.9) or adamw (Loshchilov and Hutter 2019)."""
    warm_up: float = 0.05
    """Share of the run."""
    minutes: float | None = None
    """Fit the schedule to this much time instead of to `epochs`: each epoch's share of it is set when the one
    before ends, and is stored, so that a resumed run repeats the epoch it was killed in all the same."""
    weight_decay: float = 5e-4
    """L2, as the papers state it for SGD with momentum."""
    smoothing: float = 0.1
    """Label smoothing of FER2013's labels."""
    blend: float = 0.5
    """Share of FER2013's label in the targets of a `blend` head."""
    mixup: float = 0.0
    """alpha of mixup (Zhang et al. 2018); 0 is off."""
    ema: float = 0.998
    """Decay a step of the averaged weights, which are the ones that are kept."""
    class_weights: bool = False
    """Weigh rare classes up, by the square root of their rarity."""
    sizes: tuple[tuple[float, int], ...] = ((0.0, 48),)
    """From which share of the run on faces have which side: small first is faster (Tan and Le 2021)."""
    calm: float = 1.0
    """From which share of the run on faces are changed half as much, to end on faces as they are."""
    patience: int | None = None
    """Stop after so many epochs without a better PublicTest accuracy."""
    teachers: tuple[str, ...] = ()
    """Files of stored soft labels to distil from."""
    distil: float = 0.7
    """Share of the teachers' soft labels in the targets."""
    start: str | None = None
    """File of the network of an earlier run, or of a narrower `smile`, to start from its weights."""
    precision: str = "float32"
    """Of a step: float32, or mixed (`precision.twin`)."""
    seed: int = 1
    augmentation: Augmentation = field(default_factory=Augmentation)
    options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the network."""

    def augmentation_at(self, progress: float) -> Augmentation:
        """How faces are changed at a share 0..1 of the run."""
        return self.augmentation if progress < self.calm else self.augmentation.halved()

    def size_at(self, progress: float) -> int:
        """Side of the faces at a share 0..1 of the run."""
        return [size for start, size in self.sizes if start <= progress + 1e-9][-1]

    def rate_at(self, progress: float) -> float:
        """Learning rate at a share 0..1 of the run."""
        if progress < self.warm_up:
            return self.rate * (progress / self.warm_up + 0.01)
        return (
            self.rate
            * 0.5
            * (1 + math.cos(math.pi * (progress - self.warm_up) / max(1e-9, 1 - self.warm_up)))
        )

    def share_of_next(self, epochs_done: int, progress: float, spent: float, last: float) -> float:
        """Return the share of the run that the next epoch is; `spent` and `last` are seconds."""
        if self.minutes is None:
            left = self.epochs - epochs_done
        elif not epochs_done:
            return 1 / self.epochs
        else:
            left = round((self.minutes * 60 - spent) / max(last, 1e-3))
        return (1 - progress) / max(1, left)


RECIPES: Mapping[str, Mapping[str, Any]] = {
    "mini_xception": {"rate": 0.01, "weight_decay": 0.0, "smoothing": 0.0},  # it has L2 in its layers
    "cnn4": {"rate": 0.05, "smoothing": 0.0},
    "vgg": {"rate": 0.01, "weight_decay": 1e-4, "batch": 64},  # its authors'; at 0.1 it diverges
    "vgg16_bottleneck": {"rate": 0.01},
}
"""What a network's settings are where nobody says otherwise, if not `FitSettings`'."""


def default(network: str, optimizer: str | None = None) -> FitSettings:
    """Return a network's own settings; adamw has rates of its own."""
    chosen = replace(FitSettings(network=network), **RECIPES.get(network, {}))
    if optimizer == "adamw":
        return replace(chosen, optimizer=optimizer, rate=1e-3, weight_decay=0.01)
    return chosen


def read(path: Path) -> FitSettings:
    """Read a run's settings.json; DataError when it is missing or not one."""
    try:
        stored: Mapping[str, Any] = json.loads(path.read_text())
        return FitSettings(
            **{
                **stored,
                "heads": tuple(stored["heads"]),
                "teachers": tuple(stored["teachers"]),
                "beside": tuple(stored.get("beside", ())),
                "sizes": tuple((float(start), int(size)) for start, size in stored["sizes"]),
                "augmentation": Augmentation(**stored["augmentation"]),
            }
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not the settings of a run ({error})") from error


def read_sizes(text: str) -> tuple[tuple[float, int], ...]:
    """Read `0:32,0.4:48`: from which share of the run on faces have which side. Raises UsageError."""
    try:
        sizes = tuple(
            (float(start), int(side)) for start, side in (part.split(":") for part in text.split(","))
        )
    except ValueError as error:
        raise UsageError(f"sizes {text!r}: need SHARE:SIDE,... such as 0:32,0.4:48 ({error})") from error
    starts = [start for start, _ in sizes]
    if starts[0] != 0 or starts != sorted(starts) or starts[-1] >= 1 or min(side for _, side in sizes) < 16:
        raise UsageError(f"sizes {text!r}: shares must start at 0 and grow below 1, sides be at least 16")
    return sizes


def read_widths(text: str) -> tuple[int, int, int]:
    """Read `64,128,256`: the channels of the three stages. Raises UsageError."""
    try:
        first, second, third = map(int, text.split(","))
    except ValueError as error:
        raise UsageError(f"widths {text!r}: need three numbers such as 64,128,256 ({error})") from error
    if min(first, second, third) < 8:
        raise UsageError(f"widths {text!r}: each must be at least 8")
    return first, second, third
