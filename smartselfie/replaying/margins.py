"""How far the network's scores are from a missed smile, and from a false shot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smartselfie.replaying.labels import Labels
from smartselfie.replaying.scores import Recording


@dataclass(frozen=True, slots=True)
class Margin:
    """One extreme, and where it is."""

    value: float
    clip: str
    at: float
    """Seconds of the clip."""


@dataclass(frozen=True, slots=True)
class Margins:
    """Both extremes of the labelled clips; None where there is nothing to measure."""

    lowest_peak: Margin | None
    """Of all smiles the one whose best P(happy) is lowest."""
    longest_run: Margin | None
    """The most frames in a row in which one face smiled, by the threshold, and nobody should have."""


def margins(recordings: Sequence[Recording], labels: Mapping[str, Labels], threshold: float) -> Margins:
    """Return the extremes of the clips that have labels."""
    peaks, runs = [], []
    for recording in recordings:
        if recording.clip in labels:
            peaks += _peaks(recording, labels[recording.clip])
            runs += _runs(recording, labels[recording.clip], threshold)
    return Margins(
        min(peaks, key=lambda margin: margin.value, default=None),
        max(runs, key=lambda margin: margin.value, default=None),
    )


def _peaks(recording: Recording, labels: Labels) -> list[Margin]:
    peaks = []
    for stretch in labels.stretches():
        inside = [
            Margin(face.scores.happy, recording.clip, frame.at)
            for frame in recording.frames
            if stretch.holds(frame.at)
            for face in frame.faces
            if face.scores is not None
        ]
        if stretch.smiles:
            best = Margin(0.0, recording.clip, stretch.start)
            peaks.append(max([best, *inside], key=lambda margin: margin.value))
    return peaks


def _runs(recording: Recording, labels: Labels, threshold: float) -> list[Margin]:
    """The longest run up to each frame of each face; frames in which it was not detected do not count."""
    stretches = labels.stretches()
    runs: list[Margin] = []
    lengths: dict[int, int] = defaultdict(int)
    for frame in recording.frames:
        quiet = not any(stretch.holds(frame.at) for stretch in stretches)
        for face in frame.faces:
            if face.scores is None:
                continue
            smiles = face.scores.top == "happy" and face.scores.happy >= threshold
            lengths[face.track] = lengths[face.track] + 1 if quiet and smiles else 0
            if quiet:
                runs.append(Margin(lengths[face.track], recording.clip, frame.at))
    return runs
