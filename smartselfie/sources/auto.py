"""The first camera that gives pictures, and the same one again when it was lost."""

from __future__ import annotations

import importlib.util
import logging

from smartselfie.errors import NoCameraError
from smartselfie.seams import Source
from smartselfie.sources import SourceSettings
from smartselfie.sources.webcam import open_webcam

log = logging.getLogger(__name__)

PATIENCE = 8
"""So often `auto` looks for the camera that it had before it takes any other."""


class FirstCamera:
    """Opens the first webcam that gives a picture, else the Pi's own camera; later the same one again."""

    def __init__(self, settings: SourceSettings) -> None:
        self._settings = settings
        self._found: str | int | None = None
        self._misses = 0

    def __call__(self) -> Source:
        """Open it. Raises `NoCameraError` when there is none."""
        from smartselfie.sources.devices import CHOICES, cameras

        if self._found is not None and self._misses < PATIENCE:
            self._misses += 1
            return self._open(self._found)
        tried = cameras()
        for device in tried:
            try:
                return self._open(device, probe=True)
            except NoCameraError as error:
                log.debug("auto: %s", error)
        if importlib.util.find_spec("picamera2") is not None:
            from smartselfie.sources import picamera

            try:
                return picamera.build(self._settings, timeout=0)()
            except NoCameraError as error:
                log.debug("auto: %s", error)
        what = f"none of {', '.join(map(str, tried))} gives a picture" if tried else "no camera found"
        raise NoCameraError(what, remedy=CHOICES)

    def _open(self, device: str | int, *, probe: bool = False) -> Source:
        source, self._found = open_webcam(device, self._settings, probe=probe)
        self._misses = 0
        return source


def build(settings: SourceSettings, *, timeout: float) -> FirstCamera:
    """Return the opener of the first camera."""
    return FirstCamera(settings)
