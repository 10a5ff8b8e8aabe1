"""A recording through the whole pipeline, every frame, as fast as it goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from smartselfie.deciding.moment import Moment, Pick
from smartselfie.errors import UsageError
from smartselfie.records import Decision, Face, Frame, Image, State
from smartselfie.replaying.scores import Recording, ScoredFrame
from smartselfie.seams import Source

CLIPS = {".avi", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".webm", ".wmv"}
"""What in a folder is a clip."""
THUMBNAIL = 360
"""Pixels across the small pictures that are kept of shots."""


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A picture that would have been taken."""

    at: float
    """When it was decided."""
    picked_at: float
    """The time of the frame that was kept."""
    tracks: tuple[int, ...]
    """Whose smiles fired it."""
    thumbnail: Image
    """(h, w, 3) uint8 BGR, at most `THUMBNAIL` across."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the trigger said of one frame."""

    at: float
    state: State
    progress: float
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """All that happened in one clip."""

    recording: Recording
    steps: Sequence[Step]
    taken: Sequence[Taken]
    wall_seconds: float
    cpu_seconds: float = 0.0
    """Of the process that played it, decoding included."""
    seen: Sequence[Taken] = ()
    """Frames that were asked for, whether they fired or not."""

    @property
    def shots(self) -> list[float]:
        """When shots were decided."""
        return [taken.at for taken in self.taken]


def find_clips(paths: Iterable[Path]) -> list[Path]:
    """Return the clips named, a folder standing for the clips in it; a folder of pictures is one itself.

    Raises UsageError for a path that does not exist and for a folder without either.
    """
    clips: list[Path] = []
    for path in paths:
        if str(path) == "demo" and not path.exists():
            clips.append(path)
        elif not path.exists():
            raise UsageError(f"{path}: there is no such clip or folder")
        elif path.is_dir():
            inside = sorted(child for child in path.iterdir() if child.suffix.lower() in CLIPS)
            clips += inside or [path]
        else:
            clips.append(path)
    return clips


def play(
    clip: str,
    source: Source,
    analysis: Callable[[Frame], tuple[tuple[Face, ...], Decision]],
    moment: Moment | None,
    *,
    show: Sequence[float] = (),
) -> Played:
    """Run a source to its end through an analysis, such as `pipeline.Analysis`.

    `show`: times in seconds of which the frame is kept, small.
    """
    frames: list[ScoredFrame] = []
    steps: list[Step] = []
    taken: list[Taken] = []
    fired: tuple[int, ...] = ()
    size = (0, 0)
    seen: list[Taken] = []
    wanted = sorted(show)
    started, used = time.perf_counter(), time.process_time()
    while (frame := source.read()) is not None:
        size = frame.size
        while wanted and frame.at >= wanted[0]:
            seen.append(Taken(wanted.pop(0), frame.at, (), _thumbnail(frame.image)))
        faces, decision = analysis(frame)
        frames.append(ScoredFrame(frame.at, faces))
        steps.append(Step(frame.at, decision.state, decision.progress, decision.why))
        if decision.fire:
            fired = decision.fired_by
        if moment is not None:
            picks = moment.update(frame, faces, decision)
        else:
            picks = [Pick(frame, frame.still(), faces, frame.at)] if decision.fire else []
        taken += [_taken(pick, fired) for pick in picks if not pick.alternative]
    if moment is not None:
        taken += [_taken(pick, fired) for pick in moment.flush() if not pick.alternative]
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    return Played(Recording(clip, size, frames), steps, taken, wall, cpu, seen)


def _taken(pick: Pick, tracks: tuple[int, ...]) -> Taken:
    return Taken(pick.decided, pick.frame.at, tracks, _thumbnail(pick.still))


def _thumbnail(image: Image) -> Image:
    height, width = image.shape[:2]
    scale = min(1.0, THUMBNAIL / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
