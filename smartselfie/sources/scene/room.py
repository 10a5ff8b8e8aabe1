"""The room behind the demo's people: a soft-focus wall with a window, a plant and lights."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from smartselfie.records import Image


@lru_cache(maxsize=2)
def draw_room(size: tuple[int, int]) -> Image:
    """Return the background, (H, W, 3) uint8 BGR of `size` (width, height); shared, not to be written to."""
    small = (320, 180)  # everything is out of focus: drawn small, then enlarged
    width, height = small
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width, y / height
    wall = np.array([176, 190, 196], np.float32) * (1.05 - 0.30 * x - 0.12 * y)[..., None]
    room = np.ascontiguousarray(wall)
    cv2.rectangle(room, (14, -5), (96, 96), (236, 236, 226), -1)  # a window, and its cross
    cv2.rectangle(room, (54, -5), (57, 96), (196, 204, 206), -1)
    cv2.rectangle(room, (14, 44), (96, 47), (196, 204, 206), -1)
    cv2.rectangle(room, (8, 95), (102, 101), (204, 212, 216), -1)
    cv2.rectangle(room, (218, 84), (330, 89), (92, 118, 144), -1)  # a shelf with books
    books = (
        (224, 42, 98, 110, 70),
        (235, 36, 70, 90, 150),
        (246, 48, 150, 150, 90),
        (257, 40, 110, 150, 170),
    )
    for left, top, *color in books:
        cv2.rectangle(room, (left, top), (left + 8, 83), color, -1)
    cv2.ellipse(room, (296, 72), (13, 14), 0, 0, 360, (120, 150, 196), -1)  # a pot with leaves
    for angle in range(-70, 71, 20):
        tip = np.array([296 + 30 * np.sin(np.radians(angle)), 58 - 34 * np.cos(np.radians(angle))])
        cv2.line(room, (296, 62), (int(tip[0]), int(tip[1])), (86, 136 + angle // 4, 92), 6)
    room = np.asarray(cv2.GaussianBlur(room, (0, 0), 5.5), np.float32)
    glow = np.exp(-(((x - 0.17) / 0.34) ** 2) - ((y - 0.25) / 0.5) ** 2)[..., None]
    room += glow * np.array([18, 26, 30], np.float32)
    for cx, cy, radius, light in (
        (150, 22, 9, 0.35),
        (178, 34, 6, 0.3),
        (206, 20, 8, 0.3),
        (130, 42, 5, 0.22),
    ):
        spot = room.copy()
        cv2.circle(spot, (cx, cy), radius, (176, 226, 250), -1, cv2.LINE_AA)
        spot = np.asarray(cv2.GaussianBlur(spot, (0, 0), 1.0), np.float32)
        cv2.addWeighted(spot, light, room, 1 - light, 0, room)
    room *= (1 - 0.32 * ((x - 0.5) ** 2 + 0.8 * (y - 0.45) ** 2) / 0.45)[..., None]
    big = cv2.resize(np.clip(room, 0, 255), size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(big, 0, 255), np.uint8)
