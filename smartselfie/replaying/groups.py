"""How often it was right, by what the clips show and by how large the faces are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from smartselfie.replaying.labels import EARLY, LATE, Labels, Total, Verdict, add_up
from smartselfie.replaying.play import Played

SIZES = ((0.0, "face below 0.15"), (0.15, "face 0.15 to 0.3"), (0.3, "face 0.3 and more"))
"""Of the picture's shorter side, from which on."""
SLOW = 15.0
"""Frames a second below which a clip is slow."""


@dataclass(frozen=True, slots=True)
class Group:
    """Clips, or smiles and shots, that have something in common."""

    name: str
    total: Total


def groups(
    played: Sequence[Played],
    labels: Mapping[str, Labels],
    verdicts: Mapping[str, Verdict],
    fields: Mapping[str, Mapping[str, object]],
) -> list[Group]:
    """Return the groups that hold anything.

    By `content` and `faces` where the labels file says them (`fields`), by the clip's frame rate, and by
    the size of the largest face that is usually seen in the clip.
    """
    judged = [one for one in played if one.recording.clip in verdicts]
    kinds: dict[str, list[Verdict]] = {}
    for one in judged:
        clip = one.recording.clip
        for name in _names(one, fields.get(clip, {})):
            kinds.setdefault(name, []).append(verdicts[clip])
    order = [name for _, name in SIZES]
    return [
        Group(name, add_up(kinds[name]))
        for name in sorted(kinds, key=lambda name: (order.index(name) if name in order else -1, name))
    ]


def _names(one: Played, fields: Mapping[str, object]) -> list[str]:
    names = []
    if isinstance(content := fields.get("content"), str):
        names.append(content)
    if isinstance(faces := fields.get("faces"), int):
        names.append("one person" if faces <= 1 else "several people")
    rate = len(one.recording.frames) / max(one.recording.seconds, 1e-9)
    names.append(f"below {SLOW:.0f} frames a second" if rate < SLOW else f"from {SLOW:.0f} frames a second")
    size = usual_size(one)
    names.append([name for least, name in SIZES if size >= least][-1] if size > 0 else "no face seen")
    return names


def usual_size(one: Played) -> float:
    """Return the median size of a clip's largest face, as a share of the shorter side; 0 without faces."""
    side = max(1, min(one.recording.size))
    sizes = [
        max(max(face.box.width, face.box.height) for face in frame.faces) / side
        for frame in one.recording.frames
        if frame.faces
    ]
    return median(sizes) if sizes else 0.0


def context(labels: Labels, at: float) -> str:
    """Say where a false shot lies, in words: labels are not exact."""
    for stretch in labels.stretches():
        if stretch.end + LATE < at <= stretch.end + LATE + 0.3:
            return f"{at - stretch.end:.2f} s after a stretch"
        if stretch.start - EARLY - 0.3 <= at < stretch.start - EARLY:
            return f"{stretch.start - at:.2f} s before a stretch"
    return ""
