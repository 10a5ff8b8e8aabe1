"""`smartselfie train`: a network from labelled faces."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smartselfie.errors import UsageError
from smartselfie.training.commands import detection
from smartselfie.training.commands import train_options as options
from smartselfie.training.commands.options import Verbose, command_line

if TYPE_CHECKING:
    from smartselfie.training.datasets import Faces
    from smartselfie.training.settings import FitSettings


HEADS = {
    "both": ("ferplus", "fer2013"),
    "ferplus": ("ferplus",),
    "fer2013": ("fer2013",),
    "blend": ("blend",),
    "all": ("ferplus", "fer2013", "smiling"),
}

FACE_PRECISIONS = {"float32": "float32", "mixed": "mixed_bfloat16"}
"""Keras' policies by number format."""

EXAMPLES = """
Examples:

    smartselfie train --network smile --run runs/smile

    smartselfie train --run runs/smile --resume            after a kill, or a power cut

    smartselfie train --minutes 90 --sizes 0:32,0.4:40,0.65:48

    smartselfie train --widths 64,128,256 --run runs/big

    smartselfie train --teachers model/soft/big.npz --distil 0.7

    smartselfie train --from model/expression.keras --rate 0.05 --run runs/longer

    smartselfie train --config runs/smile/settings.json --seed 2 --run runs/again

    smartselfie train --network mine:wide --run runs/mine      the function wide of mine.py

    smartselfie train --network face --data data/detection.npz --steps 20000 --run runs/face     a detector
"""


CHANGEABLE = ("minutes", "calm", "data")
"""What a resumed run takes anew."""


def train(
    data: options.Data = None,
    run: options.Run = Path("runs/smile"),
    resume: options.Resume = False,
    config: options.Config = None,
    network: options.Network = None,
    labels: options.Labels = None,
    epochs: options.Epochs = None,
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    batch: options.Batch = None,
    rate: options.Rate = None,
    optimizer: options.Optimize = None,
    sizes: options.Sizes = None,
    weight_decay: options.Decay = None,
    smoothing: options.Smoothing = None,
    blend: options.Blend = None,
    mixup: options.Mixup = None,
    erase: options.Erase = None,
    degrade: options.Degrade = None,
    augment: options.Augment = None,
    ema: options.Ema = None,
    hard: options.Hard = None,
    workers: options.Workers = None,
    class_weights: options.ClassWeights = None,
    calm: options.Calm = None,
    patience: options.Patience = None,
    teachers: options.Teachers = None,
    beside: options.Beside = None,
    distil: options.Distil = None,
    widths: options.Widths = None,
    weights: options.Weights = None,
    start: options.Start = None,
    precision: options.StepPrecision = None,
    seed: options.Seed = None,
    tensorboard: options.TensorBoard = False,
    verbose: Verbose = 0,
) -> None:
    """Train a network; every choice is made on PublicTest, or on training pictures held back."""
    given = {
        name: value
        for name, value in locals().items()
        if value is not None and name not in ("run", "resume", "config", "tensorboard", "verbose")
    }
    if network == "face" or (resume and detection.is_run(run / "network.keras")):
        _train_detector(given, run, resume)
        return
    if only := [f"--{name}" for name in ("steps", "hard", "workers") if name in given]:
        raise UsageError(f"{' and '.join(only)} go with --network face")
    _train(given, run, resume=resume, config=config, tensorboard=tensorboard)


def _train_detector(given: dict[str, Any], run: Path, resume: bool) -> None:
    from smartselfie.training import backend

    backend.choose()
    names = ("steps", "batch", "rate", "weight_decay", "ema", "workers", "seed")
    precision = given.get("precision")
    chosen = {name: given.get(name) for name in names} | {
        "precision": precision and FACE_PRECISIONS[precision.value]
    }
    beside = tuple(given.get("beside") or ())
    start, hard = given.get("start"), given.get("hard")
    detection.train(
        detection.Training(run, given.get("data"), beside, start, hard, resume=resume, options=chosen)
    )


