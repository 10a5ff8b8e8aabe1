"""Judges a camera by what it gives: lost, stalled, frozen, black. Pure: no clock, no I/O, no threads."""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np

from smartselfie.records import Image

DARK, LIGHT = 32.0, 40.0
"""`FrameStatistics.light` below which a picture is black, and above which it is not any more."""
FLAT = 2.0
"""Standard deviation below which a picture shows nothing, however bright."""


class CameraStatus(Enum):
    """How the camera is; the values are the reasons that `camera_lost` events give."""

    STARTING = "starting"
    OK = "ok"
    LOST = "unplugged"
    STALLED = "stalled"
    FROZEN = "frozen"
    BLACK = "black"

    @property
    def gives_frames(self) -> bool:
        """Whether pictures arrive, good ones or not."""
        return self in (CameraStatus.OK, CameraStatus.FROZEN, CameraStatus.BLACK)


class FrameStatistics:
    """Compares each picture with the one before, on 3,000 to 7,000 of its pixels."""

    def __init__(self) -> None:
        self.light = 0.0
        """Brightness of all but the brightest pixels, 0..255; 0 for a picture that shows nothing."""
        self.changed = True
        """Whether the picture differs from the one before."""
        self._sample: Image | None = None

    def __call__(self, image: Image) -> None:
        """Look at a (H, W, 3) uint8 picture."""
        height, width = image.shape[:2]
        sample = image[:: height // 72 + 1, :: width // 96 + 1, 1].copy()
        self.changed = self._sample is None or not np.array_equal(sample, self._sample)
        if self.changed:
            mean, spread = (float(value[0, 0]) for value in cv2.meanStdDev(sample))
            self.light = 0.0 if spread < FLAT else mean + 2 * spread
        self._sample = sample


class Watch:
    """The judgement: tell it what happens and when, read `status`, `since` and `reconnect`.

    `stall_after`, `frozen_after`, `black_after`: seconds without a frame, with the same picture, with black
    ones, until that is said. `first_after`: the same for the first frame after opening. A camera that is
    frozen or black is worth one reconnect in `again_after` seconds, not more: a lens cap or a still stream
    may be meant.
    """

    def __init__(
        self,
        *,
        stall_after: float = 3.0,
        frozen_after: float = 20.0,
        black_after: float = 2.0,
        first_after: float = 2.0,
        again_after: float = 600.0,
    ) -> None:
        self.status = CameraStatus.STARTING
        self.since: float | None = None
        """When the present trouble began; None while there is none."""
        self.reconnect = False
        """Whether opening the camera anew is worth a try; whoever does it clears it."""
        self._stall_after, self._frozen_after = stall_after, frozen_after
        self._black_after = black_after
        self._first_after = first_after
        self._again_after = again_after
        self._waits: float | None = None  # since when the next frame is awaited; None: nothing is open
        self._first = True
        self._changed_at = 0.0
        self._dark_at: float | None = None
        self._light_at: float | None = None
        self._reconnected_at = -float("inf")

    @property
    def deadline(self) -> float | None:
        """When a frame must have come; None while none is awaited."""
        if self._waits is None:
            return None
        return self._waits + (self._first_after if self._first else self._stall_after)

    def opened(self, at: float) -> None:
        """Note that the camera is open, and that frames may be expected."""
        self._waits, self._first = at, True

    def failed(self, at: float) -> None:
        """Note that opening or reading failed: nothing is open any more."""
        self._waits = None
        if self.status not in (CameraStatus.STALLED, CameraStatus.LOST):
            self._enter(CameraStatus.LOST, at)

    def stuck(self, at: float) -> None:
        """Note that opening or reading has not come back."""
        self._waits = None
        if self.status is not CameraStatus.STALLED:
            self._enter(CameraStatus.STALLED, at)

    def closed(self) -> None:
        """Note that the camera was closed on purpose, to be opened anew."""
        self._waits = None

    def tick(self, at: float) -> None:
        """Note that time has passed."""
        deadline = self.deadline
        if (
            deadline is not None
            and at >= deadline
            and self.status not in (CameraStatus.STALLED, CameraStatus.LOST)
        ):
            self._enter(CameraStatus.STALLED, at)

    def passed(self, at: float) -> None:
        """Note a frame that nobody looked at."""
        if self._waits is not None:
            self._waits = at

    def frame(self, at: float, *, light: float, changed: bool) -> None:
        """Note a frame; `light` and `changed` are a `FrameStatistics` at it."""
        self._waits, self._first = at, False
        if not self.status.gives_frames:
            self._leave()
            self._changed_at, self._dark_at = at, None
        if changed:
            self._changed_at = at
        self._judge_light(at, light)
        if self.status is CameraStatus.FROZEN and changed:
            self._leave()
        if self.status is CameraStatus.OK and at - self._changed_at >= self._frozen_after:
            self._enter(CameraStatus.FROZEN, at)
        if self.status in (CameraStatus.FROZEN, CameraStatus.BLACK):
            self._consider_reconnect(at)

    def _judge_light(self, at: float, light: float) -> None:
        if light < DARK:
            self._light_at = None
            if self._dark_at is None:
                self._dark_at = at
            if (
                self.status in (CameraStatus.OK, CameraStatus.FROZEN)
                and at - self._dark_at >= self._black_after
            ):
                self._enter(CameraStatus.BLACK, at)
        elif light > LIGHT:
            self._dark_at = None
            if self._light_at is None:
                self._light_at = at
            # A light that flickers in a dark room is no news.
            if self.status is CameraStatus.BLACK and at - self._light_at >= min(1.0, self._black_after):
                self._leave()

    def _consider_reconnect(self, at: float) -> None:
        began = self.since if self.since is not None else at
        patience = self._frozen_after if self.status is CameraStatus.BLACK else 0.0
        if at - began >= patience and at - self._reconnected_at >= self._again_after:
            self._reconnected_at = at
            self.reconnect = True

    def _enter(self, status: CameraStatus, at: float) -> None:
        self.status, self.since = status, at
        self.reconnect = False

    def _leave(self) -> None:
        self.status, self.since = CameraStatus.OK, None
        self.reconnect = False


def backoff(attempt: int, chance: float) -> float:
    """Return how many seconds to wait after the failed `attempt` (from 0): 0.5 to at most 2.

    `chance` (0..1) spreads many programs that lost the same camera.
    """
    longest = min(2.0, 0.75 * 1.6**attempt)
    return 0.5 + (longest - 0.5) * chance
