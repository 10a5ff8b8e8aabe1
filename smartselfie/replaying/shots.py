"""When the trigger would have fired in a recording: the real trigger, over stored scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from smartselfie.deciding.evidence import EvidenceModel
from smartselfie.deciding.rules import Rules
from smartselfie.deciding.trigger import Trigger
from smartselfie.replaying.scores import Recording

FAINT = 0.15
"""Frames far from any score as high as this are left out of a sweep: no setting that is tried fires there."""
BEFORE, AFTER = 1.5, 1.2
"""Seconds kept around a frame that is not: presence is known by then, and who left has left."""


def shots(recording: Recording, rules: Rules, model: EvidenceModel | None = None) -> list[float]:
    """Return when the trigger fires, in seconds of the clip."""
    trigger = Trigger(rules, model)
    return [
        frame.at
        for frame in recording.frames
        if trigger.update(frame.faces, at=frame.at, size=recording.size).fire
    ]


def shot_counter(model: EvidenceModel | None) -> Callable[[Recording, Rules], list[float]]:
    """Return `shots` with a model."""
    return lambda recording, rules: shots(recording, rules, model)


def without_quiet(recording: Recording) -> Recording:
    """Return a recording without the frames of long stretches in which no face comes near a smile.

    For a sweep over many settings: what fires is the same, and most footage goes.
    """
    loud = [
        frame.at
        for frame in recording.frames
        if any(face.scores is not None and face.smile >= FAINT for face in frame.faces)
    ]
    kept, place = [], 0
    for frame in recording.frames:
        while place < len(loud) and loud[place] < frame.at - AFTER:
            place += 1
        if place < len(loud) and loud[place] <= frame.at + BEFORE:
            kept.append(frame)
    return replace(recording, frames=kept)
