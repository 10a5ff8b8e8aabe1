"""Which frame of the moment is kept: the best, from a little before the trigger fires to a little after.

Frames are held from the beginning of a hold, at most `before` seconds back. When the trigger fires, the
window stays open for `after` seconds; then its frames are graded against each other (see `frame_quality`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from smartselfie.deciding.face_quality import FaceQualityMeter
from smartselfie.deciding.frame_quality import FaceQuality, FrameQuality, grade
from smartselfie.records import Decision, Face, Frame, Image

ALTERNATIVE_GAP = 0.12
"""Seconds between a picture and its alternatives at the least: else they are the same picture."""
MEMORY = 128 * 2**20
"""Bytes of pictures that are held as they are; beyond that stills are encoded, then frames let go."""
EPSILON = 1e-6
"""Seconds by which media times may be off through rounding."""

Measure = Callable[[Image, Face, Image | None], FaceQuality]
"""Gives the quality of a face in a picture; the third argument is the frame before it."""


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
    """0 for the best frame, 1 and 2 for its alternatives."""
    why: str = ""
    """What the trigger said when it fired."""


@dataclass(slots=True)
class _Held:
    """A frame that may become the picture."""

    frame: Frame
    faces: tuple[Face, ...]
    qualities: dict[int, FaceQuality]
    still: Image | bytes | None
    """None when it is the frame's own image."""

    @property
    def memory(self) -> int:
        """Bytes it occupies."""
        still = (
            0
            if self.still is None
            else len(self.still)
            if isinstance(self.still, bytes)
            else self.still.nbytes
        )
        return self.frame.image.nbytes + still

    def picture(self) -> Image:
        """The full-resolution picture."""
        if self.still is None:
            return self.frame.image
        if isinstance(self.still, bytes):
            return np.asarray(cv2.imdecode(np.frombuffer(self.still, np.uint8), cv2.IMREAD_COLOR), np.uint8)
        return self.still


@dataclass(slots=True)
class _Fired:
    """A shot that was decided and waits for the end of its window."""

    at: float
    needed: tuple[int, ...]
    everyone: frozenset[int]
    why: str = ""


