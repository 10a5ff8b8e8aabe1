"""The one place that knows where the data beside the project lies."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared_path(relative: str) -> Path:
    """A file of the data folder; without it the test skips, or fails where CI promises it."""
    path = Path(os.environ.get("SMARTSELFIE_DATA", ROOT.parent / "shared")) / relative
    if not path.exists():
        message = f"{relative} is not in the data folder (set SMARTSELFIE_DATA to the folder that has it)"
        missing(message)
    return path


def missing(message: str) -> None:
    """Something the test needs is not here: a skip with the reason, a failure in CI."""
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
