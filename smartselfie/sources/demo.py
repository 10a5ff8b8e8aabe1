"""A camera that is a play: drawn people who smile, blink, walk off and come back, by a script of times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import pi, sin
from typing import NamedTuple

import cv2
import numpy as np

from smartselfie.records import Frame, Image
from smartselfie.sources import SourceSettings
from smartselfie.sources.scene.canvas import LEFT, TOP, UNIT
from smartselfie.sources.scene.face import draw_face
from smartselfie.sources.scene.people import PEOPLE
from smartselfie.sources.scene.room import draw_room

Curve = float | tuple[tuple[float, float], ...]
"""A value over time: a constant, or (second, value) knots with smooth ways between them."""

SMILES_FROM = 0.5
"""From this much on a face is meant to be taken for a smile; up to `HALF` it is not. Between, who knows."""
HALF = 0.25
"""A smile that begins and is thought better of."""
BOX = 2.35
"""The side of the box that the frontal cascade gives a face, in units of the drawing."""
BLINK = 0.28
"""Seconds from open over shut to open."""


class SmileWindow(NamedTuple):
    """When somebody smiles, in seconds of the script."""

    start: float
    end: float
    actor: int
    """Who, as an index into the script's actors."""


class Pose(NamedTuple):
    """How an actor stands at one moment."""

    smile: float
    """0 (neutral) to 1 (beaming)."""
    shut: float
    """0 (eyes open) to 1 (closed)."""
    x: float
    y: float
    size: float
    tilt: float


@dataclass(frozen=True, slots=True)
class Actor:
    """One face of the play; every value may change with time."""

    smile: Curve = 0.0
    """0 (neutral) to 1 (beaming); see `smiling`."""
    x: Curve = 0.5
    """The face's middle as a share of the frame's width; well over 1 or under 0 is out of the picture."""
    y: Curve = 0.46
    """The face's middle as a share of the frame's height."""
    size: Curve = 0.4
    """The side of the face's box as a share of the frame's height."""
    tilt: Curve = 0.0
    """Degrees, clockwise as the viewer sees it."""
    blinks: tuple[float, ...] = ()
    """Seconds at which the eyes are shut."""
    absent: tuple[tuple[float, float], ...] = ()
    """Spans of seconds without this face, cut out between two frames."""
    person: int = 0
    """Which of the drawn people plays, counted from 0; wraps around."""

    def pose(self, at: float) -> Pose | None:
        """Return the pose at a second of the script, None while absent."""
        if any(start <= at < end for start, end in self.absent):
            return None
        sway = self.person * 1.7  # nobody stands still, and no two sway alike
        return Pose(
            smile=_value(self.smile, at),
            shut=max((max(0.0, 1 - abs(at - blink) / (BLINK / 2)) for blink in self.blinks), default=0.0),
            x=_value(self.x, at) + 0.0035 * sin(2 * pi * 0.23 * at + sway),
            y=_value(self.y, at) + 0.0045 * sin(2 * pi * 0.31 * at + 2 * sway),
            size=_value(self.size, at) * (1 + 0.006 * sin(2 * pi * 0.19 * at + sway)),
            tilt=_value(self.tilt, at) + 1.1 * sin(2 * pi * 0.17 * at + 3 * sway),
        )

    @property
    def smiles(self) -> tuple[tuple[float, float], ...]:
        """The spans of seconds in which the smile is at least `SMILES_FROM`."""
        if not isinstance(self.smile, tuple):
            return ((0.0, float("inf")),) if self.smile >= SMILES_FROM else ()
        spans, start = [], None
        last = self.smile[-1][0]
        for step in range(round(last * 100) + 1):
            smiles = _value(self.smile, step / 100) >= SMILES_FROM
            if smiles and start is None:
                start = step / 100
            elif not smiles and start is not None:
                spans.append((start, step / 100))
                start = None
        if start is not None:
            spans.append((start, float("inf")))
        return tuple(spans)


def smiling(*spans: tuple[float, float] | tuple[float, float, float], rise: float = 0.35) -> Curve:
    """Return a smile curve from (start, end) or (start, end, level) spans, in seconds and in order.

    A smile takes `rise` seconds to come, from `start` on, and to go, up to `end`; `level` is 1 unless given.
    """
    knots = [(0.0, 0.0)]
    for start, end, *level in spans:
        top = level[0] if level else 1.0
        knots += [(start, 0.0), (start + rise, top), (end - rise, top), (end, 0.0)]
    if any(later <= sooner for (sooner, _), (later, _) in pairwise(knots[1:])):
        raise ValueError(f"need spans in order, each longer than {2 * rise:g} s, got {spans}")
    return tuple(knots)


@dataclass(frozen=True, slots=True)
class DemoScript:
    """Who plays, and for how many seconds."""

    actors: tuple[Actor, ...]
    duration: float

    @property
    def smiles(self) -> tuple[SmileWindow, ...]:
        """The smiles of all actors, by their start: a shot is right when it falls into one."""
        windows = [
            SmileWindow(start, min(end, self.duration), index)
            for index, actor in enumerate(self.actors)
            for start, end in actor.smiles
            if start < self.duration
        ]
        return tuple(sorted(windows))


