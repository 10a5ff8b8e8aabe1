"""One picture, again and again: `picture:me.jpg`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from smartselfie.errors import SourceError
from smartselfie.records import Frame, Image
from smartselfie.schema.fields import setting
from smartselfie.schema.values import Integer
from smartselfie.seams import Source
from smartselfie.sources import SourceSettings


class Settings(SourceSettings):
    """The settings of picture."""

    times: Integer = setting(60, "How often it is shown.", ge=1, unit="frames")


def build(settings: Settings, *, timeout: float) -> Callable[[], Source]:
    """Return the opener, which opens the picture behind the colon of `source.use`."""
    path = Path(str(settings.use).partition(":")[2])
    return lambda: PictureSource(path, times=settings.times, fps=settings.fps)


class PictureSource:
    """Gives one picture so many times. Raises `SourceError` when there is none."""

    live = False

    def __init__(self, path: Path, *, times: int, fps: float) -> None:
        picture = cv2.imread(str(path))
        if picture is None:
            raise SourceError(f"{path or 'picture'}: is no picture", remedy="give one as picture:me.jpg")
        self._image: Image = np.asarray(picture, np.uint8)
        self._times, self._fps, self._shown = times, fps, 0

    def read(self) -> Frame | None:
        """Return the next frame, None at the end."""
        if self._shown == self._times:
            return None
        frame = Frame(self._image, self._shown, self._shown / self._fps)
        self._shown += 1
        return frame

    def close(self) -> None:
        """Nothing is held."""
