"""Frames whose pixels tell how happy a face is."""

from __future__ import annotations

from collections.abc import Callable

from smartselfie.records import Frame
from smartselfie.schema.fields import setting
from smartselfie.schema.values import Integer
from smartselfie.sources import SourceSettings
from tests.fakes import frames


class Settings(SourceSettings):
    """The settings of toy."""

    smiles: Integer = setting(15, "Frames of smile.", ge=0)


def build(settings: Settings, *, timeout: float) -> Callable[[], ToySource]:
    """Return the opener."""
    return lambda: ToySource(settings.smiles)


class ToySource:
    """Nobody, then a smile, then nobody."""

    live = False

    def __init__(self, smiles: int) -> None:
        self._frames = frames([None] * 3 + [0.95] * smiles + [0.1] * 20)

    def read(self) -> Frame | None:
        """Return the next frame."""
        return next(self._frames, None)

    def close(self) -> None:
        """Nothing is held."""
