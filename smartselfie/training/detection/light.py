"""Light, camera and compression, changed at random; all on (H, W, 3) uint8 BGR."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import numpy.typing as npt

from smartselfie.training.detection.pictures import Pixels

LEVELS = np.arange(256, dtype=np.float32) / 255


def change(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the picture with other light, colours, sharpness, noise and compression."""
    if rng.random() < 0.12:
        image = _uneven(image, rng)
    image = np.asarray(cv2.LUT(image, _curves(rng)), np.uint8)
    if rng.random() < 0.14:
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        image = np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), np.uint8)
    kind = rng.random()
    if kind < 0.12:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 2.2)), np.uint8)
    elif kind < 0.2:
        image = _moved(image, rng)
    elif kind < 0.34:
        image = _coarse(image, rng)
    if rng.random() < 0.3:
        image = _noisy(image, rng)
    if rng.random() < 0.25:
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 80))])
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return image


def _curves(rng: np.random.Generator) -> Pixels:
    """Return a look-up table (1, 256, 3): gamma, contrast, brightness, a cast of colour."""
    levels = LEVELS
    if rng.random() < 0.6:
        levels = levels ** np.exp(rng.normal(0, 0.4))
    if rng.random() < 0.5:
        levels = (levels - 0.5) * np.exp(rng.normal(0, 0.25)) + 0.5 + rng.normal(0, 0.08)
    if rng.random() < 0.18:
        levels = levels * rng.uniform(0.08, 0.5)  # a dim room
    gains = np.exp(rng.normal(0, 0.1, 3)) if rng.random() < 0.5 else np.ones(3)
    return np.clip(levels[:, None] * gains * 255, 0, 255).astype(np.uint8)[None]


def _uneven(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Darken towards one side, or brighten a window behind."""
    corners = np.clip(rng.uniform(0.15, 1.6, (2, 2)), 0.1, 1.6).astype(np.float32)
    gray = cv2.resize(corners, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    field = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    return np.asarray(cv2.multiply(image, field, dtype=cv2.CV_8U), np.uint8)


def _moved(image: Pixels, rng: np.random.Generator) -> Pixels:
    length = int(rng.integers(3, 10))
    line = np.zeros((length, length), np.float32)
    line[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), rng.uniform(0, 180), 1)
    kernel = cv2.warpAffine(line, turn, (length, length))
    return np.asarray(cv2.filter2D(image, -1, kernel / max(kernel.sum(), 1e-3)), np.uint8)


def _coarse(image: Pixels, rng: np.random.Generator) -> Pixels:
    height, width = image.shape[:2]
    share = rng.uniform(0.35, 0.85)
    small = cv2.resize(image, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
    how = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[rng.integers(3)]
    return np.asarray(cv2.resize(small, (width, height), interpolation=how), np.uint8)


@functools.lru_cache(1)
def _noise() -> npt.NDArray[np.int16]:
    return np.random.default_rng(0).normal(0, 32, (640, 640, 3)).astype(np.int16)


def _noisy(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Add the noise of a sensor, in colour or gray."""
    height, width = image.shape[:2]
    top, left = rng.integers(0, 640 - height + 1), rng.integers(0, 640 - width + 1)
    noise = _noise()[top : top + height, left : left + width]
    if rng.random() < 0.4:
        noise = np.repeat(noise[..., :1], 3, 2)
    sigma = float(np.exp(rng.uniform(np.log(2), np.log(22)))) / 32
    return np.asarray(cv2.addWeighted(image, 1.0, noise, sigma, 0.0, dtype=cv2.CV_8U), np.uint8)
