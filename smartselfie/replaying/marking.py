"""Labelling a clip by hand: it plays, and a key is held down while somebody in it smiles."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np

from smartselfie.records import Image
from smartselfie.replaying.labels import Labels, Span
from smartselfie.seams import Source

REPEAT_WITHIN = 0.75
"""A key that comes again within so many seconds is still held: keyboards wait before they repeat."""
SHORTEST = 0.1
"""A key held shorter than this, in seconds, was a slip."""
SMILE_KEY, IGNORE_KEY, UNDO_KEYS, QUIT_KEYS = ord(" "), ord("i"), (8, 127), (ord("q"), 27)

WIDTH = 960
"""Pixels across the window."""
TALLEST = 720
"""Pixels down it at the most."""
BAR = 32
"""Pixels at its bottom for what the keys do."""
GREEN, GRAY, WHITE = (96, 174, 39), (150, 150, 150), (255, 255, 255)


class Marker:
    """Turns the repeats of held keys into spans of time."""

    def __init__(self) -> None:
        self._spans: dict[int, list[Span]] = {SMILE_KEY: [], IGNORE_KEY: []}
        self._order: list[int] = []

    def press(self, key: int, at: float) -> None:
        """Take a key, or its repeat, at a time of the clip; other keys than the two are not for this."""
        spans = self._spans[key]
        if spans and at - spans[-1][1] <= REPEAT_WITHIN:
            spans[-1] = (spans[-1][0], at)
        else:
            spans.append((at, at))
            self._order.append(key)

    def undo(self) -> None:
        """Forget the last span."""
        if self._order:
            self._spans[self._order.pop()].pop()

    def held(self, at: float) -> int | None:
        """Return the key that is held down at a time."""
        for key, spans in self._spans.items():
            if spans and at - spans[-1][1] <= REPEAT_WITHIN:
                return key
        return None

    def labels(self) -> Labels:
        """Return what was marked, without slips."""
        smiles, ignore = (
            tuple(
                (round(start, 2), round(end, 2)) for start, end in self._spans[key] if end - start >= SHORTEST
            )
            for key in (SMILE_KEY, IGNORE_KEY)
        )
        return Labels(smiles, ignore)


class Screen(Protocol):
    """Where the clip is played."""

    def show(self, image: Image) -> None:
        """Show a (H, W, 3) BGR picture."""
        ...

    def key(self, seconds: float) -> int | None:
        """Wait at most so long for a key and return its code; None when none came."""
        ...


def mark(
    clip: str, source: Source, screen: Screen, *, clock: Callable[[], float] = time.monotonic
) -> Labels | None:
    """Play a source at its own speed and return what was marked; None when the person gave up."""
    marker = Marker()
    started = clock()
    while (frame := source.read()) is not None:
        screen.show(_with_hints(frame.image, clip, frame.at, marker))
        while True:
            left = started + frame.at - clock()
            key = screen.key(max(0.0, left))
            if key in (SMILE_KEY, IGNORE_KEY):
                marker.press(key, frame.at)
            elif key in UNDO_KEYS:
                marker.undo()
            elif key in QUIT_KEYS:
                return None
            if left <= 0 or key is None:
                break
    return marker.labels()


def _with_hints(image: Image, clip: str, at: float, marker: Marker) -> Image:
    """Write what the keys do on a copy of a readable size, and colour its border while one is held."""
    scale = min(WIDTH / image.shape[1], TALLEST / image.shape[0])
    across, down = round(image.shape[1] * scale), round(image.shape[0] * scale)
    drawn = np.zeros((down, WIDTH, 3), np.uint8)
    left, size = (WIDTH - across) // 2, (WIDTH, down)
    drawn[:, left : left + across] = cv2.resize(image, (across, down), interpolation=cv2.INTER_LINEAR)
    drawn[-BAR:] = drawn[-BAR:] // 3
    held = marker.held(at)
    labels = marker.labels()
    text = (
        f"{clip}  {at:.1f} s   hold SPACE: smile   hold I: ambiguous   BACKSPACE: undo   Q: give up"
        f"   {len(labels.smiles)} marked"
    )
    where = (12, size[1] - 11)
    cv2.putText(drawn, text, where, cv2.FONT_HERSHEY_SIMPLEX, 0.47, WHITE, 1, cv2.LINE_AA)
    if held is not None:
        cv2.rectangle(drawn, (0, 0), (size[0] - 1, size[1] - 1), GREEN if held == SMILE_KEY else GRAY, 10)
    return drawn


class OpenCvScreen:
    """A window on the desktop; use it with `with`."""

    def __init__(self, name: str = "smartselfie: mark smiles") -> None:
        self._name = name
        cv2.namedWindow(name, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        self._sized = False

    def __enter__(self) -> OpenCvScreen:
        return self

    def __exit__(self, *exception: object) -> None:
        cv2.destroyWindow(self._name)

    def show(self, image: Image) -> None:
        """See `Screen`."""
        cv2.imshow(self._name, image)
        if not self._sized:
            cv2.resizeWindow(self._name, image.shape[1], image.shape[0])
            self._sized = True

    def key(self, seconds: float) -> int | None:
        """See `Screen`."""
        code = cv2.waitKey(max(1, round(seconds * 1000)))
        return None if code < 0 else code & 0xFF
