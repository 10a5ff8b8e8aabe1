"""Anti-aliased text, panels, bars and rings on pictures; every shape touches only its own few pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin

import cv2
import numpy as np
from PIL import Image as PicturePlane
from PIL import ImageDraw, ImageFont

from smartselfie.records import Image

Color = tuple[int, int, int]
"""Blue, green, red."""

WHITE = (255, 255, 255)
SMOKE = (34, 28, 24)
GREY = (196, 190, 184)
AMBER = (64, 186, 255)
GREEN = (128, 214, 96)
RED = (84, 84, 240)


@dataclass(frozen=True, slots=True)
class Layout:
    """Lengths in pixels that follow from the picture's size."""

    width: int
    height: int

    @property
    def unit(self) -> float:
        """One hundredth of the picture's height, with a floor: letters below 10 pixels are no letters."""
        return max(3.2, min(self.height, self.width * 0.75) / 100)

    @property
    def small(self) -> float:
        """The size of small text."""
        return max(10.0, 2.7 * self.unit)

    @property
    def large(self) -> float:
        """The size of a headline."""
        return max(13.0, 4.4 * self.unit)


def stamp(image: Image, mask: Image, left: float, top: float, color: Color, opacity: float = 1.0) -> None:
    """Put a colour on a (H, W, 3) picture where a (h, w) uint8 mask says, its corner at (left, top)."""
    x, y = round(left), round(top)
    height, width = image.shape[:2]
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + mask.shape[1], width), min(y + mask.shape[0], height)
    if x1 <= x0 or y1 <= y0 or opacity <= 0:
        return
    cut = mask[y0 - y : y1 - y, x0 - x : x1 - x]
    weight = cv2.merge([cut, cut, cut])
    region = image[y0:y1, x0:x1]
    over = cv2.multiply(np.full_like(region, color), weight, scale=opacity / 255)
    under = cv2.multiply(region, cv2.convertScaleAbs(weight, None, -opacity, 255), scale=1 / 255)
    region[:] = cv2.add(over, under)


def panel(
    image: Image,
    left: float,
    top: float,
    width: float,
    height: float,
    radius: float,
    color: Color,
    opacity: float,
) -> None:
    """Fill a rectangle with round corners; all lengths in pixels."""
    if width >= 1 and height >= 1:
        stamp(image, _round_rectangle(round(width), round(height), round(radius)), left, top, color, opacity)


