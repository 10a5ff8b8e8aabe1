"""Shots, and an ear for events, that the tests of saving share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import numpy as np

from smartselfie.records import CLASSES, Box, Face, Image, Scores, Shot

ZONE = timezone(timedelta(hours=2))
START = datetime(2026, 11, 20, 18, 30, 12, 417000, ZONE)


def scores(happy: float) -> Scores:
    """Scores with that P(happy); what is left is neutral."""
    return Scores(tuple({"happy": happy, "neutral": 1 - happy}.get(name, 0.0) for name in CLASSES))


def make_shot(
    number: int = 0,
    *,
    happy: float = 0.92,
    size: tuple[int, int] = (64, 48),
    image: Image | None = None,
    annotated: Image | None = None,
    taken: datetime | None = None,
) -> Shot:
    """A shot of one face, `number` seconds after START."""
    if image is None:
        image = np.full((size[1], size[0], 3), 40 + number % 200, np.uint8)
    return Shot(
        image=image,
        faces=(Face(Box(10, 8, 20, 24), 3, scores(happy)),),
        size=size,
        taken=taken or START + timedelta(seconds=number),
        seq=number,
        at=number + 0.07,
        picked_at=float(number),
        annotated=annotated,
    )


class Ear:
    """Collects events and lets a test wait for one."""

    def __init__(self) -> None:
        self.events: list[dict[str, object]] = []
        self._changed = threading.Condition()

    def __call__(self, event: str, /, **fields: object) -> None:
        with self._changed:
            self.events.append({"event": event, **fields})
            self._changed.notify_all()

    def named(self, event: str) -> list[dict[str, object]]:
        """Those events so far."""
        return [each for each in list(self.events) if each["event"] == event]

    def wait_for(self, event: str, count: int = 1) -> list[dict[str, object]]:
        """Wait until that many such events have come."""
        return self.wait_until(lambda: len(self.named(event)) >= count, event) and self.named(event)

    def wait_until(self, reached: Callable[[], bool], what: str = "") -> bool:
        """Wait for a condition that only events can bring about."""
        with self._changed:
            assert self._changed.wait_for(reached, 20), f"never came: {what}; got {self.events}"
        return True
