"""What is sent to a broker of the machine and of its pictures."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from smartselfie.errors import OutputError, RefusedError

PICTURE_SIDE = 1920
"""Longest side in pixels of the last picture as it goes to the broker, which keeps it."""


def free_gigabytes(folder: Path) -> float | None:
    """Return what is free on a folder's disk; None when that is gone."""
    try:
        return round(shutil.disk_usage(folder).free / 1e9, 1)
    except OSError:
        return None


def temperature(path: Path = Path("/sys/class/thermal/thermal_zone0/temp")) -> float | None:
    """Return the processor's temperature in degrees Celsius; None where the machine does not say."""
    try:
        return round(int(path.read_text()) / 1000, 1)
    except (OSError, ValueError):
        return None


def picture_bytes(file: Path) -> bytes | None:
    """Return a saved picture as a JPEG of a size that a broker keeps; None when it was removed.

    Raises `RefusedError` for a file that is no picture any more, `OutputError` when the disk does not answer.
    """
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputError(f"{file.name} cannot be read: {error.strerror}") from error
    image: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise RefusedError(f"{file.name} is no picture")
    if max(image.shape[:2]) <= PICTURE_SIDE and data[:2] == b"\xff\xd8":
        return data
    height, width = image.shape[:2]
    return jpeg(image, round(width * min(1.0, PICTURE_SIDE / max(height, width))), 90)


def jpeg(image: Any, width: int, quality: int) -> bytes:
    """Return a (H, W, 3) BGR picture as a JPEG, at most `width` pixels wide."""
    if image.shape[1] > width:
        height = max(1, round(image.shape[0] * width / image.shape[1]))
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
