"""What several of the commands take and say."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from smartselfie.training.predictors import Told

DATA = Path("data/faces.npz")
"""The faces where none are named."""

DETECTION_DATA = Path("data/detection.npz")
"""The pictures with labelled faces where none are named."""


class Task(StrEnum):
    """What a network is for."""

    expressions = "expressions"
    detection = "detection"


Scaling = Annotated[
    str | None,
    typer.Option(
        metavar="RANGE", help="Gray values of a network without a description: 0..255, 0..1 or -1..1."
    ),
]
NetworkClasses = Annotated[
    str | None,
    typer.Option("--classes", metavar="NAME,...", help="Such a network's classes, in its order."),
]
Side = Annotated[
    int | None,
    typer.Option("--input", metavar="SIDE", min=8, help="Pixels of such a network's faces, if it takes any."),
]
Architecture = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The .json of a file of weights; default: the one beside it."),
]
Labels = Annotated[
    str | None,
    typer.Option(
        "--classes",
        metavar="SET",
        help="What the labels mean: raf-db, affectnet8, ck+, ferplus8 ...; happy,neutral,wink; "
        "or 1=surprise,2=fear,contempt= (nothing: left out). Default: FER2013's seven.",
    ),
]
Verbose = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say where an error came from.")]
"""Read by `cli.main`, which prints the errors."""


def told(
    scaling: str | None,
    classes: str | None,
    side: int | None = None,
    architecture: Path | None = None,
    option: str = "--",
) -> Told:
    """Return what the options say of a network without a description. Raises UsageError."""
    from smartselfie.training.predictors import Told

    names = None if classes is None else tuple(name.strip().lower() for name in classes.split(","))
    return Told(scaling, names, side, architecture, option)


def command_line() -> str:
    """Return the present command as a person would type it."""
    return shlex.join(["smartselfie", *sys.argv[1:]])
