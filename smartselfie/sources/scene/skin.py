"""The skin of the demo's people: a height field that light falls on."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from smartselfie.records import Image
from smartselfie.sources.scene.canvas import BOTTOM, LEFT, RIGHT, SPRITE, TOP, UNIT
from smartselfie.sources.scene.people import Person

Floats = npt.NDArray[np.float32]


OUTLINE = (
    (0.0, -1.3),
    (0.5, -1.2),
    (0.83, -0.8),
    (0.92, -0.25),
    (0.89, 0.28),
    (0.75, 0.74),
    (0.45, 1.08),
    (0.0, 1.26),
)


def _bump(x: Floats, y: Floats, cx: float, cy: float, rx: float, ry: float) -> Floats:
    return np.asarray(np.exp(-(((x - cx) / rx) ** 2) - ((y - cy) / ry) ** 2), np.float32)


def draw_skin(person: Person, smile: float) -> Image:
    """Colours of the whole sprite as if it were skin: (H, W, 3) uint8."""
    step = 2  # shading is smooth, half the resolution is plenty
    width, height = SPRITE[0] // step, SPRITE[1] // step
    x, y = np.meshgrid(
        np.linspace(LEFT, RIGHT, width, dtype=np.float32), np.linspace(TOP, BOTTOM, height, dtype=np.float32)
    )
    across = np.abs(x)
    head = 1 - (x / 1.07) ** 2 - (np.where(y < 0, y / 1.6, y / 1.45)) ** 2
    z = 0.95 * np.sqrt(np.maximum(head, 0.03))
    z += 0.05 * _bump(across, y, 0.42, -0.40, 0.32, 0.13)  # brow ridge
    z -= 0.115 * _bump(across, y, 0.38, -0.13, 0.25, 0.17)  # eye sockets
    z += 0.040 * _bump(across, y, 0.40, -0.12, 0.17, 0.10)  # eyeballs
    ridge = np.clip((y + 0.35) / 0.65, 0, 1)
    z += 0.17 * ridge * np.exp(-((x / (0.11 + 0.05 * ridge)) ** 2)) * (1 / (1 + np.exp((y - 0.34) * 28)))
    z += 0.09 * _bump(x, y, 0, 0.27, 0.14, 0.11)  # tip of the nose
    z += 0.06 * _bump(across, y, 0.17, 0.33, 0.075, 0.075)  # its wings
    z += (0.03 + 0.10 * smile) * _bump(across, y, 0.56, 0.26 - 0.04 * smile, 0.25, 0.20)  # cheeks
    z -= (0.015 + 0.05 * smile) * _bump(across, y, 0.62 + 0.03 * smile, 0.60, 0.13, 0.26)  # beside the mouth
    z += 0.055 * _bump(x, y, 0, 0.68, 0.42 + 0.1 * smile, 0.22)  # the teeth carry the lips
    z -= 0.045 * (1 - 0.5 * smile) * _bump(x, y, 0, 0.94, 0.24, 0.07)  # under the lip
    z += 0.07 * _bump(x, y, 0, 1.12, 0.26, 0.15)  # chin
    dx, dy = cv2.Sobel(z, cv2.CV_32F, 1, 0), cv2.Sobel(z, cv2.CV_32F, 0, 1)
    scale = UNIT / step / 8
    nx, ny = -dx * scale, -dy * scale
    length = np.sqrt(nx * nx + ny * ny + 1)
    key = np.clip((-0.38 * nx - 0.45 * ny + 0.81) / length, 0, 1)  # soft window light from the upper left
    fill = np.clip((0.62 * nx + 0.1 * ny + 0.77) / length, 0, 1)
    shine = np.clip((-0.22 * nx - 0.30 * ny + 0.93) / length, 0, 1) ** 28
    hollow = np.clip((cv2.GaussianBlur(z, (0, 0), 9) - z) * 5, -0.12, 0.3)
    light = (0.27 + 0.62 * key + 0.24 * fill) * (1 - hollow)
    light *= 1 - 0.30 * _bump(x, y, 0, -1.15, 1.5, 0.36)  # the hair's shadow
    light *= 1 - 0.10 * _bump(across, y, 0.38, 0.08, 0.2, 0.06)  # under the eyes
    grain = np.random.default_rng(7).normal(0, 1, light.shape).astype(np.float32)
    light += 0.012 * cv2.GaussianBlur(grain, (0, 0), 0.8)
    color = np.asarray(person.skin, np.float32)
    tone = light[..., None] ** np.array([1.25, 1.12, 0.92], np.float32)  # shadows of skin are warm
    picture = color * tone + 34 * shine[..., None]
    blush = (0.10 + 0.12 * smile) * _bump(across, y, 0.56, 0.26, 0.24, 0.17) + 0.07 * _bump(
        x, y, 0, 0.27, 0.14, 0.1
    )
    picture *= 1 - blush[..., None] * np.array([0.75, 0.8, 0.1], np.float32)
    return np.asarray(
        cv2.resize(np.clip(picture, 0, 255).astype(np.uint8), SPRITE, interpolation=cv2.INTER_CUBIC), np.uint8
    )