def _train(given: dict[str, Any], run: Path, *, resume: bool, config: Path | None, tensorboard: bool) -> None:
    from smartselfie.training import backend, settings

    if resume and config is not None:
        raise UsageError("--config: a resumed run has its own settings")
    if resume and not (run / "settings.json").exists():
        raise UsageError(f"{run}: holds no run to resume")
    file = run / "settings.json" if resume else config
    stored = None if file is None else settings.read(file)
    base = stored or settings.default(str(given.get("network", "smile")), given.get("optimizer"))
    if resume:
        _refuse_changes(given, base, run)
    network = str(given.get("network", base.network))
    backend.choose(network)
    from smartselfie.training import datasets

    data = str(given.get("data", base.data))
    faces = datasets.load(Path(data))  # before Keras is imported, which takes seconds
    chosen = replace(_with_options(base, given, network), data=data)
    if stored is None:
        chosen = _fitting_faces(chosen, given, faces)
    backend.start()
    from smartselfie.training import fit

    made = fit.fit(faces, chosen, run, resume=resume, command=command_line(), for_tensorboard=tensorboard)
    print(f"-> {made}")


def _fitting_faces(chosen: FitSettings, given: dict[str, Any], faces: Faces) -> FitSettings:
    """Choose what the faces decide: which labels there are to learn, and how large the faces are."""
    if "labels" not in given and not _have_votes(faces):
        chosen = replace(chosen, heads=("fer2013",))
        print("no votes of FER+ in these faces: --labels fer2013", file=sys.stderr)
    if "sizes" not in given:
        chosen = replace(chosen, sizes=((0.0, faces.images.shape[1]),))
    return chosen


def _have_votes(faces: Faces) -> bool:
    return all((faces.votes[faces.splits == split].sum(1) > 0).any() for split in (0, 1))


def _refuse_changes(given: dict[str, Any], stored: FitSettings, run: Path) -> None:
    changes = [name for name in given if name not in CHANGEABLE]
    if changes:
        name = changes[0]
        has = getattr(stored, name, None)
        option = {"start": "from"}.get(name, name).replace("_", "-")
        raise UsageError(
            f"--{option}: a resumed run keeps its settings{'' if has is None else f' ({name} {has})'}",
            remedy=f"leave it out, or begin another: --from {run / 'network.keras'} --run ANOTHER",
        )


def _with_options(base: FitSettings, given: dict[str, Any], network: str) -> FitSettings:
    """Return settings changed by the options that were given."""
    from smartselfie.training import settings
    from smartselfie.training.augment import NONE

    changes: dict[str, Any] = {"network": network}
    for name in ("epochs", "minutes", "batch", "rate", "weight_decay", "smoothing", "blend", "mixup", "ema",
                 "class_weights", "calm", "patience", "distil", "seed"):  # fmt: skip
        if name in given:
            changes[name] = given[name]
    for name in ("optimizer", "precision"):
        if name in given:
            changes[name] = given[name].value
    if "labels" in given:
        changes["heads"] = HEADS[given["labels"].value]
    if "sizes" in given:
        changes["sizes"] = settings.read_sizes(given["sizes"])
    if "start" in given:
        changes["start"] = str(given["start"])
    for name in ("teachers", "beside"):
        if given.get(name):
            changes[name] = tuple(map(str, given[name]))
    augmentation = NONE if given.get("augment") is False else base.augmentation
    shares = {name: given[name] for name in ("erase", "degrade") if name in given}
    changes["augmentation"] = replace(augmentation, **shares)
    changes["options"] = _network_options(base.options, given, network)
    return replace(base, **changes)


def _network_options(before: dict[str, Any], given: dict[str, Any], network: str) -> dict[str, Any]:
    from smartselfie.training import settings

    chosen = dict(before)
    if "weights" in given:
        if network != "vgg16_bottleneck":
            raise UsageError(f"--weights are for vgg16_bottleneck; {network} starts from a file with --from")
        chosen["weights"] = None if given["weights"] == "none" else given["weights"]
    if "widths" in given:
        if network != "smile":
            raise UsageError(f"--widths are for smile; {network} has its own")
        chosen["widths"] = settings.read_widths(given["widths"])
    return chosen
