"""Eyes, brows, nose and mouth of the demo's people: polygons that move with the smile and the lids."""

from __future__ import annotations

import numpy as np

from smartselfie.sources.scene.canvas import Points, SceneCanvas, curve, ellipse, moved, shade
from smartselfie.sources.scene.people import Person


def draw_folds(canvas: SceneCanvas, person: Person, smile: float) -> None:
    """Draw the folds that a smile makes: beside the mouth, under the eyes, at their corners."""
    dark = shade(person.skin, 0.50)
    for side in (-1, 1):
        fold = curve(
            (side * 0.21, 0.31),
            (side * (0.33 + 0.05 * smile), 0.43),
            (side * (0.43 + 0.16 * smile), 0.58),
            (side * (0.46 + 0.19 * smile), 0.74),
        )
        canvas.stroke(fold, 0.05 + 0.03 * smile, dark, 0.13 + 0.47 * smile, 0.022)
        glow = ellipse(side * (0.55 + 0.02 * smile), 0.27 - 0.05 * smile, 0.17, 0.10)
        canvas.fill(glow, shade(person.skin, 1.12), 0.30 * smile, 0.07)
        bag = curve((side * 0.22, 0.02), (side * 0.40, 0.06 + 0.01 * smile), (side * 0.60, -0.02))
        canvas.stroke(bag, 0.035, dark, 0.15 + 0.22 * smile, 0.016)
        for k in range(3):  # crow's feet
            foot = curve(
                (side * 0.66, -0.11 + 0.03 * k),
                (side * 0.74, -0.16 + 0.06 * k),
                (side * 0.80, -0.2 + 0.09 * k),
            )
            canvas.stroke(foot, 0.018, dark, 0.2 * smile, 0.008)


def draw_eye(canvas: SceneCanvas, person: Person, side: int, smile: float, shut: float) -> None:
    """Draw the left (-1) or right (1) eye of the picture."""
    x, y = 0.4, -0.12
    up = 0.105 * (1 - 0.30 * smile)  # a smile that is meant narrows the eyes from below
    low = 0.08 * (1 - 0.72 * smile)
    drop = (up + low) * shut
    top = curve(
        (x - 0.22, y + 0.04),
        (x - 0.09, y - 0.75 * up + 0.8 * drop),
        (x + 0.02, y - up + drop),
        (x + 0.12, y - 0.68 * up + 0.75 * drop),
        (x + 0.23, y - 0.01),
    )
    bottom = curve(
        (x + 0.23, y - 0.01),
        (x + 0.1, y + 0.9 * low),
        (x, y + low),
        (x - 0.1, y + 0.85 * low),
        (x - 0.22, y + 0.04),
    )
    flip = (side, 1)
    top, bottom = top * flip, bottom * flip
    eye = np.concatenate([top, bottom])
    canvas.fill(moved(eye, 0, -0.02), shade(person.skin, 0.55), 0.35, 0.035)
    if shut < 0.95:
        canvas.fill(eye, (226, 230, 234), 1.0, 0.004)
        ix, iy = side * x, y - 0.012
        canvas.fill(ellipse(ix, iy, 0.115, 0.115), shade(person.iris, 0.45), 1.0, 0.004, within=eye)
        canvas.fill(ellipse(ix, iy + 0.005, 0.097, 0.097), person.iris, 1.0, 0.008, within=eye)
        canvas.fill(ellipse(ix, iy + 0.045, 0.05, 0.03), shade(person.iris, 1.7), 0.7, 0.012, within=eye)
        canvas.fill(ellipse(ix, iy, 0.05, 0.05), (14, 12, 12), 1.0, 0.004, within=eye)
        canvas.fill(
            np.concatenate([moved(top, 0, -0.02), moved(top, 0, 0.045)[::-1]]),
            (60, 56, 66),
            0.45,
            0.014,
            within=eye,
        )
        canvas.fill(
            ellipse(ix - 0.035, iy - 0.035, 0.02, 0.02, 16), (255, 255, 255), 0.95 * (1 - shut), 0.003
        )
        canvas.fill(
            ellipse(ix + 0.035, iy + 0.04, 0.011, 0.011, 12), (255, 255, 255), 0.5 * (1 - shut), 0.004
        )
    canvas.stroke(moved(top, 0, -0.006), 0.048, (22, 24, 34), 0.95, 0.004)
    canvas.stroke(bottom, 0.018, shade(person.skin, 0.40), 0.6, 0.006)
    crease = moved(top, 0, -0.065 + 0.02 * shut)
    canvas.stroke(crease, 0.022, shade(person.skin, 0.45), 0.55 * (1 - 0.6 * shut), 0.008)


def draw_brow(canvas: SceneCanvas, person: Person, side: int, smile: float) -> None:
    """Draw the left (-1) or right (1) brow of the picture."""
    y = -0.35 + 0.015 * smile
    brow = curve((0.15, y + 0.012), (0.32, y - 0.035), (0.5, y - 0.04), (0.68, y + 0.045)) * (side, 1)
    canvas.stroke(moved(brow, 0, 0.008), 0.11, shade(person.hair, 0.75), 0.5, 0.018)
    canvas.stroke(brow, 0.075, shade(person.hair, 0.62), 0.75, 0.008)


