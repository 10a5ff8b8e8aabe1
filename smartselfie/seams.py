"""The seams between the parts: what each kind of part must offer to fit into the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from smartselfie.records import Command, Event, Face, Frame, Image, Look, Scores, Shot, View


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

    def __call__(self, image: Image, look: Look) -> list[Face]:
        """Return the faces of a (H, W, 3) BGR picture, in its pixels, searched where `look` says.

        They have a box, and landmarks, a score and `covered` where the detector knows them; no track yet.
        """
        ...

    def smallest_face(self, size: tuple[int, int]) -> int:
        """Return the side in pixels of the smallest face found in a picture of `size` (width, height)."""
        ...


class ModelDescription(Protocol):
    """What a network says of itself."""

    @property
    def label(self) -> str:
        """Name and version, noted in each picture; may be empty."""
        ...

    @property
    def accuracy_in_words(self) -> str:
        """How good it is, such as "71.9 % of FER2013"; may be empty."""
        ...


class Classifier(Protocol):
    """Scores expressions."""

    input_size: tuple[int, int]
    """Width and height of the crops it wants."""

    @property
    def description(self) -> ModelDescription | None:
        """What the network says of itself; None: nothing."""
        ...

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
    """Looks at what happens: a window, the page, a choice of near misses."""

    def __call__(self, view: View, /) -> None:
        """Take the newest view, in the loop's thread; must be quick."""
        ...


class Tick(Protocol):
    """Gets its turn after every frame, and at least five times a second without frames."""

    def __call__(self) -> Iterable[Command]:
        """Return what is asked for, in the loop's thread: keys, signals, a file that changed."""
        ...


class Output(Protocol):
    """Tells others what happens: a file, a lamp, a broker.

    Its methods are called in a thread of its own, one at a time; it may wait as long as it likes.
    """

    @property
    def view_every(self) -> float | None:
        """Seconds between two views at the least, 0 for every newest one; None: it looks at none."""
        ...

    def begin(self) -> None:
        """The program runs: begin what it does by itself."""
        ...

    def event(self, event: Event) -> None:
        """Take an event. `OutputError`: it cannot be told now, and comes again after a pause."""
        ...

    def view(self, view: View) -> None:
        """Take the newest view; those in between are left out."""
        ...

    def report(self) -> dict[str, object]:
        """Tell how it is, for the status; JSON-able, never waits, called in any thread."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an output may know of the program it is part of."""

    send: Callable[[Command], None]
    """Hands a command to the loop, from any thread; raises `BusyError` rather than wait."""
    folder: Path
    """Where the pictures are saved."""
    source: str
    """What `source.use` says, without a password."""
    name: str = ""
    """What the output is called in the log: its kind and its place in the list."""
    value: Callable[[str], object] = lambda key: None
    """Returns the value in effect of a setting by its key, such as "trigger.threshold", from any thread."""
    reports: Callable[[], list[dict[str, object]]] = list
    """Returns how every output is, from any thread."""
