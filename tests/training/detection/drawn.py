"""Pictures of drawn people, with labels that are known because they were drawn so."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from smartselfie.sources.demo import BOX, Actor, DemoScript, draw_scene
from smartselfie.training.detection.pictures import COLUMNS, Floats, Picture, held_back

MARKS = ((-0.4, -0.12), (0.4, -0.12), (0.0, 0.3), (-0.3, 0.72), (0.3, 0.72))
"""Landmarks in the units of a drawn face, from its middle."""


def face(x: float, y: float, size: float, covered: float = 0.0) -> Floats:
    """A face (15,) with its middle at x, y and landmarks where people have them; all in pixels."""
    unit = size / BOX
    marks = [(x + right * unit, y + down * unit) for right, down in MARKS]
    box = (x - 0.85 * unit, y - 0.95 * unit, 1.7 * unit, 2.2 * unit)
    return np.array([*box, *np.ravel(marks), covered], np.float32)


def picture(
    name: str = "one.png", *, split: str = "train", size: float = 0.5, people: int = 1, seed: int = 0
) -> Picture:
    """A drawn room of 128x96 pixels with people, each `size` of its height."""
    places = [((number + 1) / (people + 1), 0.46) for number in range(people)]
    actors = tuple(Actor(x=x, y=y, size=size, person=seed + n) for n, (x, y) in enumerate(places))
    image = draw_scene(DemoScript(actors, 1.0), (128, 96), 0.0)
    faces = [face(x * 128, y * 96 - 0.12 * size * 96 / BOX, size * 96) for x, y in places]
    encoded = cv2.imencode(".png", image)[1].tobytes()
    labels = np.array(faces, np.float32).reshape(-1, COLUMNS)
    return Picture(name, split, "drawn", encoded, labels, np.empty((0, 4), np.float32))


@cache
def pictures(count: int, *, held: int = 3) -> tuple[Picture, ...]:
    """Training pictures, of which `held` are held back, with one person or none, and one to validate."""
    made: list[Picture] = []
    for want, number in ((True, held), (False, count)):
        names = (f"{n}.png" for n in range(10_000))
        chosen = [name for name in names if held_back(picture_named(name)) is want][:number]
        for n, name in enumerate(chosen, 1):
            made.append(picture(name, people=n % 4 > 0, seed=n, size=0.4 + 0.1 * (n % 3)))
    return (*made, picture("val.png", split="val"))


def picture_named(name: str) -> Picture:
    """A picture of which only the name matters."""
    none = np.empty((0, 4), np.float32)
    return Picture(name, "train", "", b"", np.empty((0, COLUMNS), np.float32), none)
