"""Clothes and hair of the demo's people, in front of and behind their faces."""

from __future__ import annotations

import numpy as np

from smartselfie.sources.scene.canvas import Points, SceneCanvas, curve, ellipse, mirrored, moved, shade
from smartselfie.sources.scene.people import Person


def ears() -> list[Points]:
    """Both ears."""
    return [ellipse(side * 0.93, 0.02, 0.13, 0.25) for side in (-1, 1)]


def neck() -> Points:
    """The neck, hidden behind face and collar at its ends."""
    return np.array([(-0.5, 0.7), (0.5, 0.7), (0.52, 1.6), (0.8, 1.9), (-0.8, 1.9), (-0.52, 1.6)])


def bust() -> Points:
    """The shoulders; they go on below the sprite."""
    half = curve((0.45, 1.62), (0.9, 1.74), (1.45, 1.92), (1.78, 2.3), (1.9, 3.0))
    return np.concatenate([half, (half * (-1, 1))[::-1]])


def draw_bust(canvas: SceneCanvas, person: Person) -> None:
    """Draw ears, neck and shirt."""
    for side, ear in zip((-1, 1), ears(), strict=True):
        canvas.fill(ear, shade(person.skin, 0.80 if side < 0 else 0.66))
        canvas.fill(ellipse(side * 0.95, 0.03, 0.06, 0.15), shade(person.skin, 0.58), 0.8, 0.03)
    shirt = bust()
    canvas.fill(neck(), shade(person.skin, 0.74))
    canvas.fill(ellipse(0.12, 1.22, 0.62, 0.34), shade(person.skin, 0.42), 0.75, 0.12, within=neck())
    canvas.fill(shirt, shade(person.shirt, 0.92))
    canvas.fill(ellipse(-0.95, 2.1, 0.5, 0.3), shade(person.shirt, 1.28), 0.55, 0.22, within=shirt)
    canvas.fill(ellipse(1.35, 2.7, 0.55, 0.7), shade(person.shirt, 0.55), 0.7, 0.22, within=shirt)
    collar = curve((-0.62, 1.60), (-0.4, 1.86), (0.0, 1.98), (0.4, 1.86), (0.62, 1.60), steps=10)
    throat = np.concatenate([collar, [(0.5, 1.5), (-0.5, 1.5)]])
    canvas.fill(throat, shade(person.skin, 0.80))
    canvas.fill(ellipse(0.1, 1.42, 0.56, 0.25), shade(person.skin, 0.45), 0.7, 0.1, within=throat)
    canvas.stroke(moved(collar, 0, 0.03), 0.09, shade(person.shirt, 0.62), 0.9, 0.01)


def hair_back(person: Person) -> list[Points]:
    """The hair behind the face."""
    match person.style:
        case "short":
            return [mirrored((0, -1.62), (0.62, -1.5), (1.02, -1.05), (1.1, -0.5), (1.0, -0.12), (0.0, 0.1))]
        case "bun":
            cap = mirrored((0, -1.58), (0.62, -1.47), (1.02, -1.0), (1.1, -0.4), (1.0, 0.1), (0.0, 0.2))
            return [ellipse(0.0, -1.53, 0.4, 0.29), cap]
        case _:
            return [
                mirrored(
                    (0, -1.64),
                    (0.62, -1.54),
                    (1.08, -1.08),
                    (1.22, -0.4),
                    (1.22, 0.4),
                    (1.27, 1.0),
                    (1.06, 1.36),
                    (0.0, 1.2),
                )
            ]


def draw_hair_back(canvas: SceneCanvas, person: Person) -> None:
    """Draw the hair behind the face."""
    for shape in hair_back(person):
        canvas.fill(shape, shade(person.hair, 0.8))
        middle, reach = shape.mean(0), (shape.max(0) - shape.min(0)) / 2
        light = ellipse(
            middle[0] - 0.55 * reach[0], middle[1] - 0.55 * reach[1], 0.5 * reach[0], 0.35 * reach[1]
        )
        canvas.fill(light, shade(person.hair, 1.7), 0.5, 0.16, within=shape)
    if person.style == "bob":
        for side in (-1, 1):
            for k, (at, tone) in enumerate(((1.02, 0.45), (1.09, 1.5), (1.15, 0.6), (1.2, 1.3))):
                strand = curve(
                    (side * (at - 0.1), -0.7),
                    (side * at, 0.1),
                    (side * (at + 0.03), 0.7),
                    (side * (at - 0.12), 1.26),
                )
                canvas.stroke(strand, 0.05 + 0.01 * k, shade(person.hair, tone), 0.5, 0.015)


_FRINGES: dict[str, tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]] = {
    "short": (
        (
            (-1.04, -0.35),
            (-1.08, -0.95),
            (-0.72, -1.5),
            (0.0, -1.68),
            (0.72, -1.5),
            (1.08, -0.95),
            (1.04, -0.35),
        ),
        (
            (0.93, -0.4),
            (0.82, -0.72),
            (0.5, -0.86),
            (0.1, -0.78),
            (-0.4, -0.94),
            (-0.8, -0.72),
            (-0.93, -0.4),
        ),
    ),
    "bun": (
        (
            (-1.04, -0.1),
            (-1.08, -0.85),
            (-0.7, -1.42),
            (0.0, -1.58),
            (0.7, -1.42),
            (1.08, -0.85),
            (1.04, -0.1),
        ),
        (
            (0.93, -0.2),
            (0.8, -0.66),
            (0.45, -0.92),
            (0.0, -1.0),
            (-0.45, -0.92),
            (-0.8, -0.66),
            (-0.93, -0.2),
        ),
    ),
    "other": (
        (
            (-1.02, 0.35),
            (-1.16, -0.5),
            (-0.78, -1.44),
            (0.0, -1.65),
            (0.78, -1.44),
            (1.16, -0.5),
            (1.02, 0.35),
        ),
        (
            (0.88, 0.1),
            (0.82, -0.5),
            (0.58, -0.8),
            (0.26, -0.98),
            (-0.1, -0.86),
            (-0.5, -0.72),
            (-0.8, -0.4),
            (-0.88, 0.1),
        ),
    ),
}
"""The knots of each style's fringe: its outer border from left to right, then its lower one back."""


def fringe_of(person: Person) -> Points:
    """The hair in front of the face: its outer border from left to right, then its lower one back."""
    top, low = _FRINGES.get(person.style, _FRINGES["other"])
    return np.concatenate([curve(*top), curve(*low)])


def draw_fringe(canvas: SceneCanvas, person: Person) -> None:
    """Draw the hair in front of the face."""
    shape = fringe_of(person)
    canvas.fill(shape, person.hair)
    crown = shape[: len(shape) // 2]
    middle = len(crown) // 2
    for k, bend in enumerate(np.linspace(0.06, 0.94, 22)):
        start, end = crown[middle] + (0.0, 0.05), shape[int(len(shape) * (0.5 + bend / 2)) % len(shape)]
        outer = crown[int((1 - bend) * (len(crown) - 1))]
        strand = curve(tuple(start), tuple(0.2 * start + 0.4 * outer + 0.4 * end), tuple(end), steps=10)
        tone = (0.62, 1.45, 0.85, 1.75, 0.7)[k % 5]
        canvas.fill(
            np.concatenate([strand, moved(strand, 0.035, 0.03)[::-1]]),
            shade(person.hair, tone),
            0.4,
            0.012,
            within=shape,
        )
    canvas.fill(ellipse(-0.42, -1.28, 0.42, 0.13), shade(person.hair, 2.4), 0.4, 0.08, within=shape)
