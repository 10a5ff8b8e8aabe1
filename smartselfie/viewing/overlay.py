"""What people see on top of the picture: faces, expression, how far the hold is, what happened.

Everything is laid out in units of `Layout.unit`, so that it reads the same on 320x240 and 1920x1080.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from smartselfie.records import Box, Decision, Face, Image, Shot, State, View
from smartselfie.viewing import paint
from smartselfie.viewing.face_marks import draw_bars, draw_face
from smartselfie.viewing.paint import AMBER, GREEN, GREY, RED, SMOKE, WHITE, Layout

FLASH = 0.4
"""Seconds that the white flash takes to fade."""
THUMBNAIL = 3.0
"""Seconds that the picture just taken stays in the corner."""

TITLES = {
    State.WATCHING: "Watching",
    State.HOLDING: "Hold that smile",
    State.COUNTDOWN: "Ready",
    State.RESTING: "Got it",
    State.DISARMED: "Paused",
}


def draw(view: View, *, now: float | None = None, mirror: bool = False, message: str = "") -> Image:
    """Draw a view on a copy of its picture; returns (H, W, 3) uint8 BGR of the frame's size.

    `now` is the time in the frame's clock (default: the frame's own), by which flash and thumbnail fade;
    `mirror` flips the picture, never the words. `message` is shown like a notice, only friendlier.
    """
    now = view.frame.at if now is None else now
    image = np.asarray(cv2.flip(view.frame.image, 1), np.uint8) if mirror else view.frame.image.copy()
    _draw_all(image, view, mirror=mirror)
    layout = Layout(image.shape[1], image.shape[0])
    _draw_corner(image, layout, view)
    _draw_banners(image, layout, view.notices, message)
    if view.last_shot is not None:
        _draw_shot(image, layout, view.last_shot, now - view.last_shot.at)
    return image


def annotate(view: View, image: Image) -> Image:
    """Draw what was known when a picture was taken on a copy of it; returns (H, W, 3) uint8 BGR of its size.

    The picture may be larger than the analysed frame, such as a camera's still: boxes grow with it.
    """
    image = image.copy()
    _draw_all(image, view)
    return image


def _draw_all(image: Image, view: View, *, mirror: bool = False) -> None:
    layout = Layout(image.shape[1], image.shape[0])
    meters = {meter.track: meter for meter in view.decision.meters}
    wide, tall = layout.width / view.frame.size[0], layout.height / view.frame.size[1]
    main = main_face(view)
    if main is not None and main.scores is not None:
        draw_bars(image, layout, main.scores, view.threshold)
    for face in view.faces:
        box = face.box
        box = Box(round(box.x * wide), round(box.y * tall), round(box.width * wide), round(box.height * tall))
        if mirror:
            box = Box(layout.width - box.right, box.y, box.width, box.height)
        draw_face(image, layout, face, box, meters.get(face.track), view, mirror=mirror)
    _draw_state(image, layout, view.decision)
    if view.decision.countdown is not None:
        _draw_countdown(image, layout, view.decision)


def main_face(view: View) -> Face | None:
    """The face whose probabilities are shown: the largest that takes part, else the largest."""
    if not view.faces:
        return None
    part = {meter.track for meter in view.decision.meters if meter.takes_part}
    return max(view.faces, key=lambda face: (face.track in part, face.box.area))


def _draw_state(image: Image, layout: Layout, decision: Decision) -> None:
    """The ring that fills over the hold, the state beside it, and why."""
    unit = layout.unit
    title = TITLES[decision.state]
    why = decision.why
    waits = decision.awaited > 0 and decision.state in (State.WATCHING, State.HOLDING)
    if waits:
        title, why = why[0].upper() + why[1:], "everyone, smile"
    radius = max(13.0, 4.2 * unit)
    pad = 0.45 * radius
    room = layout.width - 4 * unit - 2 * radius - 4 * pad
    why = paint.fitting(why, layout.small, room)
    words = max(paint.text_width(title, layout.large, bold=True), paint.text_width(why, layout.small))
    width = 2 * radius + words + 4 * pad
    height = 2 * radius + 1.6 * pad
    left, top = (layout.width - width) / 2, layout.height - height - 2 * unit
    paint.panel(image, left, top, width, height, height / 2, SMOKE, 0.62)
    x, y = left + radius + 0.9 * pad, top + height / 2
    draw_ring(image, x, y, radius, decision)
    start = x + radius + pad
    color = AMBER if waits or decision.state is State.HOLDING else WHITE
    paint.text(image, title, start, y - 0.5 * layout.small - 0.04 * height, layout.large, color, bold=True)
    paint.text(image, why, start, y + 0.62 * layout.large, layout.small, GREY)


def draw_ring(image: Image, x: float, y: float, radius: float, decision: Decision) -> None:
    """Draw the ring around (x, y) in pixels, filled clockwise by the decision's progress."""
    width = max(2.5, radius / 5)
    color = GREEN if decision.state is State.RESTING else AMBER
    paint.ring(image, x, y, radius - width / 2, width, 1.0, (120, 112, 106), 0.55)
    match decision.state:
        case State.RESTING:
            paint.ring(image, x, y, radius - width / 2, width, 1.0, color)
        case State.DISARMED:
            for side in (-1, 1):
                bar = 0.26 * radius
                paint.panel(
                    image,
                    x + side * 0.26 * radius - bar / 2,
                    y - 0.4 * radius,
                    bar,
                    0.8 * radius,
                    bar / 3,
                    GREY,
                    1,
                )
            return
        case _:
            paint.ring(image, x, y, radius - width / 2, width, decision.progress, color)
    inner = 0.28 + 0.30 * (1.0 if decision.state is State.RESTING else decision.progress)
    paint.disc(image, x, y, inner * radius, WHITE if decision.state is State.WATCHING else color)


