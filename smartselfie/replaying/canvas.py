"""One drawing, two forms: shapes that become an SVG for pages and a PNG for everything else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Literal, Protocol

from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]

FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
SCALE = 2
"""Pixels of a PNG per unit of the drawing."""
SMOOTH = 2
"""A PNG is drawn this much larger and scaled down: Pillow draws without anti-aliasing."""


class Canvas(Protocol):
    """What can be drawn; all in units of the drawing, (0, 0) at the top left."""

    def rect(
        self, x: float, y: float, width: float, height: float, fill: str, *, radius: float = 0, note: str = ""
    ) -> None:
        """Fill a rectangle; `note` is shown while a pointer rests on it, where there is one."""
        ...

    def path(
        self,
        points: Sequence[Point],
        colour: str,
        width: float = 1,
        *,
        dash: tuple[float, float] | None = None,
    ) -> None:
        """Draw a line through points."""
        ...

    def polygon(self, points: Sequence[Point], fill: str) -> None:
        """Fill a polygon."""
        ...

    def circle(
        self, centre: Point, radius: float, fill: str, *, outline: str = "", width: float = 0, note: str = ""
    ) -> None:
        """Fill a circle."""
        ...

    def text(
        self,
        at: Point,
        text: str,
        colour: str,
        size: float = 12,
        *,
        anchor: Anchor = "start",
        bold: bool = False,
    ) -> None:
        """Write text; `at` is on its base line."""
        ...


class Svg:
    """Draws an SVG document."""

    def __init__(self, width: float, height: float, *, title: str = "") -> None:
        self.width, self.height = width, height
        self._title = title
        self._parts: list[str] = []

    def rect(
        self, x: float, y: float, width: float, height: float, fill: str, *, radius: float = 0, note: str = ""
    ) -> None:
        """See `Canvas`."""
        corner = f' rx="{_n(radius)}"' if radius else ""
        self._parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" fill="{fill}"{corner}'
            + _noted("rect", note)
        )

    def path(
        self,
        points: Sequence[Point],
        colour: str,
        width: float = 1,
        *,
        dash: tuple[float, float] | None = None,
    ) -> None:
        """See `Canvas`."""
        dashes = f' stroke-dasharray="{_n(dash[0])} {_n(dash[1])}"' if dash else ""
        self._parts.append(
            f'<polyline points="{_points(points)}" fill="none" stroke="{colour}" stroke-width="{_n(width)}" '
            f'stroke-linejoin="round"{dashes}/>'
        )

    def polygon(self, points: Sequence[Point], fill: str) -> None:
        """See `Canvas`."""
        self._parts.append(f'<polygon points="{_points(points)}" fill="{fill}"/>')

    def circle(
        self, centre: Point, radius: float, fill: str, *, outline: str = "", width: float = 0, note: str = ""
    ) -> None:
        """See `Canvas`."""
        stroke = f' stroke="{outline}" stroke-width="{_n(width)}"' if outline else ""
        self._parts.append(
            f'<circle cx="{_n(centre[0])}" cy="{_n(centre[1])}" r="{_n(radius)}" fill="{fill}"{stroke}'
            + _noted("circle", note)
        )

    def text(
        self,
        at: Point,
        text: str,
        colour: str,
        size: float = 12,
        *,
        anchor: Anchor = "start",
        bold: bool = False,
    ) -> None:
        """See `Canvas`."""
        weight = ' font-weight="600"' if bold else ""
        self._parts.append(
            f'<text x="{_n(at[0])}" y="{_n(at[1])}" fill="{colour}" font-size="{_n(size)}" '
            f'text-anchor="{anchor}"{weight}>{escape(text)}</text>'
        )

    def document(self) -> str:
        """Return the SVG."""
        name = f"<title>{escape(self._title)}</title>" if self._title else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(self.width)} {_n(self.height)}" '
            f'role="img" font-family="{FONT}">{name}{"".join(self._parts)}</svg>'
        )


class Png:
    """Draws a PNG."""

    def __init__(self, width: float, height: float, *, background: str = "#ffffff") -> None:
        self._factor = SCALE * SMOOTH
        size = round(width * SCALE) * SMOOTH, round(height * SCALE) * SMOOTH
        self._image = Image.new("RGB", size, background)
        self._draw = ImageDraw.Draw(self._image)
        self._fonts: dict[float, ImageFont.FreeTypeFont | ImageFont.ImageFont] = {}

    def rect(
        self, x: float, y: float, width: float, height: float, fill: str, *, radius: float = 0, note: str = ""
    ) -> None:
        """See `Canvas`."""
        (left, top), (right, bottom) = self._scaled([(x, y), (x + width, y + height)])
        corners = (left, top, max(left, right - 1), max(top, bottom - 1))
        self._draw.rounded_rectangle(corners, radius * self._factor, fill)

    def path(
        self,
        points: Sequence[Point],
        colour: str,
        width: float = 1,
        *,
        dash: tuple[float, float] | None = None,
    ) -> None:
        """See `Canvas`."""
        for piece in _dashes(points, dash) if dash else [points]:
            self._draw.line(self._scaled(piece), colour, max(1, round(width * self._factor)), joint="curve")

    def polygon(self, points: Sequence[Point], fill: str) -> None:
        """See `Canvas`."""
        self._draw.polygon(self._scaled(points), fill)

    def circle(
        self, centre: Point, radius: float, fill: str, *, outline: str = "", width: float = 0, note: str = ""
    ) -> None:
        """See `Canvas`."""
        (x, y), r = (centre[0] * self._factor, centre[1] * self._factor), radius * self._factor
        around = width * self._factor / 2
        if outline:
            self._draw.ellipse((x - r - around, y - r - around, x + r + around, y + r + around), outline)
            r -= around
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill)

    def text(
        self,
        at: Point,
        text: str,
        colour: str,
        size: float = 12,
        *,
        anchor: Anchor = "start",
        bold: bool = False,
    ) -> None:
        """See `Canvas`."""
        pixels = round(size * self._factor)
        font = self._fonts.setdefault(pixels, ImageFont.load_default(pixels))
        where = {"start": "ls", "middle": "ms", "end": "rs"}[anchor]
        stroke = self._factor * size / 40 if bold else 0  # the font has no bold face
        self._draw.text(self._scaled([at])[0], text, colour, font, where, stroke_width=round(stroke))

    def save(self, path: Path) -> None:
        """Write the file. Raises OSError."""
        self._image.reduce(SMOOTH).save(path, "PNG")

    def _scaled(self, points: Sequence[Point]) -> list[Point]:
        return [(round(x * self._factor), round(y * self._factor)) for x, y in points]


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _noted(tag: str, note: str) -> str:
    return f"><title>{escape(note)}</title></{tag}>" if note else "/>"


def _dashes(points: Sequence[Point], dash: tuple[float, float]) -> list[list[Point]]:
    """Cut a line into its dashes."""
    pieces: list[list[Point]] = []
    for (x, y), (right, bottom) in pairwise(points):
        length = math.hypot(right - x, bottom - y)
        across, down = ((right - x) / length, (bottom - y) / length) if length else (0.0, 0.0)
        done = 0.0
        while done < length:
            end = min(length, done + dash[0])
            pieces.append([(x + across * done, y + down * done), (x + across * end, y + down * end)])
            done += dash[0] + dash[1]
    return pieces
