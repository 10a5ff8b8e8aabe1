"""The best frames that did not fire: what the threshold and the hold cost, for the owner to see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from smartselfie.records import Decision, Face, Frame, Shot, State, View
from smartselfie.seams import Saver

NEAR = 2 / 3
"""A face whose score for smiling reaches this share of the threshold came near to a smile."""
OVER_AFTER = 0.5
"""Seconds without any face near to a smile after which it is over."""
APART = 2.0
"""Seconds between two near misses at the least: people who talk come near all the time."""


@dataclass(frozen=True, slots=True, eq=False)
class NearMiss:
    """The best frame of a smile that fired nothing."""

    frame: Frame
    faces: tuple[Face, ...]
    decided: float
    """When it was over, in the frame's time."""


class NearMisses:
    """Watches for smiles that come near and fire nothing. Pure: no I/O, no clock."""

    def __init__(self) -> None:
        self._best: tuple[float, Frame, tuple[Face, ...]] | None = None
        self._near_at = 0.0
        self._last = float("-inf")

    def update(
        self, frame: Frame, faces: tuple[Face, ...], decision: Decision, threshold: float
    ) -> NearMiss | None:
        """Take a frame; returns the near miss that is over with it. It holds one frame at the most."""
        if decision.state not in (State.WATCHING, State.HOLDING):
            self._best = None  # a picture was taken, or none is wanted
            return None
        part = {meter.track for meter in decision.meters if meter.takes_part and not meter.rests}
        happy = max(
            (
                face.smile
                for face in faces
                if face.scores is not None and face.track in part and not face.seems
            ),
            default=0.0,
        )
        if happy >= threshold * NEAR:
            self._near_at = frame.at
            if self._best is None or happy > self._best[0]:
                self._best = happy, frame, faces
        elif self._best is not None and frame.at - self._near_at >= OVER_AFTER:
            _, best, seen = self._best
            self._best = None
            if best.at - self._last >= APART:
                self._last = best.at
                return NearMiss(best, seen, frame.at)
        return None


class NearMissKeeper:
    """A viewer that saves near misses. `saver` bounds how many are kept; `now` is the wall clock."""

    def __init__(
        self, saver: Saver, *, now: Callable[[], datetime] = lambda: datetime.now().astimezone()
    ) -> None:
        self._saver = saver
        self._now = now
        self._misses = NearMisses()

    def __call__(self, view: View) -> None:
        """Look at the newest frame."""
        miss = self._misses.update(view.frame, view.faces, view.decision, view.threshold)
        if miss is not None:
            ago = view.frame.at - miss.frame.at
            taken = datetime.fromtimestamp(self._now().timestamp() - ago).astimezone()
            self._saver.save(
                Shot(
                    image=miss.frame.image,  # the analysed picture: a still is not worth its time here
                    faces=miss.faces,
                    size=miss.frame.size,
                    taken=taken,
                    seq=miss.frame.seq,
                    at=miss.decided,
                    picked_at=miss.frame.at,
                    by="near miss",
                )
            )
