"""Crops of one face as detectors and cameras hand them over: jittered, degraded, and with masks drawn on."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from smartselfie.deciding.face_input import Pose, crop_face, cut_upright, upright_pose
from smartselfie.records import Box, Image
from smartselfie.training.smiling.crops import Crop

Gray = npt.NDArray[np.uint8]
JITTER = 0.04
"""Standard deviation of a crop's place, as a share of its side;"""
STRETCH = 0.1
"""of the logarithm of its scale;"""
ROLL = 5.0
"""and of its roll, in degrees."""
BOXES = 0.25
"""Share of crops that are cut on the box, as for a detector without landmarks."""
WORSE = 0.5
"""Share of crops that are degraded."""


def upright(crop: Crop, size: int = 48) -> Gray:
    """Return the (size, size) gray crop as the program cuts it when it has landmarks."""
    return crop_face(crop.image, crop.box, (size, size), landmarks=crop.points)


def vary(crop: Crop, rng: np.random.Generator, size: int = 48) -> Gray:
    """Return a (size, size) gray crop, placed as some detector would and degraded as some camera would."""
    image = degrade(crop.image, rng) if rng.random() < WORSE else crop.image
    pose = upright_pose(crop.points)
    stretch = float(np.exp(rng.normal(0, STRETCH)))
    across, down = rng.normal(0, JITTER, 2)
    if pose is None or rng.random() < BOXES:
        box = crop.box
        moved = Box(
            round(box.x + across * box.width),
            round(box.y + down * box.height),
            *(2 * [round(box.width * stretch)]),
        )
        return crop_face(image, moved, (size, size))
    moved_pose = Pose(
        pose.x + across * pose.side,
        pose.y + down * pose.side,
        pose.side * stretch,
        pose.roll + float(np.radians(rng.normal(0, ROLL))),
    )
    return cut_upright(image, moved_pose, (size, size))


def degrade(image: Image, rng: np.random.Generator) -> Image:
    """Return the picture as a worse camera gives it: small, unsharp, dim or harsh, noisy, hard compressed."""
    side = image.shape[0]
    if rng.random() < 0.5:
        small = int(rng.integers(side // 4, side * 3 // 4))
        image = np.asarray(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), np.uint8)
    if rng.random() < 0.35:
        if rng.random() < 0.5:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.5, 1.8))), np.uint8)
        else:
            image = _smear(image, rng)
    values: npt.NDArray[Any] = image.astype(np.float32)
    if rng.random() < 0.5:
        values = 255 * (values / 255) ** float(np.exp(rng.normal(0, 0.4)))
    elif rng.random() < 0.5:
        values = values * float(rng.uniform(0.25, 0.7))
    if rng.random() < 0.4:
        values = values + rng.normal(0, rng.uniform(1, 8), values.shape)
    image = np.clip(values, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 70))])
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    if image.shape[0] != side:
        image = np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)
    return image


def draw_mask(image: Image, landmarks: npt.NDArray[np.float32], rng: np.random.Generator) -> Image:
    """Return the picture with a mask drawn from the nose to below the chin: plain, pleated or printed."""
    left, right, nose, corner, other = landmarks.astype(np.float64)
    across, down = right - left, (corner + other) / 2 - (left + right) / 2
    wide = max(float(np.hypot(*across)), 0.6 * float(np.hypot(*down)))
    along = across / max(1e-6, float(np.hypot(*across))) * wide
    top = nose - down * float(rng.uniform(0.1, 0.45))
    middle, chin = (corner + other) / 2, (corner + other) / 2 + down * float(rng.uniform(0.55, 0.8))
    edge = float(rng.uniform(0.75, 0.95))
    points = [
        top,
        middle - 0.25 * down + edge * along,
        middle + 0.2 * down + 0.95 * edge * along,
        chin + 0.35 * along,
        chin - 0.35 * along,
        middle + 0.2 * down - 0.95 * edge * along,
        middle - 0.25 * down - edge * along,
    ]
    cover = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(cover, [np.round(points).astype(np.int32)], 255, cv2.LINE_AA)
    paint = _cloth(image.shape[:2], wide, rng)
    light = cv2.GaussianBlur(image, (0, 0), wide / 3).astype(np.float32).mean(axis=2, keepdims=True)
    paint *= 0.5 + 0.5 * light / max(1.0, float(light.mean()))
    share = cv2.GaussianBlur(cover, (0, 0), 0.8).astype(np.float32)[..., None] / 255
    return np.clip(share * paint + (1 - share) * image, 0, 255).astype(np.uint8)


def _cloth(shape: tuple[int, int], wide: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return (H, W, 3) cloth: a colour, perhaps with pleats or a print."""
    paint = np.full((*shape, 3), rng.uniform(30, 245, 3), np.float32)
    kind = rng.random()
    rows = np.arange(shape[0], dtype=np.float32)[:, None, None]
    if kind < 0.4:
        paint += 18 * np.sin(rows * 2 * np.pi / (wide * rng.uniform(0.15, 0.3)) + rng.uniform(0, 6))
    elif kind < 0.7:
        coarse = rng.uniform(-90, 90, (int(rng.integers(4, 14)), int(rng.integers(4, 14)), 3)).astype(
            np.float32
        )
        paint += cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return paint


def _smear(image: Image, rng: np.random.Generator) -> Image:
    """Return the picture as a moving head leaves it."""
    length = int(rng.integers(3, max(4, image.shape[0] // 12)))
    kernel: npt.NDArray[Any] = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), float(rng.uniform(0, 180)), 1)
    kernel = cv2.warpAffine(kernel, turn, (length, length))
    kernel = (kernel / max(1e-6, float(kernel.sum()))).astype(np.float32)
    return np.asarray(cv2.filter2D(image, -1, kernel), np.uint8)
