"""Why a smile was missed, by asking the trigger again what it saw of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from smartselfie.deciding.evidence import EvidenceModel
from smartselfie.deciding.rules import Rules
from smartselfie.deciding.trigger import Trigger
from smartselfie.records import Face, Meter
from smartselfie.replaying.labels import Span
from smartselfie.replaying.scores import Recording

CAUSES = ("not found", "policy", "cooldown", "low score", "dip", "too short", "not certain")
"""What may be the matter, the earlier the more it explains.

not found: no face in most of its frames. policy: the face that smiled took no part (too small, in the
background, doubtful) or others were needed. cooldown: its picture had been taken before. low score: no frame
was a smile by the settings. dip: frames enough, but not in a row. too short: not enough of them. not certain:
the model of the last second never was.
"""
MOST = 0.5
"""A face is found in a stretch when it is in this share of the frames."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why one smile has no picture."""

    name: str
    """One of `CAUSES`."""
    words: str
    """With numbers, for people."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the trigger saw in one frame."""

    at: float
    faces: tuple[Face, ...]
    meters: Mapping[int, Meter]


def causes(
    recording: Recording, missed: Sequence[Span], rules: Rules, model: EvidenceModel | None = None
) -> list[Cause]:
    """Return the cause of each missed stretch of a recording; `rules` and `model` are the trigger's."""
    if not missed:
        return []
    trigger = Trigger(rules, model)
    seen = []
    for frame in recording.frames:
        decision = trigger.update(frame.faces, at=frame.at, size=recording.size)
        seen.append(_Seen(frame.at, frame.faces, {meter.track: meter for meter in decision.meters}))
    return [
        _cause([frame for frame in seen if start <= frame.at <= end], rules, min(recording.size))
        for start, end in missed
    ]


def _cause(frames: Sequence[_Seen], rules: Rules, shorter_side: int) -> Cause:
    found = sum(1 for frame in frames if frame.faces)
    smiling = [
        (frame, face)
        for frame in frames
        for face in frame.faces
        if face.scores is not None and face.smile >= rules.smile_level
    ]
    if not smiling and found < MOST * max(1, len(frames)):
        return Cause("not found", f"a face in {found} of {len(frames)} frames")
    if not smiling:
        best = max(face.smile for frame in frames for face in frame.faces if face.scores is not None)
        return Cause("low score", f"at most {best:.2f}, {rules.smile_level:.2f} is a smile")
    meters = [frame.meters[face.track] for frame, face in smiling if face.track in frame.meters]
    part = [meter for meter in meters if meter.takes_part]
    if len(part) < len(meters) / 2:
        why = next(meter.why for meter in meters if not meter.takes_part)
        size = median(max(face.box.width, face.box.height) for _, face in smiling) / max(1, shorter_side)
        return Cause("policy", f"{why}; its face is {size:.2f} of the picture")
    if sum(1 for meter in part if meter.rests) > len(part) / 2:
        return Cause("cooldown", "its picture was taken before the stretch begins")
    if rules.policy not in ("any", "largest", 1):
        return Cause("policy", f"policy {rules.policy}: others were needed")
    best_progress = max(meter.progress for meter in part)
    if rules.rule == "evidence":
        return Cause("not certain", f"certainty at most {best_progress * rules.certainty:.2f}")
    if found < MOST * len(frames):
        return Cause("not found", f"a face in {found} of {len(frames)} frames")
    share = f"at most {best_progress:.0%} of the hold"
    interval = (frames[-1].at - frames[0].at) / max(1, len(frames) - 1)
    needed = rules.frames_needed(interval) if rules.hold_frames is not None else 0
    if needed and len({frame.at for frame, _ in smiling}) >= needed:
        return Cause("dip", f"{len(smiling)} smiling frames, but {share} in a row")
    return Cause("too short", share)
