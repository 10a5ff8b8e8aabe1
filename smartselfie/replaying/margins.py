"""How far the network's scores are from a missed smile, and from a false shot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from smartselfie.replaying.labels import Labels
from smartselfie.replaying.scores import Recording


@dataclass(frozen=True, slots=True)
class Peak:
    """The best frame of a smile."""

    happy: float
    """Score for smiling; 0 where no face was scored."""
    clip: str
    at: float
    """Seconds of the clip."""


@dataclass(frozen=True, slots=True)
class Run:
    """Frames in a row in which one face smiled, by the threshold, and nobody should have."""

    frames: int
    clip: str
    until: float
    """Seconds of the clip."""


@dataclass(frozen=True, slots=True)
class Margins:
    """Both extremes of the labelled clips; None where there is nothing of the kind."""

    lowest_peak: Peak | None
    longest_run: Run | None


def margins(
    recordings: Sequence[Recording], labels: Mapping[str, Labels], threshold: float, grace: int = 0
) -> Margins:
    """Return the smile whose best frame is the worst, and the longest run, of the clips that have labels.

    Frames in which a face was not detected end its run when there are more than `grace`. Every face counts,
    also one that the trigger would leave out as too small or too new.
    """
    labelled = [(recording, labels[recording.clip]) for recording in recordings if recording.clip in labels]
    peaks = [peak for each in labelled for peak in _peaks(*each)]
    runs = [run for each in labelled for run in _runs(*each, threshold, grace)]
    return Margins(
        min(peaks, key=lambda peak: peak.happy, default=None),
        max(runs, key=lambda run: run.frames, default=None),
    )


def _peaks(recording: Recording, labels: Labels) -> Iterator[Peak]:
    for stretch in labels.stretches():
        if not stretch.smiles:
            continue
        scored = [
            Peak(face.smile, recording.clip, frame.at)
            for frame in recording.frames
            if stretch.start <= frame.at <= stretch.end
            for face in frame.faces
            if face.scores is not None
        ]
        nothing = Peak(0.0, recording.clip, stretch.start)
        yield max([nothing, *scored], key=lambda peak: peak.happy)


def _runs(recording: Recording, labels: Labels, threshold: float, grace: int) -> Iterator[Run]:
    """Every run of every face, as long as it is at each of its frames."""
    stretches = labels.stretches()
    runs: dict[int, tuple[int, int]] = {}  # by face: its length, the number of its last frame
    for number, frame in enumerate(recording.frames):
        quiet = not any(stretch.holds(frame.at) for stretch in stretches)
        for face in frame.faces:
            if face.scores is None:
                continue
            length, last = runs.pop(face.track, (0, number))
            if number - last - 1 > grace:
                length = 0
            if quiet and not face.seems and face.smile >= threshold:
                runs[face.track] = length + 1, number
                yield Run(length + 1, recording.clip, frame.at)
