"""Remembers what it was told."""

from __future__ import annotations

from typing import Literal

from smartselfie.outputs import BaseOutput, OutputSettings
from smartselfie.records import Event
from smartselfie.schema.fields import setting
from smartselfie.schema.values import Text
from smartselfie.seams import Surroundings

HEARD: list[tuple[str, Event]] = []
"""Everything that any of them was told, with its name."""


class Settings(OutputSettings):
    """The settings of toy."""

    kind: Literal["toy"] = "toy"
    name: Text = setting("toy", "What it is called.")


def build(settings: Settings, *, around: Surroundings) -> ToyOutput:
    """Make the output."""
    return ToyOutput(settings.name)


class ToyOutput(BaseOutput):
    """The output."""

    def __init__(self, name: str) -> None:
        self._name = name

    def event(self, event: Event) -> None:
        """Remember it."""
        HEARD.append((self._name, event))