def draw_nose(canvas: SceneCanvas, person: Person, smile: float) -> None:
    """Draw what light alone does not give: nostrils, wings and the shadow below."""
    wide = 1 + 0.14 * smile
    lift = -0.015 * smile
    dark = shade(person.skin, 0.34)
    for side in (-1, 1):
        nostril = ellipse(side * 0.085 * wide, 0.385 + lift, 0.05, 0.022)
        canvas.fill(nostril, dark, 0.8, 0.012)
        wing = curve(
            (side * 0.19 * wide, 0.25), (side * 0.225 * wide, 0.33 + lift), (side * 0.17 * wide, 0.395 + lift)
        )
        canvas.stroke(wing, 0.03, shade(person.skin, 0.5), 0.6, 0.012)
    under = curve((-0.15 * wide, 0.40 + lift), (0, 0.435 + lift), (0.15 * wide, 0.40 + lift))
    canvas.stroke(under, 0.05, shade(person.skin, 0.48), 0.55, 0.02)
    canvas.fill(ellipse(-0.03, 0.25 + lift, 0.035, 0.045, 20), (255, 255, 255), 0.28, 0.022)


def draw_mouth(canvas: SceneCanvas, person: Person, smile: float) -> None:
    """Draw the lips, and between them the teeth."""
    reach = 0.29 + 0.25 * smile
    corner = 0.722 - 0.137 * smile
    part = min(1.0, max(0.0, (smile - 0.24) / 0.66))  # the lips part once the smile is under way
    middle = 0.725 - 0.015 * smile
    gap_top, gap_low = middle - 0.01 * part, middle + 0.005 + 0.185 * part
    b, g, r = shade(person.skin, 0.72)
    lip = int(0.82 * b), int(0.72 * g), int(0.98 * r)
    upper = curve(
        (-reach, corner),
        (-0.6 * reach, middle - 0.045 - 0.03 * smile),
        (-0.09, middle - 0.082 + 0.015 * smile),
        (0, middle - 0.065 + 0.015 * smile),
        (0.09, middle - 0.082 + 0.015 * smile),
        (0.6 * reach, middle - 0.045 - 0.03 * smile),
        (reach, corner),
    )
    inner_top = curve(
        (-reach * 0.97, corner + 0.004),
        (-0.55 * reach, 0.5 * (gap_top + corner) + 0.02 * smile),
        (0, gap_top + 0.01),
        (0.55 * reach, 0.5 * (gap_top + corner) + 0.02 * smile),
        (reach * 0.97, corner + 0.004),
    )
    inner_low = curve(
        (-reach * 0.97, corner + 0.006),
        (-0.6 * reach, corner + 0.66 * (gap_low - corner)),
        (0, gap_low + 0.012),
        (0.6 * reach, corner + 0.66 * (gap_low - corner)),
        (reach * 0.97, corner + 0.006),
    )
    lower = curve(
        (-reach, corner),
        (-0.6 * reach, corner + 0.72 * (gap_low + 0.075 - corner)),
        (0, gap_low + 0.105 - 0.015 * smile),
        (0.6 * reach, corner + 0.72 * (gap_low + 0.075 - corner)),
        (reach, corner),
    )
    shadow = moved(lower[10:-10], 0, 0.055)
    canvas.stroke(shadow, 0.10, shade(person.skin, 0.52), 0.5, 0.035)
    canvas.fill(np.concatenate([upper, inner_top[::-1]]), shade(lip, 0.86), 0.95, 0.008)
    canvas.fill(np.concatenate([inner_low, lower[::-1]]), lip, 0.92, 0.009)
    glint = np.concatenate([moved(inner_low, 0, 0.03), moved(inner_low, 0, 0.06)[::-1]])
    canvas.fill(moved(glint * (0.5, 1), -0.03, 0), (255, 250, 250), 0.22, 0.014)
    opening = np.concatenate([inner_top, inner_low[::-1]])
    if part > 0.02:
        canvas.fill(opening, (38, 30, 66), 1.0, 0.004)
        _draw_teeth(canvas, inner_top, inner_low, reach, (gap_top, gap_low))
        _shade_inside(canvas, inner_top, opening, reach, corner)
    seam = inner_top * (1 - 0.5 * (1 - part)) + inner_low * (0.5 * (1 - part)) if part < 1 else inner_top
    canvas.stroke(seam, 0.028, (36, 34, 74), 0.85 * (1 - 0.6 * part), 0.006)
    for side in (-1, 1):
        canvas.fill(
            ellipse(side * (reach + 0.015), corner, 0.035, 0.04, 16),
            shade(person.skin, 0.38),
            0.2 + 0.35 * smile,
            0.02,
        )


def _draw_teeth(
    canvas: SceneCanvas, top: Points, low: Points, reach: float, gap: tuple[float, float]
) -> None:
    """Draw the teeth between the lips' inner lines, and the lines between them."""
    teeth_low = top * 0.12 + low * 0.88
    teeth = np.concatenate([top, teeth_low[::-1]])
    canvas.fill(teeth * (0.93, 1), (226, 236, 240), 1.0, 0.008, within=np.concatenate([top, low[::-1]]))
    for k in range(-4, 5):  # between the teeth
        at = reach * (0.155 * k + 0.0)
        edge = np.array(
            [
                (at - 0.004, gap[0] - 0.1),
                (at + 0.004, gap[0] - 0.1),
                (at + 0.004, gap[1] + 0.1),
                (at - 0.004, gap[1] + 0.1),
            ]
        )
        canvas.fill(edge, (150, 160, 172), 0.5, 0.006, within=teeth)


def _shade_inside(canvas: SceneCanvas, top: Points, opening: Points, reach: float, corner: float) -> None:
    """Darken the corners of the open mouth, and what lies under the upper lip."""
    for side in (-1, 1):
        canvas.fill(
            ellipse(side * reach * 0.98, corner + 0.02, 0.15, 0.14),
            (40, 36, 60),
            0.75,
            0.05,
            within=opening,
        )
    canvas.fill(
        np.concatenate([moved(top, 0, -0.02), moved(top, 0, 0.03)[::-1]]),
        (60, 50, 80),
        0.6,
        0.016,
        within=opening,
    )
