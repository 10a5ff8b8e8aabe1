"""A photo with what the network says of each face drawn on it."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import cv2
import numpy as np

from smartselfie.records import Box, Face, Image, Scores
from smartselfie.viewing import paint

SMALLEST = 600
"""Pictures with fewer pixels across and down are enlarged to at least this: letters need some."""
PAPER, SMOKE, GREY, WHITE = (44, 38, 34), (34, 28, 24), (196, 190, 184), (255, 255, 255)
GREEN, AMBER = (128, 214, 96), (64, 186, 255)


def annotate(image: Image, faces: Sequence[Face]) -> Image:
    """Return a (H, W, 3) BGR picture with a frame and the seven bars of every face; `image` stays as it is.

    Small pictures come back larger, and one that is all face gets its bars beside it. A face with no room for
    bars has its expression named above its frame only.
    """
    factor = max(1, ceil(SMALLEST / max(image.shape[:2])))
    if factor > 1:
        image = np.asarray(
            cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC), np.uint8
        )
    height, width = image.shape[:2]
    boxes = [Box(*(side * factor for side in _sides(face.box))) for face in faces]
    unit = max(3.2, min(height, 0.75 * width) / 100)
    if len(boxes) == 1 and boxes[0].area >= 0.98 * width * height:
        return _beside(image, faces[0], unit)
    canvas = image.copy()
    taken = list(boxes)
    for face, box in zip(faces, boxes, strict=True):
        if face.scores is None:
            continue
        color = _color(face.scores)
        _frame(canvas, box, max(2, round(0.4 * unit)), color)
        largest = min(max(10.0, box.height / 11), max(10.0, 2.6 * unit))
        top = face.scores.top
        _label(canvas, box, f"{face.track}  {top}  {_percent(face.scores[top])}", largest)
        for size in (largest, max(10.0, 0.75 * largest)):
            place = _find_room(box, _panel_size(face.scores, size), (width, height), taken)
            if place is not None:
                _bars(canvas, face.scores, place, size)
                taken.append(place)
                break
    return canvas


def _sides(box: Box) -> tuple[int, int, int, int]:
    return box.x, box.y, box.width, box.height


def _color(scores: Scores) -> paint.Color:
    return GREEN if scores.shows else AMBER


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _beside(image: Image, face: Face, unit: float) -> Image:
    """Put the bars on a strip at the right of a picture that is all face."""
    size = max(14.0, 3 * unit)
    if face.scores is None:
        return image
    across, tall = _panel_size(face.scores, size)
    strip = across + round(2 * size)
    below = max(0, tall + round(2 * size) - image.shape[0])
    border = cv2.BORDER_CONSTANT
    canvas = np.asarray(cv2.copyMakeBorder(image, 0, below, 0, strip, border, value=PAPER), np.uint8)
    top = (canvas.shape[0] - tall) // 2
    _bars(canvas, face.scores, Box(image.shape[1] + round(size), top, across, tall), size)
    return canvas


def _panel_size(scores: Scores, size: float) -> tuple[int, int]:
    """Width and height of the panel with the bars, whose letters are `size` pixels tall."""
    names = max(paint.text_width(name, size, bold=True) for name in scores)
    figures = paint.text_width("100%", size)
    return round(names + figures + 9.4 * size), round((1.45 * len(scores) + 0.9) * size)


def _find_room(
    box: Box, panel: tuple[int, int], picture: tuple[int, int], taken: Sequence[Box]
) -> Box | None:
    """Return where the panel fits beside a face without hiding another face or panel, if anywhere."""
    width, height = panel
    gap = max(6, box.width // 16)
    middle_x, middle_y = round(box.centre[0] - width / 2), round(box.centre[1] - height / 2)
    middle_x = min(max(middle_x, gap), picture[0] - width - gap)
    middle_y = min(max(middle_y, gap), picture[1] - height - gap)
    places = (
        Box(box.right + gap, middle_y, width, height),
        Box(box.x - gap - width, middle_y, width, height),
        Box(middle_x, box.bottom + gap, width, height),
    )
    for place in places:
        inside = place.x >= 0 and place.y >= 0 and place.right <= picture[0] and place.bottom <= picture[1]
        if inside and not any(place.iou(other) > 0 for other in taken):
            return place
    return None


def _frame(image: Image, box: Box, thick: int, color: paint.Color) -> None:
    """A frame of four thin bars; what lies outside the picture is cut off."""
    for left, top, width, height in (
        (box.x, box.y, box.width, thick),
        (box.x, box.bottom - thick, box.width, thick),
        (box.x, box.y, thick, box.height),
        (box.right - thick, box.y, thick, box.height),
    ):
        paint.panel(image, left, top, width, height, thick / 2, color, 0.95)


def _label(image: Image, box: Box, words: str, size: float) -> None:
    across = paint.text_width(words, size, bold=True) + 1.2 * size
    left = min(max(box.x, 2), max(2, image.shape[1] - across - 2))
    top = max(box.y - 1.9 * size, 2)
    paint.panel(image, left, top, across, 1.6 * size, 0.5 * size, SMOKE, 0.72)
    paint.text(image, words, left + across / 2, top + 0.8 * size, size, align="middle", bold=True)


def _bars(image: Image, scores: Scores, place: Box, size: float) -> None:
    """The probabilities in their fixed order, the largest in colour."""
    names = max(paint.text_width(name, size, bold=True) for name in scores)
    figures = paint.text_width("100%", size)
    paint.panel(image, place.x, place.y, place.width, place.height, 0.6 * size, SMOKE, 0.72)
    start = place.x + 0.8 * size + names + 0.6 * size
    length = place.right - 0.8 * size - figures - 0.6 * size - start
    thick = max(4, round(0.5 * size))
    for row, (name, share) in enumerate(scores.items()):
        middle = place.y + (0.45 + 1.45 * (row + 0.5)) * size
        top = name == scores.top
        ink = WHITE if top else GREY
        paint.text(image, name, start - 0.6 * size, middle, size, ink, align="right", bold=top)
        paint.panel(image, start, middle - thick / 2, length, thick, thick / 2, (90, 84, 80), 0.8)
        if share * length >= 1:
            filled = max(share * length, thick)
            color = _color(scores) if top else GREY
            paint.panel(image, start, middle - thick / 2, filled, thick, thick / 2, color, 1.0)
        paint.text(image, _percent(share), place.right - 0.8 * size, middle, size, ink, align="right")
