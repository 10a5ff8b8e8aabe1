"""`smartselfie train`: a network from labelled faces."""

from __future__ import annotations

import json
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from smartselfie.errors import UsageError
from smartselfie.training.commands import detection
from smartselfie.training.commands.options import DATA, Verbose, command_line


class Network(StrEnum):
    """What `train` can train."""

    smile = "smile"
    mini_xception = "mini_xception"
    cnn4 = "cnn4"
    vgg = "vgg"
    vgg16_bottleneck = "vgg16_bottleneck"
    face = "face"


class Precision(StrEnum):
    """Number formats of a training step: `precision.Precision`, which imports Keras."""

    float32 = "float32"
    mixed = "mixed"


class LabelKind(StrEnum):
    """What it learns."""

    both = "both"
    ferplus = "ferplus"
    fer2013 = "fer2013"
    blend = "blend"
    all = "all"


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

    smartselfie train --network face --data data/detection.npz --steps 20000 --run runs/face     a detector
"""


def train(
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"What `prepare` wrote; default: {DATA}.")
    ] = None,
    run: Annotated[Path, typer.Option(metavar="DIR", help="The folder of this run.")] = Path("runs/smile"),
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the run in --run, with its own settings and faces; only --minutes and --calm "
            "may differ, and --data where the file has moved.",
        ),
    ] = False,
    network: Annotated[Network, typer.Option(help="Which network.")] = Network.smile,
    labels: Annotated[
        LabelKind,
        typer.Option(help="One head for each kind of label, one kind, a blend, or all with smiling."),
    ] = LabelKind.both,
    epochs: Annotated[int, typer.Option(min=1)] = 30,
    minutes: Annotated[
        float | None,
        typer.Option(min=0.01, help="Fit the schedule to this time; --epochs is then the first guess."),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="face: steps of the run; default: 20000.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Default: 128; face: 32.")] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0, help="Peak learning rate; default: 0.1 of SGD; face: 0.002 of AdamW."),
    ] = None,
    sizes: Annotated[
        str, typer.Option(metavar="SHARE:SIDE,...", help="Side of the faces from which share of the run on.")
    ] = "0:48",
    weight_decay: Annotated[float | None, typer.Option(min=0, help="Default: 0.0005; face: 0.02.")] = None,
    smoothing: Annotated[
        float, typer.Option(min=0, max=1, help="Label smoothing of FER2013's labels.")
    ] = 0.1,
    blend: Annotated[float, typer.Option(min=0, max=1, help="Share of FER2013's label in a blend.")] = 0.5,
    mixup: Annotated[float, typer.Option(min=0, help="alpha; 0 is off.")] = 0.0,
    erase: Annotated[
        float, typer.Option(min=0, max=1, help="Share of faces with a random rectangle.")
    ] = 0.15,
    degrade: Annotated[
        float, typer.Option(min=0, max=1, help="Share of faces made small or blurred.")
    ] = 0.25,
    augment: Annotated[bool, typer.Option(help="Change training faces; off, they are only mirrored.")] = True,
    ema: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Decay a step of the averaged weights; default: 0.998; face: 0.999."),
    ] = None,
    hard: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="face: names of pictures that are drawn more often, one a line."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="face: processes that make pictures; default: 1.")
    ] = None,
    class_weights: Annotated[bool, typer.Option("--class-weights", help="Weigh rare classes up.")] = False,
    calm: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="From which share of the run on faces are changed half as much."),
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many epochs without a better one.")
    ] = None,
    teachers: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Soft labels to distil from; repeatable.")
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Prepared faces, or pictures, to learn too, such as hard ones; repeatable.",
        ),
    ] = None,
    distil: Annotated[float, typer.Option(min=0, max=1, help="Share of the teachers in the targets.")] = 0.7,
    widths: Annotated[
        str | None,
        typer.Option(metavar="N,N,N", help="smile: channels of its three stages; wide ones make teachers."),
    ] = None,
    weights: Annotated[str, typer.Option(help="vgg16_bottleneck: imagenet, none or a file.")] = "imagenet",
    start: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Start from the weights of a network trained before, narrower ones too.",
        ),
    ] = None,
    precision: Annotated[
        Precision | None,
        typer.Option(
            help="mixed: steps in bfloat16, three times as quick where the processor has it; default: "
            "float32; face: mixed."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    verbose: Verbose = 0,
) -> None:
    """Train a network; every choice is made on PublicTest, or on training pictures held back."""
    from smartselfie.training import backend

    if network is Network.face or (resume and detection.is_run(run / "network.keras")):
        chosen_face = detection.Training(
            run, data, tuple(beside or ()), start, hard, resume=resume,
            options={
                "steps": steps, "batch": batch, "rate": rate, "weight_decay": weight_decay, "ema": ema,
                "workers": workers, "precision": precision and FACE_PRECISIONS[precision.value],
                "seed": seed if seed != 1 else None,
            },
        )  # fmt: skip
        detection.train(chosen_face)
        return
    if steps or hard or workers:
        raise UsageError("--steps, --hard and --workers go with --network face")
    if resume:
        stored = _stored(run)
        network = stored["network"]
        data = data or Path(stored.get("data", DATA))
    data = data or DATA
    backend.choose(network.value)
    from smartselfie.training import datasets

    faces = datasets.load(data)  # before Keras is imported, which takes seconds
    from smartselfie.training import fit, settings
    from smartselfie.training.augment import NONE, Augmentation

    options: dict[str, Any] = {}
    if network is Network.vgg16_bottleneck:
        options["weights"] = None if weights == "none" else weights
    if widths is not None:
        if network is not Network.smile:
            raise UsageError(f"--widths are for smile; {network.value} has its own")
        options["widths"] = settings.read_widths(widths)
    if resume:
        chosen = settings.read(run / "settings.json")
        chosen = replace(
            chosen,
            data=str(data),
            minutes=minutes or chosen.minutes,
            calm=chosen.calm if calm is None else calm,
        )
    else:
        chosen = settings.FitSettings(
            data=str(data),
            network=network.value,
            heads=HEADS[labels.value],
            epochs=epochs,
            minutes=minutes,
            batch=batch or 128,
            rate=0.1 if rate is None else rate,
            sizes=settings.read_sizes(sizes),
            weight_decay=5e-4 if weight_decay is None else weight_decay,
            smoothing=smoothing,
            blend=blend,
            mixup=mixup,
            ema=0.998 if ema is None else ema,
            calm=1.0 if calm is None else calm,
            class_weights=class_weights,
            patience=patience,
            distil=distil,
            start=None if start is None else str(start),
            precision=(precision or Precision.float32).value,
            seed=seed,
            options=options,
            teachers=tuple(map(str, teachers or ())),
            beside=tuple(map(str, beside or ())),
            augmentation=Augmentation(erase=erase, degrade=degrade) if augment else NONE,
        )
    print(f"-> {fit.fit(faces, chosen, run, resume=resume, command=command_line())}")


def _stored(run: Path) -> dict[str, Any]:
    try:
        stored = json.loads((run / "settings.json").read_text())
        return {**stored, "network": Network(stored["network"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{run}: holds no run to resume ({error})") from error
