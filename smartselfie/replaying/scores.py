"""Scores of recordings, stored: all that the trigger sees, so that it can be run again without the network.

The file is JSON lines. A line with `clip` begins a recording (`{"clip": "a.mp4", "size": [640, 480]}`); each
line after it is a frame: `{"at": 0.033, "faces": [FACE, ...]}`. A face is a list: track, x, y, width, height,
the seven probabilities; then, where known and null where not: the score for smiling, the detector's score,
the probability that the mouth is covered, the movement of the mouth, 1 for a face that was only predicted,
and ten numbers for the landmarks. Files of version 0.1, which end with the probabilities, are read too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from smartselfie.errors import DataError
from smartselfie.records import CLASSES, Box, Face, Scores

DIGITS = 6
"""Decimals of times and probabilities."""


@dataclass(frozen=True, slots=True)
class ScoredFrame:
    """What the analysis said of one frame."""

    at: float
    """Media time in seconds."""
    faces: tuple[Face, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """The scores of one clip."""

    clip: str
    size: tuple[int, int]
    """Width and height of its frames."""
    frames: Sequence[ScoredFrame]

    @property
    def seconds(self) -> float:
        """Its length."""
        if not self.frames:
            return 0.0
        first, last = self.frames[0].at, self.frames[-1].at
        return last - first + (last - first) / max(1, len(self.frames) - 1)


def write_scores(path: Path, recordings: Iterable[Recording]) -> None:
    """Write recordings. Raises DataError when the file cannot be written."""
    try:
        with path.open("w", encoding="utf-8") as file:
            for recording in recordings:
                file.writelines(line + "\n" for line in as_lines(recording))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error


def read_scores(path: Path) -> list[Recording]:
    """Read what `write_scores` wrote. Raises DataError when the file is missing or damaged."""
    try:
        with path.open(encoding="utf-8") as file:
            recordings = from_lines(file)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}:{error}") from error
    if not recordings:
        raise DataError(f"{path}: holds no scores; 'smartselfie replay CLIP --scores FILE' writes them")
    return recordings


def as_lines(recording: Recording) -> list[str]:
    """Return a recording as the lines of a scores file."""
    first: dict[str, object] = {"clip": recording.clip, "size": recording.size}
    scored = (face.scores for frame in recording.frames for face in frame.faces)
    known = next((scores for scores in scored if scores is not None), None)
    if known is not None and (known.classes, known.expression) != (CLASSES, ("happy",)):
        first |= {"classes": known.classes, "expression": known.expression}
    return [json.dumps(first), *(_line(frame) for frame in recording.frames)]


def from_lines(lines: Iterable[str]) -> list[Recording]:
    """Return the recordings in the lines of a scores file. Raises ValueError that names the line."""
    recordings: list[Recording] = []
    frames: list[ScoredFrame] = []
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            if "clip" in entry:
                frames = []
                classes = tuple(map(str, entry.get("classes", CLASSES)))
                expression = tuple(map(str, entry.get("expression", ("happy",))))
                width, height = entry["size"]
                recordings.append(Recording(str(entry["clip"]), (int(width), int(height)), frames))
            elif not recordings:
                raise ValueError("a frame before any clip")
            else:
                faces = tuple(_face(numbers, classes, expression) for numbers in entry["faces"])
                frames.append(ScoredFrame(float(entry["at"]), faces))
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{number}: is no scores file: {error}") from error
    return recordings


def _line(frame: ScoredFrame) -> str:
    faces = [
        [
            face.track,
            *(face.box.x, face.box.y, face.box.width, face.box.height),
            *(round(value, DIGITS) for value in face.scores.probabilities),
            *(_rounded(value) for value in (face.smiling, face.score, face.covered, face.mouth_motion)),
            int(face.predicted),
            *(round(place, 1) for point in face.landmarks or () for place in point),
        ]
        for face in frame.faces
        if face.scores is not None
    ]
    return json.dumps({"at": round(frame.at, DIGITS), "faces": faces}, separators=(",", ":"))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _face(numbers: Sequence[Any], classes: tuple[str, ...], expression: tuple[str, ...]) -> Face:
    track, x, y, width, height = (int(number) for number in numbers[:5])
    end = 5 + len(classes)
    scores = Scores(tuple(numbers[5:end]), classes=classes, expression=expression)
    face = Face(Box(x, y, width, height), track, scores)
    if len(numbers) == end:
        return face
    smiling, score, covered, motion, predicted, *places = numbers[end:]
    points = tuple(zip(places[::2], places[1::2], strict=True))
    if len(points) not in (0, 5):
        raise ValueError(f"expected five landmarks, got {len(points)}")
    return replace(
        face,
        smiling=smiling,
        score=score,
        covered=covered,
        mouth_motion=motion,
        predicted=bool(predicted),
        landmarks=points or None,  # type: ignore[arg-type]
    )
