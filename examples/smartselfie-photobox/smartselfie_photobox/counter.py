"""Counts pictures in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from smartselfie.errors import OutputError
from smartselfie.outputs import BaseOutput, OutputSettings
from smartselfie.records import Event
from smartselfie.schema.fields import setting
from smartselfie.schema.values import PathSetting
from smartselfie.seams import Surroundings


class Settings(OutputSettings):
    """The settings of counter."""

    kind: Literal["counter"] = "counter"
    file: PathSetting = setting("count.txt", "The file with the number.")


def build(settings: Settings, *, around: Surroundings) -> CounterOutput:
    """Make the output."""
    return CounterOutput(settings.file)


def check(settings: Settings) -> str:
    """Say in words, for `smartselfie check`, what it would do."""
    return f"counts pictures in {settings.file}"


class CounterOutput(BaseOutput):
    """Counts shots. It runs in a thread of its own: it may wait for the disk."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._count = 0

    def event(self, event: Event) -> None:
        """Count a shot. Raises `OutputError` when the file cannot be written: the shot then comes again."""
        if event["event"] != "shot":
            return
        try:
            self._file.write_text(f"{self._count + 1}\n", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{self._file}: {error.strerror}") from error
        self._count += 1
