"""Reads the scores back from the pixels."""

from __future__ import annotations

from typing import Literal

from smartselfie.classifiers import ClassifierSettings
from tests.fakes import ReadScores


class Settings(ClassifierSettings):
    """The settings of toy."""

    kind: Literal["toy"] = "toy"


def build(settings: Settings, *, threads: int) -> ReadScores:
    """Make the classifier."""
    return ReadScores()
