"""When the people in a clip smile, as somebody saw it, and what that says of the pictures taken.

A labels file is a JSON object from clip names to `{"smiles": [[start, end], ...], "ignore": [...]}`, in
seconds of the clip. `smiles: null` says that nobody has looked; keys that start with `_` are remarks.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

from smartselfie.errors import DataError

TOUCH = 0.15
"""Stretches that are not further apart than this, in seconds, are one."""
EARLY, LATE = 0.2, 0.35
"""A shot belongs to a stretch from so many seconds before it to so many after it: labels are not exact."""

Span = tuple[float, float]
"""Start and end in seconds."""


@dataclass(frozen=True, slots=True)
class Labels:
    """When a clip shows smiles, and when something ambiguous."""

    smiles: tuple[Span, ...]
    ignore: tuple[Span, ...] = ()

    def stretches(self) -> tuple[Stretch, ...]:
        """Return the smiles and ambiguous spans, those that touch joined."""
        return _join(self)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which a shot is no fault."""

    start: float
    end: float
    smiles: tuple[Span, ...]
    """The smiles in it; none where it is only ambiguous."""

    def holds(self, at: float) -> bool:
        """Whether a shot at this time belongs to it."""
        return self.start - EARLY <= at <= self.end + LATE

    def delay(self, at: float) -> float | None:
        """Seconds from the start of the smile to a shot; None for one before any smile in it began."""
        begun = [start for start, _ in self.smiles if start - EARLY <= at]
        return at - begun[-1] if begun else None


@cache  # a sweep asks for the same ones again and again
def _join(labels: Labels) -> tuple[Stretch, ...]:
    spans = [(span, True) for span in labels.smiles] + [(span, False) for span in labels.ignore]
    joined: list[tuple[float, float, list[Span]]] = []
    for span, smiles in sorted(spans):
        if joined and span[0] <= joined[-1][1] + TOUCH:
            start, end, held = joined.pop()
            joined.append((start, max(end, span[1]), held + [span] * smiles))
        else:
            joined.append((*span, [span] * smiles))
    return tuple(Stretch(start, end, tuple(held)) for start, end, held in joined)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the shots of one clip compare with its labels."""

    hits: int
    misses: int
    false_shots: tuple[float, ...]
    """Times of the shots outside all stretches."""
    missed: tuple[Span, ...]
    """The stretches with a smile that no shot fell into."""
    delays: tuple[float, ...]
    """Seconds from a smile's start to its first shot, per hit where that can be said."""
    quiet_seconds: float
    """Length of the clip in which any shot would be a false one."""


def judge(labels: Labels, shots: Sequence[float], seconds: float) -> Verdict:
    """Compare shots (their times, ascending) with the labels of a clip of this length."""
    stretches = labels.stretches()
    smiles = [stretch for stretch in stretches if stretch.smiles]
    missed, delays = [], []
    for stretch in smiles:
        first = bisect_left(shots, stretch.start - EARLY)
        if first == len(shots) or not stretch.holds(shots[first]):
            missed.append((stretch.start, stretch.end))
        elif (delay := stretch.delay(shots[first])) is not None:
            delays.append(delay)
    starts, ends = _reach(labels)
    false_shots = tuple(at for at in shots if bisect_right(starts, at) == bisect_left(ends, at))
    return Verdict(
        len(smiles) - len(missed),
        len(missed),
        false_shots,
        tuple(missed),
        tuple(delays),
        _quiet(labels, seconds),
    )


@cache
def _quiet(labels: Labels, seconds: float) -> float:
    """How many seconds of a clip belong to no stretch."""
    quiet = done = 0.0
    for start, end in zip(*_reach(labels), strict=True):
        quiet += max(0.0, min(start, seconds) - done)
        done = max(done, end)
    return quiet + max(0.0, seconds - done)


@cache
def _reach(labels: Labels) -> tuple[list[float], list[float]]:
    """From when to when shots belong to each stretch; both ascend, so a shot in none lies between two."""
    stretches = labels.stretches()
    return [stretch.start - EARLY for stretch in stretches], [stretch.end + LATE for stretch in stretches]


@dataclass(frozen=True, slots=True)
class Total:
    """The verdicts on all labelled clips together."""

    clips: int
    hits: int
    misses: int
    false_shots: int
    delay: float | None
    """Median seconds from a smile's start to its shot."""
    quiet_seconds: float
    delays: tuple[float, ...] = ()

    @property
    def smiles(self) -> int:
        """How many smiles there were."""
        return self.hits + self.misses


def add_up(verdicts: Sequence[Verdict]) -> Total:
    """Add up the verdicts on several clips."""
    delays = [delay for verdict in verdicts for delay in verdict.delays]
    return Total(
        len(verdicts),
        sum(verdict.hits for verdict in verdicts),
        sum(verdict.misses for verdict in verdicts),
        sum(len(verdict.false_shots) for verdict in verdicts),
        median(delays) if delays else None,
        sum(verdict.quiet_seconds for verdict in verdicts),
        tuple(delays),
    )


def read_labels(path: Path) -> dict[str, Labels]:
    """Read a labels file; returns the labelled clips by name. Raises DataError when it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}: is no labels file: {error}") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: is no labels file: expected an object of clip names")
    labels = {}
    for clip, entry in content.items():
        if clip.startswith("_"):
            continue
        if not isinstance(entry, dict) or "smiles" not in entry:
            raise DataError(f'{path}: {clip}: expected {{"smiles": [[start, end], ...]}}')
        if entry["smiles"] is not None:
            labels[clip] = Labels(
                _spans(path, clip, entry["smiles"]), _spans(path, clip, entry.get("ignore") or [])
            )
    return labels


def read_fields(path: Path) -> dict[str, dict[str, object]]:
    """Read what a labels file says besides of each clip, such as `split` or `content`. Raises DataError."""
    read_labels(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    return {
        clip: {key: value for key, value in entry.items() if key not in ("smiles", "ignore")}
        for clip, entry in content.items()
        if not clip.startswith("_")
    }


def write_labels(path: Path, labels: Mapping[str, Labels]) -> None:
    """Write a labels file; what it says of other clips stays. Raises DataError."""
    content: dict[str, object] = {}
    if path.exists():
        read_labels(path)  # refuse to touch what is none
        content = json.loads(path.read_text(encoding="utf-8"))
    for clip, entry in labels.items():
        known = content.get(clip)
        content[clip] = {
            **(known if isinstance(known, dict) else {}),
            "smiles": [list(span) for span in entry.smiles],
            "ignore": [list(span) for span in entry.ignore],
        }
    try:
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error


def _spans(path: Path, clip: str, value: object) -> tuple[Span, ...]:
    try:
        spans = tuple((float(start), float(end)) for start, end in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: {clip}: expected [[start, end], ...] in seconds, got {value}") from error
    for start, end in spans:
        if not 0 <= start < end:
            raise DataError(f"{path}: {clip}: need 0 <= start < end, got [{start:g}, {end:g}]")
    return spans
