"""What a face looks like, small and upright: tells faces apart, and shows whether the mouth moves. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from smartselfie.records import Box, Face, Image, Landmarks

SIDE = 32
"""Pixels of a patch, each way."""
UPRIGHT = np.array([[10, 11], [22, 11], [16, 18], [11.25, 23.5], [20.75, 23.5]], np.float64)
"""Where a patch has the landmarks: eye, other eye, nose, corners of the mouth."""
IDENTITY = (slice(4, 30), slice(5, 27))
"""Rows and columns that tell faces apart: without the hair and what is behind."""
MOUTH = (slice(19, 29), slice(8, 24))
"""Rows and columns of the mouth."""
LEAST_CONTRAST = 4.0
"""Gray levels: a face without contrast is not stretched into noise."""
MOTION_OVER = 0.1
"""Seconds over which movement of the mouth is seen: a syllable takes about 0.2."""
LONGEST = 0.25
"""Seconds beyond which two looks say nothing about movement."""
EPSILON = 1e-3

Patch = npt.NDArray[np.float32]
"""(32, 32) float32: a face upright in its place, mean 0 and standard deviation 1 over `IDENTITY`."""


def face_patch(image: Image, face: Face) -> Patch:
    """Return the patch of a face in a (H, W, 3) BGR or (H, W) gray picture.

    Turned, scaled and shifted so that its landmarks come to lie where `UPRIGHT` has them (least squares,
    Umeyama 1991); a face without landmarks is taken as its box has it.
    """
    matrix = _from_box(face.box) if face.landmarks is None else _from_landmarks(face.landmarks)
    patch = _cut(image, face.box, matrix).astype(np.float32)
    inner = patch[IDENTITY]
    return np.asarray((patch - inner.mean()) / (inner.std() + LEAST_CONTRAST), np.float32)


def likeness(one: Patch, other: Patch) -> float:
    """Return the correlation of two patches, -1 to 1; the same face a moment later has about 0.95."""
    a, b = one[IDENTITY].ravel(), other[IDENTITY].ravel()
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 1.0


def mouth_change(before: Patch, now: Patch) -> float:
    """Return how much the mouth differs between two patches, in units of the face's contrast.

    Landmarks are good to a pixel of the patch: the best of the nine places to lay one on the other counts, so
    that a face whose landmarks tremble does not talk.
    """
    rows, columns = MOUTH
    mouth = now[MOUTH]
    return min(
        float(
            np.abs(
                mouth
                - before[rows.start + down : rows.stop + down, columns.start + across : columns.stop + across]
            ).mean()
        )
        for down in (-1, 0, 1)
        for across in (-1, 0, 1)
    )


class MouthMotion:
    """Sees how much each mouth changes, in units of the face's own contrast.

    Of a face that holds still the noise of a camera gives about 0.05; speech and laughter give 0.2 to 0.4.
    """

    def __init__(self) -> None:
        self._looks: dict[int, deque[tuple[float, Patch]]] = {}

    def __call__(self, faces: Sequence[Face], patches: Iterable[Patch], at: float) -> list[Face]:
        """Take the faces of the frame of time `at` with their patches; returns them with `mouth_motion`.

        None where the face was not found a tenth of a second ago, a quarter at the most.
        """
        seen = []
        for face, patch in zip(faces, patches, strict=True):
            looks = self._looks.setdefault(face.track, deque())
            while len(looks) > 1 and looks[1][0] <= at - MOTION_OVER + EPSILON:
                looks.popleft()
            motion = None
            if looks and at - MOTION_OVER + EPSILON >= looks[0][0] >= at - LONGEST - EPSILON:
                motion = mouth_change(looks[0][1], patch)
            looks.append((at, patch))
            seen.append(replace(face, mouth_motion=motion))
        for track in [track for track, looks in self._looks.items() if looks[-1][0] < at - LONGEST]:
            del self._looks[track]
        return seen


def _from_box(box: Box) -> npt.NDArray[np.float64]:
    scale = SIDE / max(1, box.width)
    return np.array([[scale, 0, -scale * box.x], [0, scale, -scale * box.y]])


def _from_landmarks(landmarks: Landmarks) -> npt.NDArray[np.float64]:
    """Return the (2, 3) similarity from the picture to the patch, by least squares over the five points."""
    points = np.asarray(landmarks, np.float64)
    centre, goal = points.mean(axis=0), UPRIGHT.mean(axis=0)
    here, there = points - centre, UPRIGHT - goal
    spread = float((here**2).sum())
    if spread < 1e-6:
        return np.array([[1.0, 0.0, goal[0] - centre[0]], [0.0, 1.0, goal[1] - centre[1]]])
    along = float((here * there).sum()) / spread
    across = float((here[:, 0] * there[:, 1] - here[:, 1] * there[:, 0]).sum()) / spread
    turn = np.array([[along, -across], [across, along]])
    return np.column_stack([turn, goal - turn @ centre])


def _cut(image: Image, box: Box, matrix: npt.NDArray[np.float64]) -> Image:
    """Return the (32, 32) gray patch; a large face is made smaller first, so that its noise averages out."""
    height, width = image.shape[:2]
    margin = box.width // 2
    left, top = max(0, min(width - 1, box.x - margin)), max(0, min(height - 1, box.y - margin))
    right, bottom = (
        max(left + 1, min(width, box.right + margin)),
        max(top + 1, min(height, box.bottom + margin)),
    )
    skip = max(1, box.width // (4 * SIDE))
    cut = image[top:bottom:skip, left:right:skip]
    gray = cut if cut.ndim == 2 else np.asarray(cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY), np.uint8)
    matrix = np.column_stack([matrix[:, :2] * skip, matrix[:, 2] + matrix[:, :2] @ (left, top)])
    double = np.asarray(
        cv2.warpAffine(
            gray, 2 * matrix, (2 * SIDE, 2 * SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )
    return np.asarray(cv2.resize(double, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
