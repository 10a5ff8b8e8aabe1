"""A webcam by its number or its device file, found again by its stable name."""

from __future__ import annotations

import re
from pathlib import Path

from smartselfie.seams import Source
from smartselfie.sources import SourceSettings


class WebcamOpener:
    """Opens a webcam; one that opened once is found again by its stable name, whatever its number is then."""

    def __init__(self, device: str | int, settings: SourceSettings) -> None:
        self.device = device
        self._settings = settings
        self._found: str | int | None = None

    def __call__(self) -> Source:
        """Open it. Raises `NoCameraError`."""
        known = isinstance(self._found, str) and Path(self._found).exists()
        source, self._found = open_webcam(self._found if known else self.device, self._settings)  # type: ignore[arg-type]
        return source


def build(settings: SourceSettings, *, timeout: float) -> WebcamOpener:
    """Return the opener of the camera that `source.use` names."""
    use = str(settings.use)
    return WebcamOpener(int(use) if re.fullmatch(r"\d+", use) else use, settings)


def open_webcam(
    device: str | int, settings: SourceSettings, *, probe: bool = False
) -> tuple[Source, str | int]:
    """Open a webcam; returns it and the name under which it is found again. Raises `NoCameraError`.

    `probe`: read a picture first, so that a device that opens and gives none is refused.
    """
    from smartselfie.sources.devices import stable_name
    from smartselfie.sources.opencv import Webcam

    webcam = Webcam(device, size=settings.size, fps=settings.fps, rotate=settings.rotate)
    if probe:
        try:
            webcam.probe()
        except BaseException:
            webcam.close()
            raise
    return webcam, stable_name(webcam.device) if isinstance(webcam.device, str) else webcam.device
