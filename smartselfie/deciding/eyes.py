"""Whether eyes are open; how well: docs/how-it-decides.md.

By OpenCV's cascade for open eyes, at the landmarks' places where there are landmarks, else in the upper half
of the box. OpenCV 5 has no cascades: there the edges at the landmarks' places must do, and without landmarks
nothing is known.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from smartselfie.deciding.face_input import UPRIGHT_SCALE, Pose, cut_upright, upright_pose
from smartselfie.errors import DetectorError
from smartselfie.records import Box, Face, Image, Landmarks

EYE_CASCADE = "haarcascade_eye.xml"
"""It was trained on open eyes; those named `lefteye` and `righteye` also find closed ones."""
FACE = 112
"""Pixels to which a face is scaled: an eye is then a little larger than the cascade's window of 20."""
ROWS = (0.18, 0.55)
"""Where eyes are looked for without landmarks, as shares of the face's height."""
COLUMNS = ((0.1, 0.5), (0.5, 0.9))
"""... and of its width: one eye on each side."""
EYE = 52
"""Pixels of the upright square that is cut around an eye's landmark, its side 1.04 of the face's scale."""
EDGES = (slice(20, 40), slice(12, 40))
"""Rows and columns of that square whose edges are looked at."""
SIZES = (20, 42)
"""Pixels of an eye with its surroundings, in the scaled face."""
BEST = 3
"""An eye's strength is the mean of its so many strongest windows: one alone may be an eyebrow."""
NOTHING = -1.0
"""Strength of a window that was not found."""
LEVELS = (-0.7, 1.8)
"""Strengths of closed and of wide open eyes in the box; half way up they count as open."""
UPRIGHT_LEVELS = (-0.35, 2.1)
"""The same at the landmarks' places."""
EDGE_LEVELS = (0.31, 0.43)
"""Shares of upright edges of closed and of wide open eyes: an iris has them, lids have level ones."""


class EyeMeter:
    """Measures how open a face's eyes are. Raises `DetectorError` when `cascade` is none.

    `cascade` is the file of OpenCV's cascade for eyes; None: do without.
    """

    def __init__(self, cascade: Path | None) -> None:
        self._cascade = None if cascade is None else _load(cascade)

    def __call__(self, image: Image, face: Face) -> float | None:
        """Return 0 (closed, or not to be seen) to 1 (open): the mean of a face's two eyes.

        `image` is (H, W, 3) BGR. None: that cannot be told without landmarks and cascade.
        """
        cuts = [] if face.landmarks is None else _at_landmarks(image, face.landmarks)
        if self._cascade is None:
            return _grade([_upright_edges(cut) for cut in cuts], EDGE_LEVELS) if cuts else None
        if cuts:
            return _grade([self._strength(cut) for cut in cuts], UPRIGHT_LEVELS)
        return _grade([self._strength(cut) for cut in _in_box(image, face.box)], LEVELS)

    def _strength(self, gray: Image) -> float:
        if min(gray.shape) < SIZES[0]:
            return NOTHING
        assert self._cascade is not None
        _, _, strengths = self._cascade.detectMultiScale3(
            gray,
            scaleFactor=1.2,
            minNeighbors=0,  # every window is asked for: their strength decides, not their number
            minSize=(SIZES[0], SIZES[0]),
            maxSize=(SIZES[1], SIZES[1]),
            outputRejectLevels=True,
        )
        found = sorted([*np.ravel(strengths).tolist(), *[NOTHING] * BEST])
        return float(sum(found[-BEST:]) / BEST)


def _load(cascade: Path) -> Any:
    try:
        made = cv2.CascadeClassifier(str(cascade))
    except (cv2.error, SystemError) as error:
        raise DetectorError(f"{cascade}: not a cascade that OpenCV reads") from error
    if made.empty():
        raise DetectorError(f"{cascade}: not a cascade that OpenCV reads")
    return made


def _grade(eyes: list[float], levels: tuple[float, float]) -> float:
    low, high = levels
    return float(min(1.0, max(0.0, (sum(eyes) / len(eyes) - low) / (high - low))))


def _at_landmarks(image: Image, landmarks: Landmarks) -> list[Image]:
    """Cut each eye upright, (EYE, EYE) uint8 gray; nothing where the landmarks are no face."""
    pose = upright_pose(landmarks)
    if pose is None:
        return []
    side = pose.side / UPRIGHT_SCALE * EYE / 50
    return [cut_upright(image, Pose(x, y, side, pose.roll), (EYE, EYE)) for x, y in landmarks[:2]]


def _in_box(image: Image, box: Box) -> list[Image]:
    """Cut where the eyes of an upright face are, (h, w) uint8 gray."""
    height, width = image.shape[:2]
    top, bottom = (round(box.y + share * box.height) for share in ROWS)
    cuts = []
    for columns in COLUMNS:
        left, right = (round(box.x + share * box.width) for share in columns)
        cut = image[max(0, top) : max(0, min(bottom, height)), max(0, left) : max(0, min(right, width))]
        scale = FACE / max(1, box.width)
        size = round(cut.shape[1] * scale), round(cut.shape[0] * scale)
        if min(size) < SIZES[0]:
            cuts.append(np.zeros((1, 1), np.uint8))
            continue
        way = cv2.INTER_AREA if size[0] < cut.shape[1] else cv2.INTER_LINEAR
        small = cv2.resize(cut, size, interpolation=way)
        cuts.append(np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8))
    return cuts


def _upright_edges(eye: Image) -> float:
    """Return the share of the upright edges in an eye, 0..1."""
    smooth = cv2.GaussianBlur(eye.astype(np.float32), (0, 0), 1.0)[EDGES]
    upright, level = (float(np.abs(np.diff(smooth, axis=axis)).sum()) for axis in (1, 0))
    return upright / (upright + level + 1e-6)
