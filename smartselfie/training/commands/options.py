"""What several of the commands take and say."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

DATA = Path("data/faces.npz")
"""The faces where none are named."""

DETECTION_DATA = Path("data/detection.npz")
"""The pictures with labelled faces where none are named."""


class Task(StrEnum):
    """What a network is for."""

    expressions = "expressions"
    detection = "detection"


Verbose = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say where an error came from.")]
"""Read by `cli.main`, which prints the errors."""


def command_line() -> str:
    """Return the present command as a person would type it."""
    return shlex.join(["smartselfie", *sys.argv[1:]])