SCRIPT = DemoScript(
    actors=(
        Actor(
            smile=smiling((2.0, 4.6), (9.0, 11.2), (16.6, 18.4, HALF), (19.6, 23.4)),
            x=(
                (0, 0.5),
                (5.2, 0.5),
                (6.4, 0.38),
                (7.6, 0.42),
                (12.2, 0.5),
                (13.2, 1.35),
                (14.4, 1.35),
                (15.6, 0.5),
            ),
            y=((0, 0.46), (5.2, 0.46), (6.4, 0.43), (8.2, 0.46)),
            size=((0, 0.4), (5.2, 0.4), (6.6, 0.33), (8.4, 0.42), (12.2, 0.4)),
            tilt=((0, 0), (5.4, 0), (6.2, 4), (7.2, -4), (8.2, 0), (20.2, 0), (21.2, 4), (23, 0)),
            blinks=(1.2, 6.0, 8.3, 11.8, 16.1, 18.9, 21.6),
        ),
    ),
    duration=24.0,
)
"""What the demo shows unless told otherwise: three smiles, a walk out of the picture, and half a smile."""


def build(settings: SourceSettings, *, timeout: float) -> Callable[[], DemoSource]:
    """Return the opener of the demo."""
    return lambda: DemoSource(size=settings.size, fps=settings.fps)


class DemoSource:
    """Plays a script; a frame depends on the script and its time alone, so every run is the same."""

    live = False

    def __init__(
        self,
        size: tuple[int, int] = (1280, 720),
        fps: float = 30.0,
        script: DemoScript | None = None,
        loop: bool = False,
    ) -> None:
        """Open a source of `size` (width, height in pixels) frames, `fps` to a second of the script."""
        if min(size) < 16 or fps <= 0:
            raise ValueError(
                f"need a size of at least 16x16 and fps > 0, got {size[0]}x{size[1]} and {fps:g}"
            )
        self.size = size
        self.fps = fps
        self.script = script if script is not None else SCRIPT
        self.loop = loop
        self._frames = max(1, round(self.script.duration * fps))
        self._next = 0
        self._closed = False

    def read(self) -> Frame | None:
        """Return the next frame; None after the script's end, unless it loops, and after `close`.

        `at` goes on through the repetitions of a loop.
        """
        if self._closed or (self._next >= self._frames and not self.loop):
            return None
        seq, self._next = self._next, self._next + 1
        image = draw_scene(self.script, self.size, (seq % self._frames) / self.fps)
        return Frame(image=image, seq=seq, at=seq / self.fps)

    def close(self) -> None:
        """End the play."""
        self._closed = True


def draw_scene(script: DemoScript, size: tuple[int, int], at: float) -> Image:
    """Draw the script at a second, as a new (H, W, 3) uint8 BGR picture of `size` (width, height)."""
    image = draw_room(size).copy()
    poses = [(actor.pose(at), PEOPLE[actor.person % len(PEOPLE)]) for actor in script.actors]
    standing = [(pose, person) for pose, person in poses if pose is not None]
    for pose, person in sorted(standing, key=lambda pair: pair[0].size):  # who is near covers who is far
        _place(image, pose, draw_face(person, pose.smile, pose.shut))
    return image


def _place(image: Image, pose: Pose, sprite: Image) -> None:
    """Put a sprite into the picture."""
    height, width = image.shape[:2]
    scale = pose.size * height / (BOX * UNIT)
    while scale < 0.5:  # a warp would skip pixels
        sprite, scale = _half(sprite), scale * 2
    unit = pose.size * height / BOX
    middle = pose.x * width, pose.y * height - 0.12 * unit
    turn = cv2.getRotationMatrix2D((-LEFT * unit / scale, -TOP * unit / scale), -pose.tilt, scale)
    turn[:, 2] += (middle[0] + LEFT * unit / scale, middle[1] + TOP * unit / scale)
    h, w = sprite.shape[:2]
    corners = np.array([(0, 0), (w, 0), (0, h), (w, h)]) @ turn[:, :2].T + turn[:, 2]
    corners[2:, 1] = np.maximum(corners[2:, 1], height)  # below a sprite the clothes go on
    left, top = np.maximum(np.floor(corners.min(0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(corners.max(0)).astype(int) + 1, (width, height))
    if right <= left or bottom <= top:
        return
    turn[:, 2] -= left, top
    area = int(right - left), int(bottom - top)
    layer = cv2.warpAffine(sprite, turn, area, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    clear = cv2.extractChannel(layer, 3)
    region = image[top:bottom, left:right]
    cv2.multiply(region, cv2.merge([clear, clear, clear]), region, scale=1 / 255)
    cv2.add(region, cv2.cvtColor(layer, cv2.COLOR_BGRA2BGR), region)


def _half(picture: Image) -> Image:
    height, width = picture.shape[:2]
    return np.asarray(cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)


def _value(curve: Curve, at: float) -> float:
    if not isinstance(curve, tuple):
        return curve
    before = curve[0]
    for knot in curve:
        if knot[0] > at:
            share = max(0.0, (at - before[0]) / (knot[0] - before[0])) if knot[0] > before[0] else 1.0
            return before[1] + (knot[1] - before[1]) * share * share * (3 - 2 * share)
        before = knot
    return before[1]
