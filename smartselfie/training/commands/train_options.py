"""The options of `train`; those without a default take the network's own."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from smartselfie.training.commands.options import DATA


class Optimizer(StrEnum):
    """What turns gradients into steps."""

    sgd = "sgd"
    adamw = "adamw"


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


def _share(text: str) -> Any:
    return typer.Option(min=0, max=1, help=text)


Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Settings to begin with: the settings.json of a run."),
]
Data = Annotated[Path | None, typer.Option(metavar="FILE", help=f"What `prepare` wrote; default: {DATA}.")]
Run = Annotated[Path, typer.Option(metavar="DIR", help="The folder of this run.")]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with the run in --run, with its own settings and faces; only --minutes and --calm "
        "may differ, and --data where the file has moved.",
    ),
]
Network = Annotated[
    str | None,
    typer.Option(
        help="smile (default), mini_xception, cnn4, vgg, vgg16_bottleneck; face: the detector; one that "
        "another package offers; or MODULE:FUNCTION."
    ),
]
Labels = Annotated[
    LabelKind | None,
    typer.Option(
        help="One head for each kind of label, one kind, a blend, or all with smiling; default: both where "
        "there are votes."
    ),
]
Epochs = Annotated[int | None, typer.Option(min=1, help="Default: 30.")]
Minutes = Annotated[
    float | None,
    typer.Option(min=0.01, help="Fit the schedule to this time; --epochs is then the first guess."),
]
Batch = Annotated[int | None, typer.Option(min=1, help="Default: 128; of vgg 64, of face 32.")]
Rate = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Peak learning rate. Default: 0.1; of cnn4 0.05, of the others 0.01; of adamw 0.001, of face "
        "0.002.",
    ),
]
Optimize = Annotated[Optimizer | None, typer.Option(help="Default: sgd, with Nesterov momentum.")]
Sizes = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE:SIDE,...",
        help="Side of the faces from which share of the run on. Default: as they were prepared.",
    ),
]
Decay = Annotated[
    float | None,
    typer.Option(min=0, help="Default: 5e-4; of vgg 1e-4, of mini_xception 0, of adamw 0.01, of face 0.02."),
]
Smoothing = Annotated[float | None, _share("Label smoothing of labels. Default: 0.1 for smile.")]
Blend = Annotated[float | None, _share("Share of FER2013's label in a blend. Default: 0.5.")]
Mixup = Annotated[float | None, typer.Option(min=0, help="alpha; default: 0, off.")]
Erase = Annotated[float | None, _share("Share of faces with a random rectangle. Default: 0.15.")]
Degrade = Annotated[float | None, _share("Share of faces made small or blurred. Default: 0.25.")]
Augment = Annotated[
    bool | None,
    typer.Option("--augment/--no-augment", help="Change training faces; off, they are only mirrored."),
]
Ema = Annotated[float | None, _share("Decay a step of the averaged weights. Default: 0.998; of face 0.999.")]
ClassWeights = Annotated[
    bool | None, typer.Option("--class-weights/--no-class-weights", help="Weigh rare classes up.")
]
Calm = Annotated[float | None, _share("From which share of the run on faces are changed half as much.")]
Patience = Annotated[int | None, typer.Option(min=1, help="Stop after so many epochs without a better one.")]
Teachers = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="Soft labels to distil from; repeatable.")
]
Beside = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Prepared faces, or pictures, to learn too; repeatable."),
]
StepPrecision = Annotated[
    Precision | None,
    typer.Option(
        help="mixed: steps in bfloat16, three times as quick where the processor has it; default: float32; "
        "of face mixed."
    ),
]
Distil = Annotated[float | None, _share("Share of the teachers in the targets. Default: 0.7.")]
Widths = Annotated[
    str | None,
    typer.Option(metavar="N,N,N", help="smile: channels of its three stages; wide ones make teachers."),
]
Weights = Annotated[str | None, typer.Option(help="vgg16_bottleneck: imagenet (default), none or a file.")]
Start = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="Start from the weights of a network trained before, narrower ones and other outputs too.",
    ),
]
Seed = Annotated[int | None, typer.Option(min=0, help="Default: 1.")]
TensorBoard = Annotated[
    bool, typer.Option("--tensorboard", help="Also write the log for TensorBoard, into the run's folder.")
]
Steps = Annotated[int | None, typer.Option(min=1, help="face: steps of the run; default: 20000.")]
Hard = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="face: names of pictures that are drawn more often, one a line."),
]
Workers = Annotated[int | None, typer.Option(min=1, help="face: processes that make pictures; default: 1.")]
