"""What the overlay draws at and about one face: its frame, its meter, its seven bars."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np

from smartselfie.records import Box, Face, Image, Meter, Scores, State, View
from smartselfie.viewing import paint
from smartselfie.viewing.paint import AMBER, GREEN, GREY, SMOKE, WHITE, Layout

LEVEL = 4
"""Degrees of roll up to which a box stands upright: it would only tremble."""


def draw_face(
    image: Image,
    layout: Layout,
    face: Face,
    box: Box,
    meter: Meter | None,
    view: View,
    *,
    mirror: bool = False,
) -> None:
    """Corners around the face, turned as it is, number and score for smiling above, its meter below."""
    unit = layout.unit
    fired = view.decision.state is State.RESTING and meter is not None and meter.progress >= 1
    if meter is not None and not meter.takes_part:
        color, opacity = GREY, 0.55
    elif meter is not None and meter.smiles:
        color, opacity = (GREEN if meter.progress >= 1 or fired else AMBER), 1.0
    else:
        color, opacity = WHITE, 0.9
    thick = max(2, round(0.45 * unit))
    roll = round(math.degrees(-face.roll if mirror else face.roll))
    roll = 0 if abs(roll) <= LEVEL else roll
    _draw_corners(image, box, thick, roll, color, opacity)
    over = round(_overhang(box, roll))
    label = f"#{face.track}"
    if face.scores is not None:
        what = "smile" if face.smiling is not None else " or ".join(face.scores.expression)
        label += f"  {what} {face.smile:.2f}"
    size = layout.small
    across = paint.text_width(label, size) + 1.4 * size
    left = min(max(box.centre[0] - across / 2, 2), layout.width - across - 2)
    top = max(box.y - over - 1.9 * size, 2)
    paint.panel(image, left, top, across, 1.5 * size, 0.75 * size, SMOKE, 0.62)
    paint.text(image, label, left + across / 2, top + 0.75 * size, size, color, align="middle")
    if meter is None:
        return
    bar = max(4, round(0.9 * unit))
    low = min(box.bottom + over + 1.6 * bar, layout.height - 3 * bar)
    paint.panel(image, box.x, low, box.width, bar, bar / 2, SMOKE, 0.55)
    paint.panel(
        image,
        box.x,
        low,
        max(box.width * meter.progress, bar) if meter.progress else 0,
        bar,
        bar / 2,
        color,
        opacity,
    )
    said = meter.notice if meter.takes_part else meter.why
    if said:
        words = paint.fitting(said, 0.9 * size, max(box.width, 10 * size))
        paint.text(
            image,
            words,
            box.centre[0],
            low + 2 * bar + 0.4 * size,
            0.9 * size,
            AMBER if meter.takes_part else GREY,
            align="middle",
            shadow=0.7,
        )


def _overhang(box: Box, roll: int) -> float:
    """How far a turned box reaches above and below the upright one."""
    turn = math.radians(roll)
    return (box.width * abs(math.sin(turn)) + box.height * (abs(math.cos(turn)) - 1)) / 2


def _draw_corners(image: Image, box: Box, thick: int, roll: int, color: paint.Color, opacity: float) -> None:
    """Draw the four corners of a box that is turned about its middle by `roll` degrees, clockwise."""
    reach = max(box.width // 6, 3 * thick)
    cos, sin = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    for quarter, (across, down) in enumerate(((-1, -1), (1, -1), (1, 1), (-1, 1))):
        x, y = across * box.width / 2, down * box.height / 2
        mask = _corner(reach, thick, round(reach / 2), roll + 90 * quarter)
        half = mask.shape[0] // 2
        left, top = box.centre[0] + x * cos - y * sin - half, box.centre[1] + x * sin + y * cos - half
        paint.stamp(image, mask, left, top, color, opacity)


@lru_cache(maxsize=256)
def _corner(reach: int, thick: int, radius: int, degrees: int) -> Image:
    """The upper left corner of a frame with a round edge, turned about itself, in the middle of a mask."""
    half = thick / 2
    angle = np.linspace(np.pi, 1.5 * np.pi, 24)
    bend = (radius + half) + radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    line = np.concatenate([[(half, reach - thick)], bend, [(reach - thick, half)]])
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    middle = reach + thick
    line = line @ np.array([[cos, sin], [-sin, cos]]) + middle
    mask = np.zeros((2 * middle, 2 * middle), np.uint8)
    cv2.polylines(mask, [np.round((line - 0.5) * 16).astype(np.int32)], False, 255, thick, cv2.LINE_AA, 4)
    return mask


def draw_bars(image: Image, layout: Layout, scores: Scores, threshold: float) -> None:
    """The probabilities in their fixed order, the threshold marked on what is wanted."""
    unit, size = layout.unit, max(10.0, 2.5 * layout.unit)
    row = 1.45 * size
    names = max(paint.text_width(name, size) for name in scores)
    roomy = layout.width >= 480  # where it is not, the bars alone must do: the face matters more
    figures = paint.text_width("100", size) if roomy else 0
    pad, gap = 0.9 * size, 0.6 * size
    length = 17 * unit if roomy else 28.0
    width = pad + names + gap + length + (gap + figures if roomy else 0) + pad
    height = row * len(scores) + pad
    left, top = 2 * unit, 2 * unit
    paint.panel(image, left, top, width, height, 1.2 * unit, SMOKE, 0.58)
    start = left + pad + names + gap
    thick = max(4, round(0.42 * size))
    for index, (name, share) in enumerate(scores.items()):
        middle = top + pad / 2 + (index + 0.5) * row
        wanted = name in scores.expression
        reached = wanted and share >= threshold
        color = (GREEN if reached else AMBER) if wanted else GREY
        paint.text(
            image, name, start - gap, middle, size, WHITE if wanted else GREY, align="right", bold=wanted
        )
        paint.panel(image, start, middle - thick / 2, length, thick, thick / 2, (90, 84, 80), 0.7)
        if share * length >= 1:
            paint.panel(
                image, start, middle - thick / 2, max(share * length, thick), thick, thick / 2, color, 1.0
            )
        if roomy:
            paint.text(
                image,
                f"{100 * share:.0f}",
                left + width - pad,
                middle,
                size,
                WHITE if wanted else GREY,
                align="right",
            )
        if wanted:
            _draw_threshold(image, start + threshold * length, middle, thick, row)


def _draw_threshold(image: Image, x: float, middle: float, thick: float, row: float) -> None:
    tall = min(row - 1, 2.6 * thick)
    wide = max(2, round(thick / 3))
    paint.panel(image, x - wide / 2 - 1, middle - tall / 2 - 1, wide + 2, tall + 2, wide / 2 + 1, SMOKE, 0.8)
    paint.panel(image, x - wide / 2, middle - tall / 2, wide, tall, wide / 2, WHITE, 1.0)
