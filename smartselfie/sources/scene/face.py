"""The faces that the demo source shows: shaded like portraits, and drawn by code alone.

Two skins, at rest and smiling, get their light from a height field and are mixed by the smile; the features
that move are drawn on top.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from smartselfie.records import Image
from smartselfie.sources.scene.canvas import (
    SPRITE,
    TOP,
    UNIT,
    SceneCanvas,
    blend,
    mask_of,
    mirrored,
    pixels_of,
)
from smartselfie.sources.scene.features import draw_brow, draw_eye, draw_folds, draw_mouth, draw_nose
from smartselfie.sources.scene.hair import (
    bust,
    draw_bust,
    draw_fringe,
    draw_hair_back,
    ears,
    fringe_of,
    hair_back,
    neck,
)
from smartselfie.sources.scene.people import Person
from smartselfie.sources.scene.skin import OUTLINE, draw_skin

STEPS = 48
"""A smile and a lid have this many positions, so that drawn faces can be kept."""


def draw_face(person: Person, smile: float, shut: float = 0.0) -> Image:
    """Draw somebody from the shoulders up.

    `smile` goes from 0 (neutral) to 1 (beaming), `shut` from 0 (eyes open) to 1 (closed). Returns
    (H, W, 4) uint8: BGR already weighted with the opacity, and the transparency, 255 where the background
    shows.
    """
    eased = min(1.0, smile / 0.85)
    eased *= eased * (3 - 2 * eased)  # what begins as half a smile stays shy; past the half it beams soon
    picture = _skin_at_rest(person).copy()
    picture[FACE][..., :3] = _moving_part(person, round(eased * STEPS), round(shut * 8))
    return picture


FACE = (
    slice(round((-0.78 - TOP) * UNIT), round((1.32 - TOP) * UNIT)),
    slice(round(0.95 * UNIT), round(3.05 * UNIT)),
)
"""Rows and columns of a sprite in which anything moves."""


@lru_cache(maxsize=64)
def _moving_part(person: Person, smile_step: int, shut_step: int) -> Image:
    smile, shut = smile_step / STEPS, shut_step / 8
    picture = _skin_at_rest(person)[FACE][..., :3].copy()
    if smile:  # the first frame comes sooner without
        picture = np.asarray(cv2.addWeighted(picture, 1 - smile, _beaming_skin(person), smile, 0), np.uint8)
    canvas = SceneCanvas(picture, left=FACE[1].start, top=FACE[0].start)
    draw_folds(canvas, person, smile)
    for side in (-1, 1):
        draw_eye(canvas, person, side, smile, shut)
        draw_brow(canvas, person, side, smile)
    draw_nose(canvas, person, smile)
    draw_mouth(canvas, person, smile)
    return picture


@lru_cache(maxsize=8)
def _skin_at_rest(person: Person) -> Image:
    """The sprite without features: colours weighted with the opacity, and the transparency."""
    width, height = SPRITE
    opaque = np.zeros((height, width), np.uint8)
    shapes = [*hair_back(person), bust(), neck(), mirrored(*OUTLINE), *ears(), fringe_of(person)]
    for shape in shapes:
        opaque = np.maximum(opaque, mask_of(pixels_of(shape), width, height))
    opaque = np.asarray(
        cv2.erode(opaque, np.ones((3, 3))), np.uint8
    )  # the outermost pixels are dark, half painted
    opaque = np.asarray(cv2.GaussianBlur(opaque, (0, 0), 0.8), np.uint8)
    picture = np.zeros((height, width, 3), np.uint8)
    canvas = SceneCanvas(picture)
    draw_hair_back(canvas, person)
    draw_bust(canvas, person)
    picture = blend(picture, draw_skin(person, 0.0), _face_mask())
    draw_fringe(SceneCanvas(picture), person)
    weighted = cv2.multiply(picture, cv2.merge([opaque] * 3), scale=1 / 255)
    return np.asarray(cv2.merge([*cv2.split(weighted), 255 - opaque]), np.uint8)


@lru_cache(maxsize=8)
def _beaming_skin(person: Person) -> Image:
    """The part `FACE` of the same with the skin of a full smile, (H, W, 3)."""
    rest = _skin_at_rest(person)[FACE]
    opaque = 255 - rest[..., 3]
    skin = cv2.multiply(draw_skin(person, 1.0)[FACE], cv2.merge([opaque] * 3), scale=1 / 255)
    fringe = mask_of(pixels_of(fringe_of(person)), *SPRITE)
    bare = cv2.subtract(_face_mask(), fringe)[FACE]
    return blend(rest[..., :3], np.asarray(skin, np.uint8), np.asarray(bare, np.uint8))


def _face_mask() -> Image:
    mask = mask_of(pixels_of(mirrored(*OUTLINE)), *SPRITE)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.2), np.uint8)