class Moment:
    """Chooses the frame. `before` and `after` in seconds; `keep`: best frame and alternatives, 1 to 3.

    `measure` looks at a face; without it everything but the eyes is measured. It is called only while a smile
    is held or a window is open. `repeats`: the trigger fires again while a smile lasts, so that frames are
    held during its rest, too; `release`: score below which a smile is over. `memory` bounds the pictures that
    are held, in bytes.
    """

    def __init__(
        self,
        before: float = 0.3,
        after: float = 0.2,
        keep: int = 1,
        *,
        measure: Measure | None = None,
        repeats: bool = False,
        release: float = 0.0,
        memory: int = MEMORY,
    ) -> None:
        if before < 0 or after < 0:
            raise ValueError(f"need before >= 0 and after >= 0, got before={before}, after={after}")
        if not 1 <= keep <= 3:
            raise ValueError(f"need 1 <= keep <= 3, got keep={keep}")
        self.before, self.after, self.keep = before, after, keep
        self._measure = measure if measure is not None else FaceQualityMeter()
        self._repeats = repeats
        self.release = release
        self._memory = memory
        self._held: list[_Held] = []
        self._fired: _Fired | None = None
        self._last: Image | None = None

    @property
    def waiting(self) -> bool:
        """Whether a shot was decided and its window is still open."""
        return self._fired is not None

    def update(self, frame: Frame, faces: tuple[Face, ...], decision: Decision) -> list[Pick]:
        """Take the newest frame; returns the picks that are ready now, the best first."""
        picks = self.expire(frame.at)
        if decision.fire:
            picks += self.flush(keep_frames=True)  # with short cool-downs the last window may still be open
            everyone = frozenset(meter.track for meter in decision.meters if meter.takes_part)
            self._fired = _Fired(frame.at, decision.fired_by, everyone | set(decision.fired_by), decision.why)
        if self._fired is not None or decision.progress > 0 or self._may_repeat(decision):
            self._hold(frame, faces, decision)
        else:
            self._held.clear()
        self._last = frame.image
        if self._fired is not None and frame.at >= self._fired.at + self.after - EPSILON:
            picks += self.flush()
        return picks

    def _may_repeat(self, decision: Decision) -> bool:
        """Whether the trigger rests while a smile lasts, and may fire again without a new hold."""
        return self._repeats and any(meter.smiles and meter.takes_part for meter in decision.meters)

    def expire(self, at: float) -> list[Pick]:
        """Return what was fired and whose window ended before `at`: when a camera gives no more frames."""
        if self._fired is not None and at > self._fired.at + self.after + EPSILON:
            return self.flush()
        return []

    def flush(self, *, keep_frames: bool = False) -> list[Pick]:
        """Return what was fired, with the frames there are: for when they have ended."""
        if self._fired is None:
            return []
        fired, self._fired = self._fired, None
        picks: list[Pick] = []
        for held in self._worth_keeping(fired):
            if all(abs(held.frame.at - pick.frame.at) >= ALTERNATIVE_GAP - EPSILON for pick in picks):
                alternative = len(picks)
                picks.append(
                    Pick(
                        held.frame,
                        held.picture(),
                        held.faces,
                        fired.at,
                        alternative=alternative,
                        why=fired.why,
                    )
                )
            if len(picks) == self.keep:
                break
        if not keep_frames:
            self._held.clear()
        return picks

    def _worth_keeping(self, fired: _Fired) -> list[_Held]:
        """The frames that show the smile, the best first; where none does, the decision's."""
        ranked = self._ranked(fired)
        graded = dict(zip(map(id, self._held), self._grades(fired), strict=True))
        good = [held for held in ranked if graded[id(held)].shows_it]
        return good or [min(ranked, key=lambda held: abs(held.frame.at - fired.at))]

    def _hold(self, frame: Frame, faces: tuple[Face, ...], decision: Decision) -> None:
        start = (frame.at if self._fired is None else self._fired.at) - self.before - EPSILON
        self._held = [held for held in self._held if held.frame.at >= start]
        part = {meter.track for meter in decision.meters if meter.takes_part}
        qualities = {
            face.track: self._measure(frame.image, face, self._last) for face in faces if face.track in part
        }
        held = _Held(frame, faces, qualities, None)
        self._held.append(held)
        if frame.take_still is not None:
            if self._is_surpassed(held, decision):
                self._held.pop()
                return
            held.still = frame.still()
            held.frame = replace(frame, take_still=None)  # a camera copies the stills of frames that are held
        self._save_memory(decision)

    def _is_surpassed(self, newest: _Held, decision: Decision) -> bool:
        """Whether a better frame is held that will stay for a while: then no still is taken of this one."""
        grades = dict(zip(map(id, self._held), self._grades(self._now_fired(decision)), strict=True))
        young = newest.frame.at - self.before / 2
        better = [
            held
            for held in self._held
            if grades[id(held)].key > grades[id(newest)].key and (self._fired or held.frame.at >= young)
        ]
        return len(better) >= self.keep

    def _save_memory(self, decision: Decision) -> None:
        """Encode the stills of the worst frames, then let frames go, until the rest fits; one always stays.

        Lazily, because encoding takes the loop's time.
        """
        if sum(held.memory for held in self._held) <= self._memory:
            return
        worst_first = self._ranked(self._now_fired(decision))[::-1]
        for held in worst_first:
            if held.still is not None and not isinstance(held.still, bytes):
                held.still = cv2.imencode(".jpg", held.still, [cv2.IMWRITE_JPEG_QUALITY, 97])[1].tobytes()
            if sum(held.memory for held in self._held) <= self._memory:
                return
        for held in worst_first[:-1]:
            self._held.remove(held)
            if sum(held.memory for held in self._held) <= self._memory:
                return

    def _now_fired(self, decision: Decision) -> _Fired:
        """What would be asked for if the trigger fired now."""
        if self._fired is not None:
            return self._fired
        smiling = tuple(meter.track for meter in decision.meters if meter.takes_part and meter.smiles)
        everyone = frozenset(meter.track for meter in decision.meters if meter.takes_part)
        return _Fired(self._held[-1].frame.at, smiling, everyone)

    def _grades(self, fired: _Fired) -> list[FrameQuality]:
        window = [held.qualities for held in self._held]
        return grade(
            window,
            needed=fired.needed,
            everyone=fired.everyone,
            release=self.release,
            in_time=[held.frame.at <= fired.at + EPSILON for held in self._held],
        )

    def _ranked(self, fired: _Fired) -> list[_Held]:
        """The frames held, the best first; of equals the one nearest to the decision."""
        graded = zip(self._held, self._grades(fired), strict=True)
        ranked = sorted(
            graded, key=lambda pair: (*pair[1].key, -abs(pair[0].frame.at - fired.at)), reverse=True
        )
        return [held for held, _ in ranked]
