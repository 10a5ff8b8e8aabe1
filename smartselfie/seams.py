"""The seams between the parts: what each kind of part must offer to fit into the pipeline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from smartselfie.records import Box, Command, Frame, Image, Look, Scores, Shot, View


class Source(Protocol):
    """Where frames come from. Opened by its constructor; used by one thread."""

    live: bool
    """Frames come when they come and the newest wins (a camera); False: a recording, every frame counts."""

    def read(self) -> Frame | None:
        """Return the next frame, None at the end of a recording; may block.

        Raises `CameraLostError` when a live source gives no more frames, `SourceError` when a recording
        breaks off.
        """
        ...

    def close(self) -> None:
        """Give the device back; harmless when repeated."""
        ...


class Detector(Protocol):
    """Finds faces."""

    smallest: float
    """Smallest face to look for, as a share of the picture's shorter side; may be changed at any time."""

    def __call__(self, image: Image, look: Look) -> list[Box]:
        """Return the faces of a (H, W, 3) BGR picture, in its pixels, searched where `look` says."""
        ...


class Classifier(Protocol):
    """Scores expressions."""

    input_size: tuple[int, int]
    """Width and height of the crops it wants."""

    def __call__(self, crops: Image) -> list[Scores]:
        """Return the scores of (N, H, W) uint8 gray crops; N may be 0."""
        ...


class Saver(Protocol):
    """Keeps pictures."""

    def save(self, shot: Shot) -> None:
        """Take the shot over; may wait, never drops. The `shot` event says that the file is in place."""
        ...

    def close(self, timeout: float = 10.0) -> None:
        """Write what is queued and stop; what could not be written is named."""
        ...


class Emit(Protocol):
    """Announces an event, from any thread."""

    def __call__(self, event: str, /, **fields: object) -> None:
        """Write one event; `fields` must be JSON-able."""
        ...


class Viewer(Protocol):
    """Looks at what happens, and may ask for something: a window, lamps and buttons, a health file."""

    def __call__(self, view: View) -> Iterable[Command]:
        """Take the newest view, in the loop's thread; must be quick. Returns what is asked for."""
        ...
