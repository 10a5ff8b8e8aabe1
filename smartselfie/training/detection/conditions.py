"""What the test pictures are put through: roll, dim light, dark glasses, a covered lower half.

Drawn here by plain shapes and apart from what training draws, so that no network is measured on what it has
learned to see through. The same picture gives the same result each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from smartselfie.training.detection.geometry import rolled
from smartselfie.training.detection.pictures import Floats, Picture, Pixels

DIM = 0.2
"""Share of the light that is left."""

Sample = tuple[Pixels, Floats, Floats]
"""A picture, its faces (N, 15) and the boxes to ignore (M, 4)."""
Change = Callable[[Pixels, Picture], Sample]
"""Changes the pixels of a picture; returns them with the labels that are then true."""


def as_it_is(image: Pixels, picture: Picture) -> Sample:
    """Change nothing."""
    return image, picture.faces, picture.ignore


def roll(degrees: float) -> Change:
    """Return the change that turns pictures clockwise on a black canvas that holds all of them."""
    return lambda image, picture: rolled(image, picture.faces, picture.ignore, degrees)


def dimmed(image: Pixels, picture: Picture) -> Sample:
    """Leave a fifth of the light."""
    return np.asarray(cv2.convertScaleAbs(image, alpha=DIM), np.uint8), picture.faces, picture.ignore


def glasses(image: Pixels, picture: Picture) -> Sample:
    """Draw a dark ellipse over each eye and a bar between, on the faces whose landmarks are known."""
    return _drawn(image, picture, _draw_glasses)


def half_covered(image: Pixels, picture: Picture) -> Sample:
    """Draw a rectangle over all below the tip of the nose, on the faces whose landmarks are known."""
    return _drawn(image, picture, _draw_half)


CONDITIONS: dict[str, tuple[Change, ...]] = {
    "as they are": (as_it_is,),
    "rolled 25°": (roll(25), roll(-25)),
    "rolled 45°": (roll(45), roll(-45)),
    "rolled 60°": (roll(60), roll(-60)),
    "dimmed to a fifth": (dimmed,),
    "dark glasses": (glasses,),
    "lower half covered": (half_covered,),
}
"""By name: the ways in which every picture is changed, all counted together."""


def _drawn(image: Pixels, picture: Picture, draw: Callable[[Pixels, Floats, bytes], None]) -> Sample:
    """Draw on every face; those without landmarks stay as they are, and are then ignored."""
    image = image.copy()
    known = np.isfinite(picture.faces[:, 4:14]).all(axis=1)
    digest = hashlib.sha256(picture.name.encode()).digest()
    for number, face in enumerate(picture.faces[known]):
        draw(image, face, digest[number % 8 :])
    hidden = replace(picture, faces=picture.faces[known])
    return image, hidden.faces, np.concatenate([picture.ignore, picture.faces[~known, :4]])


def _frame(face: Floats) -> tuple[Floats, Floats, Floats, float]:
    """Return the five landmarks, the unit vectors along and below the eyes, and the face's size."""
    marks = face[4:14].reshape(5, 2)
    along = marks[1] - marks[0]
    length = float(np.hypot(*along))
    down = (marks[3] + marks[4] - marks[0] - marks[1]) / 2
    if length < 1e-3:  # in profile the eyes may lie on one another
        along, length = np.array([down[1], -down[0]], np.float32), float(np.hypot(*down)) or 1.0
    along = along / length
    below = np.array([-along[1], along[0]], np.float32)
    if float(np.dot(below, down)) < 0:
        below = -below
    return marks, along, below, float(np.sqrt(face[2] * face[3]))


def _draw_glasses(image: Pixels, face: Floats, _digest: bytes) -> None:
    marks, along, _, size = _frame(face)
    angle = float(np.degrees(np.arctan2(along[1], along[0])))
    axes = (max(1, round(0.17 * size)), max(1, round(0.13 * size)))
    for eye in marks[:2]:
        centre = (round(float(eye[0])), round(float(eye[1])))
        cv2.ellipse(image, centre, axes, angle, 0, 360, (22, 18, 16), -1, cv2.LINE_AA)
    ends = [tuple(np.round(eye).astype(int).tolist()) for eye in marks[:2]]
    cv2.line(image, ends[0], ends[1], (22, 18, 16), max(1, round(0.03 * size)), cv2.LINE_AA)


def _draw_half(image: Pixels, face: Floats, digest: bytes) -> None:
    marks, along, below, size = _frame(face)
    eyes = (marks[0] + marks[1]) / 2
    nose = float(np.dot(marks[2] - eyes, below))
    top = eyes + below * nose
    corners = [
        top - 0.75 * size * along,
        top + 0.75 * size * along,
        top + 0.75 * size * along + 1.1 * size * below,
        top - 0.75 * size * along + 1.1 * size * below,
    ]
    colour = (digest[0], digest[1], digest[2])
    cv2.fillConvexPoly(image, np.round(np.array(corners)).astype(np.int32), colour, cv2.LINE_AA)