def _draw_corner(image: Image, layout: Layout, view: View) -> None:
    """Frame rate, and how many pictures there are, in the upper right corner."""
    size = layout.small
    words = f"{view.fps:.0f} fps"
    if view.shots:
        words = f"{view.shots} picture{'s' if view.shots != 1 else ''}   " + words
    width = paint.text_width(words, size) + 1.4 * size
    left, top = layout.width - 2 * layout.unit - width, 2 * layout.unit
    paint.panel(image, left, top, width, 1.7 * size, 0.85 * size, SMOKE, 0.58)
    paint.text(image, words, left + width / 2, top + 0.85 * size, size, align="middle")


def _draw_countdown(image: Image, layout: Layout, decision: Decision) -> None:
    """The seconds left, large, in a ring that runs out."""
    assert decision.countdown is not None
    x, y, radius = layout.width / 2, 0.44 * layout.height, 17 * layout.unit
    paint.disc(image, x, y, radius, SMOKE, 0.3)
    paint.ring(image, x, y, 0.92 * radius, 0.1 * radius, 1 - decision.progress, AMBER)
    left = max(1, int(np.ceil(decision.countdown - 1e-6)))
    paint.text(image, str(left), x, y + 0.02 * radius, 1.25 * radius, align="middle", bold=True, shadow=0.35)


def _draw_banners(image: Image, layout: Layout, notices: tuple[str, ...], message: str) -> None:
    """What is wrong, right above the state, where nobody overlooks it; above it what was just changed."""
    size = max(11.0, 3.3 * layout.unit)
    row = 1.9 * size
    y = layout.height - 4 * layout.unit - 2.75 * max(13.0, 4.2 * layout.unit) - row / 2
    for words, color, ink in [*((notice, RED, WHITE) for notice in notices), (message, AMBER, (24, 24, 24))]:
        if not words:
            continue
        fitted = paint.fitting(words, size, layout.width - 4 * layout.unit - 2.4 * size, bold=True)
        width = paint.text_width(fitted, size, bold=True) + 2 * size
        left, top = (layout.width - width) / 2, y - row / 2
        paint.panel(image, left, top, width, 0.9 * row, 0.5 * size, color, 0.94)
        paint.text(image, fitted, layout.width / 2, top + 0.45 * row, size, ink, align="middle", bold=True)
        y -= row


def _draw_shot(image: Image, layout: Layout, shot: Shot, age: float) -> None:
    """A white flash that fades, and the picture itself in the corner for a while."""
    if 0 <= age < THUMBNAIL:
        small = _thumbnail(shot, round(0.24 * layout.width))
        border = max(2, round(0.6 * layout.unit))
        height, width = small.shape[:2]
        left = layout.width - width - 2 * border - round(2 * layout.unit)
        top = round(2 * layout.unit + 2.2 * layout.small)
        sink = max(0.0, (age - 0.85 * THUMBNAIL) / (0.15 * THUMBNAIL))  # it leaves as softly as it came
        paint.panel(
            image,
            left - border,
            top,
            width + 4 * border,
            height + 4 * border,
            3 * border,
            (0, 0, 0),
            0.25 * (1 - sink),
        )
        paint.panel(image, left, top, width + 2 * border, height + 2 * border, border, WHITE, 1 - sink)
        region = image[top + border : top + border + height, left + border : left + border + width]
        cv2.addWeighted(small[: region.shape[0], : region.shape[1]], 1 - sink, region, sink, 0, region)
    if 0 <= age < FLASH:
        white = 0.9 * (1 - age / FLASH) ** 1.5
        cv2.convertScaleAbs(image, image, 1 - white, 255 * white)


@lru_cache(maxsize=1)
def _thumbnail(shot: Shot, width: int) -> Image:
    height = max(1, round(width * shot.image.shape[0] / shot.image.shape[1]))
    return np.asarray(cv2.resize(shot.image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
