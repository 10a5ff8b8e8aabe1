"""Soft shapes for the demo's people: what they are painted on, and the lines they are made of.

Lengths are in units of half a face's width, x to the right and y down, the origin between the cheekbones.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from smartselfie.records import Image

UNIT = 128
"""Pixels of half a face's width in a sprite."""
LEFT, TOP, RIGHT, BOTTOM = -2.0, -1.9, 2.0, 2.9
SPRITE = (round((RIGHT - LEFT) * UNIT), round((BOTTOM - TOP) * UNIT))
"""Width and height of a sprite in pixels."""
Color = tuple[int, int, int]
Points = npt.NDArray[np.float64]


class SceneCanvas:
    """Paints soft shapes, given in face units, on a sprite or a part of it."""

    def __init__(self, picture: Image, left: int = 0, top: int = 0) -> None:
        """Paint on `picture`, whose first pixel is (`left`, `top`) of the sprite."""
        self.picture = picture
        self.corner = np.array([left, top], np.float64)

    def fill(
        self,
        points: Points,
        color: Color,
        opacity: float = 1.0,
        soft: float = 0.0,
        within: Points | None = None,
    ) -> None:
        """Fill a polygon; `soft` blurs its border, in face units, `within` is a polygon that clips it."""
        blur = soft * UNIT
        coarse = max(1, int(blur / 2))  # what is blurred anyway is drawn small
        margin = int(2.5 * blur) + 2
        pixels = pixels_of(points) - self.corner
        height, width = self.picture.shape[:2]
        left, top = np.maximum(pixels.min(0).astype(int) - margin, 0)
        right, bottom = np.minimum(pixels.max(0).astype(int) + margin + 1, (width, height))
        if right <= left or bottom <= top or opacity <= 0:
            return
        w, h = int(right - left), int(bottom - top)
        mask = mask_of((pixels - (left, top)) / coarse, -(-w // coarse), -(-h // coarse))
        if blur > 0.3:
            mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), blur / coarse), np.uint8)
        if coarse > 1:
            mask = np.asarray(cv2.resize(mask, (w, h), interpolation=cv2.INTER_LINEAR), np.uint8)
        if within is not None:
            clip = mask_of(pixels_of(within) - self.corner - (left, top), w, h)
            mask = np.asarray(cv2.multiply(mask, clip, scale=1 / 255), np.uint8)
        region = self.picture[top:bottom, left:right]
        weight = cv2.merge([mask] * 3)
        paint = np.full_like(region, color)
        over = cv2.multiply(paint, weight, scale=opacity / 255)
        under = cv2.multiply(region, cv2.convertScaleAbs(weight, None, -opacity, 255), scale=1 / 255)
        cv2.add(over, under, region)

    def stroke(
        self, points: Points, width: float, color: Color, opacity: float = 1.0, soft: float = 0.0
    ) -> None:
        """Draw a line that tapers towards both ends; `width` is that of its middle, in face units."""
        along = np.gradient(points, axis=0)
        normal = np.stack([-along[:, 1], along[:, 0]], 1)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
        half = normal * (np.sin(np.linspace(0.12, np.pi - 0.12, len(points))) * width / 2)[:, None]
        self.fill(np.concatenate([points + half, (points - half)[::-1]]), color, opacity, soft)


def pixels_of(points: Points) -> Points:
    """Face units to pixels of a sprite."""
    return (points - (LEFT, TOP)) * UNIT


def mask_of(pixels: Points, width: int, height: int) -> Image:
    """A polygon as an anti-aliased (H, W) uint8 mask."""
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(pixels * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return mask


def curve(*knots: tuple[float, float], closed: bool = False, steps: int = 8) -> Points:
    """A smooth line through the knots (Catmull-Rom)."""
    p = np.asarray(knots, np.float64)
    p = np.concatenate([p[-1:], p, p[:2]]) if closed else np.concatenate([p[:1], p, p[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
    ]
    return np.concatenate(parts if closed else [*parts, p[-1:]])


def mirrored(*knots: tuple[float, float]) -> Points:
    """A closed smooth outline whose left half mirrors the right one; the knots run from top to bottom."""
    left = [(-x, y) for x, y in reversed(knots) if abs(x) > 1e-6]
    return curve(*knots, *left, closed=True)


def ellipse(x: float, y: float, rx: float, ry: float, count: int = 40) -> Points:
    """An upright ellipse around (x, y)."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], 1)


def moved(points: Points, dx: float, dy: float) -> Points:
    """The same line, elsewhere."""
    return np.asarray(points + np.array([dx, dy]), np.float64)


def shade(color: Color, factor: float) -> Color:
    """The colour in more (over 1) or less light."""
    b, g, r = (int(min(255, max(0, channel * factor))) for channel in color)
    return b, g, r


def blend(under: Image, over: Image, mask: Image) -> Image:
    """`over` where the (H, W) mask is 255, `under` where it is 0."""
    weight = cv2.merge([mask] * 3)
    return np.asarray(
        cv2.add(cv2.multiply(over, weight, scale=1 / 255), cv2.multiply(under, 255 - weight, scale=1 / 255)),
        np.uint8,
    )
