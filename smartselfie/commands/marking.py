"""`smartselfie replay --mark`: a person marks the smiles of clips while they play."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from smartselfie.commands.playing import open_clip
from smartselfie.errors import DisplayError
from smartselfie.replaying.labels import read_labels, write_labels
from smartselfie.replaying.marking import OpenCvScreen, Screen, mark
from smartselfie.replaying.play import find_clips
from smartselfie.settings import Settings
from smartselfie.viewing.display import display_problem


def mark_clips(
    clips: Sequence[Path],
    settings: Settings,
    labels: Path,
    screen: Screen | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Play clips in a window while a person marks the smiles, into a labels file; returns the exit code.

    Raises DisplayError without a display, and UsageError, DataError, SourceError.
    """
    if screen is None:
        if (problem := display_problem()) is not None:
            raise DisplayError(f"--mark needs a window: {problem}")
        with OpenCvScreen() as window:
            return mark_clips(clips, settings, labels, window, clock=clock)
    if labels.exists():
        read_labels(labels)  # a file that is none is refused before somebody does the work
    for clip in find_clips(clips):
        source = open_clip(clip, settings)
        try:
            marked = mark(clip.name, source, screen, clock=clock)
        finally:
            source.close()
        if marked is None:
            return 0
        write_labels(labels, {clip.name: marked})
    return 0
