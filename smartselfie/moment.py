"""Which frame of the moment is kept. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass

from smartselfie.records import Decision, Face, Frame, Image


@dataclass(frozen=True, slots=True, eq=False)
class Pick:
    """A frame to be kept."""

    frame: Frame
    still: Image
    """(H, W, 3) uint8 BGR: the frame's full-resolution picture."""
    faces: tuple[Face, ...]
    decided: float
    """When the trigger fired, in the frame's time."""
    by: str = "smile"
    alternative: int = 0


class Moment:
    """Keeps the frame at which the trigger fires."""

    def update(self, frame: Frame, faces: tuple[Face, ...], decision: Decision) -> list[Pick]:
        """Take the newest frame; returns the picks that are ready now."""
        return [Pick(frame, frame.still(), faces, frame.at)] if decision.fire else []

    def flush(self) -> list[Pick]:
        """Return what was fired and is not ready yet; the frames have ended."""
        return []