@lru_cache(maxsize=256)
def _round_rectangle(width: int, height: int, radius: int) -> Image:
    radius = min(radius, width // 2, height // 2)
    mask = np.full((height, width), 255, np.uint8)
    if radius > 0:
        corner = np.zeros((radius, radius), np.uint8)
        cv2.circle(corner, (radius * 16 - 8, radius * 16 - 8), radius * 16 - 8, 255, -1, cv2.LINE_AA, 4)
        mask[:radius, :radius], mask[:radius, -radius:] = corner, corner[:, ::-1]
        mask[-radius:, :radius], mask[-radius:, -radius:] = corner[::-1], corner[::-1, ::-1]
    return mask


def ring(
    image: Image,
    x: float,
    y: float,
    radius: float,
    width: float,
    filled: float,
    color: Color,
    opacity: float = 1.0,
) -> None:
    """Draw the part `filled` (0..1) of a ring around (x, y), clockwise from the top, with round ends."""
    steps = round(min(max(filled, 0.0), 1.0) * 180)
    if steps:
        half = round(radius + width / 2) + 2
        stamp(
            image, _arc(half, round(radius * 8), round(width * 8), steps), x - half, y - half, color, opacity
        )


@lru_cache(maxsize=256)
def _arc(half: int, radius_8: int, width_8: int, steps: int) -> Image:
    """A mask of steps/180 of a ring; `half` is half the mask's side, lengths are in eighths of a pixel."""
    double = 2  # drawn at twice the size: cv2's own anti-aliasing leaves thick arcs rough
    mask = np.zeros((half * 2 * double, half * 2 * double), np.uint8)
    middle, radius, width = half * double, radius_8 / 8 * double, width_8 / 8 * double
    angle = np.linspace(-pi / 2, -pi / 2 + 2 * pi * steps / 180, max(2, steps))
    points = middle + radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    cv2.polylines(mask, [np.round(points * 16).astype(np.int32)], False, 255, round(width), cv2.LINE_AA, 4)
    for end in (angle[0], angle[-1]):
        centre = round((middle + radius * cos(end)) * 16), round((middle + radius * sin(end)) * 16)
        cv2.circle(mask, centre, round(width * 8), 255, -1, cv2.LINE_AA, 4)
    return np.asarray(cv2.resize(mask, (half * 2, half * 2), interpolation=cv2.INTER_AREA), np.uint8)


def disc(image: Image, x: float, y: float, radius: float, color: Color, opacity: float = 1.0) -> None:
    """Fill a circle around (x, y)."""
    side = max(2, round(2 * radius))
    stamp(image, _round_rectangle(side, side, side // 2), x - side / 2, y - side / 2, color, opacity)


def text(
    image: Image,
    words: str,
    x: float,
    y: float,
    size: float,
    color: Color = (255, 255, 255),
    *,
    align: str = "left",
    bold: bool = False,
    opacity: float = 1.0,
    shadow: float = 0.0,
) -> None:
    """Write one line, its middle at height `y`, its left end, middle or right end at `x`.

    `size` is the height of the letters' line in pixels, `shadow` the opacity of a soft dark halo that keeps
    the words readable on any picture.
    """
    mask, halo = _line(words, max(6, round(size)), bold)
    left = x - {"left": 0.0, "middle": 0.5, "right": 1.0}[align] * mask.shape[1]
    top = y - mask.shape[0] / 2
    if shadow:
        over = (halo.shape[1] - mask.shape[1]) // 2
        stamp(image, halo, left - over, top - over, (0, 0, 0), shadow)
    stamp(image, mask, left, top, color, opacity)


def text_width(words: str, size: float, *, bold: bool = False) -> int:
    """The width of a line in pixels."""
    return int(_line(words, max(6, round(size)), bold)[0].shape[1])


def fitting(words: str, size: float, width: float, *, bold: bool = False) -> str:
    """Return the words, or their beginning and an ellipsis where they are wider than `width` pixels."""
    if text_width(words, size, bold=bold) <= width:
        return words
    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(words[:middle].rstrip() + "…", size, bold=bold) <= width:
            low = middle
        else:
            high = middle - 1
    return words[:low].rstrip() + "…" if low else ""


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)  # Pillow brings a small sans-serif along: no font file to look for


@lru_cache(maxsize=1024)
def _line(words: str, size: int, bold: bool) -> tuple[Image, Image]:
    """The words as a mask, as tall for all words of one size, and the larger mask of their halo."""
    font = _font(size)
    stroke = size // 24 if bold else 0
    width = int(font.getlength(words)) + 2 * stroke + 3
    canvas = PicturePlane.new("L", (width, round(size * 1.3)))
    ImageDraw.Draw(canvas).text(
        (stroke + 1, round(size * 0.98)), words, fill=255, font=font, anchor="ls", stroke_width=stroke
    )
    mask = np.array(canvas, np.uint8)
    if bold and not stroke:  # the font has one weight: half a pixel more of it
        mask[:, 1:] = np.maximum(mask[:, 1:], (mask[:, :-1] * min(1.0, size / 22)).astype(np.uint8))
    edge = max(2, size // 5)
    halo = cv2.copyMakeBorder(mask, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=0)
    halo = cv2.GaussianBlur(cv2.dilate(halo, np.ones((3, 3), np.uint8)), (0, 0), edge / 2.5)
    return mask, np.asarray(halo, np.uint8)
