"""OpenCV's cascade (Viola and Jones 2001; Lienhart and Maydt 2002), searched only where it pays.

What is found is what OpenCV's own `detectMultiScale` finds. A known face is searched in a crop scaled so that
it is `KNOWN_SIZE` pixels wide, a few sizes only. A search of the whole picture may be spread: one frame is
searched a size at a time while the frames after it come, and the finds are grouped when all sizes are done,
as OpenCV does it at once. Where that shows somebody new, the newest frame confirms it: it is searched whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

import cv2
import numpy as np

from smartselfie.detectors import PHOTO_WIDTH, CopySettings
from smartselfie.detectors.cascades import find_cascade, has_cascades, no_cascades
from smartselfie.errors import DetectorError
from smartselfie.records import Box, Face, Image, Look
from smartselfie.schema.fields import setting
from smartselfie.schema.values import Integer, Number, PathSetting

SAME_FACE = 0.35
"""Boxes that overlap by more than this share (intersection over union) are one face."""
GROUPING = 0.2
"""How far apart finds of one face may lie, as a share of their size: OpenCV's own figure."""
KNOWN_SIZE = 36
"""Pixels across a known face in the copy that is searched."""
KNOWN_MARGIN = 0.3
"""How far around a known face to search, as a share of its size."""
KNOWN_SIZES = (0.8, 1.3)
"""Smallest and largest size tried around a known face, relative to it."""
KNOWN_STEP = 1.1
"""Factor from one of them to the next."""
KNOWN_NEIGHBOURS = 2
"""Overlapping finds that make a face where one is known."""


@dataclass(slots=True)
class _SpreadSearch:
    """A search of one picture, done while the frames after it come."""

    asked: tuple[tuple[int, ...], float]
    """The picture's shape, and the smallest face wanted."""
    gray: Image
    scale: float
    """How much larger the picture is than the copy."""
    known: list[Box]
    """Faces that were known then."""
    sizes: list[int]
    """Sizes still to be tried, in pixels of the copy."""
    cost: float
    """Of all sizes together."""
    due: float = 0.0
    """How much of it is due now."""
    finds: list[list[int]] = field(default_factory=list)
    """Every window in which the cascade saw a face, not grouped yet."""


class Settings(CopySettings):
    """The settings of haar."""

    kind: Literal["haar"] = "haar"
    detect_width: Integer = setting(
        1280,
        "Faces are searched in a copy of the picture this wide. Wider: more distant faces are found, and a "
        "search takes longer; below 800 faces of a tenth of the height are missed.",
        ge=80,
        le=4096,
        unit="pixels",
    )
    rescan: Integer = setting(
        15,
        "Once a face is known only its surroundings are searched, and the whole picture every so many frames "
        "(at least once a second). Fewer: newcomers are seen sooner, more work.",
        ge=1,
        le=1000,
        unit="frames",
    )
    cascade: PathSetting = setting(
        "haarcascade_frontalface_default.xml",
        "The cascade: looked for here, then in haarcascade/, then in OpenCV's own data folder.",
        private=True,
    )
    scale_factor: Number = setting(
        1.1,
        "Step between the face sizes that are tried. Nearer to 1: fewer misses, slower.",
        ge=1.01,
        le=2,
    )
    min_neighbors: Integer = setting(
        5,
        "How many overlapping finds make a face. More: fewer false faces, more missed ones.",
        ge=0,
        le=50,
    )

    def for_photos(self, width: int | None = None) -> Self:
        """Return the settings for single photos: small faces too, in a copy that shows few false ones."""
        return self.model_copy(update={"detect_width": width or PHOTO_WIDTH})


def build(settings: Settings, *, smallest: float) -> HaarDetector:
    """Make the detector. Raises `DetectorError` without a cascade."""
    if not has_cascades():
        raise no_cascades()
    cascade = Path(settings.cascade)
    return HaarDetector(
        find_cascade(str(cascade) if cascade.is_file() else cascade.name, (cascade.parent,)),
        detect_width=settings.detect_width,
        scale_factor=settings.scale_factor,
        min_neighbors=settings.min_neighbors,
        smallest=smallest,
    )


class HaarDetector:
    """A cascade over a gray copy of the picture, and around known faces.

    `detect_width`: pixels across the picture that is searched; `smallest`: smallest face wanted, as a share
    of the picture's shorter side; may be changed at any time. Raises DetectorError for a file that is no
    cascade of faces.
    """

    def __init__(
        self,
        cascade: Path,
        *,
        detect_width: int = 1280,
        scale_factor: float = 1.1,
        min_neighbors: int = 5,
        smallest: float = 0.0,
    ) -> None:
        if not has_cascades():
            raise no_cascades()
        problem = f"{cascade}: not a cascade that OpenCV reads; bring a haarcascade_*.xml file"
        try:
            self._cascade = cv2.CascadeClassifier(str(cascade))
        except (cv2.error, SystemError) as error:
            raise DetectorError(problem) from error
        if self._cascade.empty():
            raise DetectorError(problem)
        window = self._cascade.getOriginalWindowSize()
        if window[0] != window[1]:
            raise DetectorError(
                f"{cascade}: looks for {window[0]}x{window[1]} pixels", remedy="a face's are square"
            )
        self._window = window[0]
        """Side of the cascade's window in pixels: no smaller face is found."""
        self.detect_width = detect_width
        self.scale_factor = scale_factor
        self.min_neighbors = min_neighbors
        self.smallest = smallest
        self._spread: _SpreadSearch | None = None

    def smallest_face(self, size: tuple[int, int]) -> int:
        """Side in pixels of the smallest face that can be found in a picture of `size` (width, height)."""
        scale = max(1.0, size[0] / self.detect_width)
        return round(max(self._window * scale, self.smallest * min(size)))

    def __call__(self, image: Image, look: Look) -> list[Face]:
        """Return the faces of a (H, W, 3) BGR picture, largest first."""
        found: list[Box] = []
        if look.full or self._shows_somebody_new(image, look):
            found = self._search_all(image)
            self._spread = None
        for box in look.around:
            if not _is_among(found, box):
                again = self._search_near(image, box)
                if again is not None and not _is_among(found, again):
                    found.append(again)
        resting = list(look.resting)
        found.sort(key=lambda box: -box.area)
        return [
            Face(box)
            for place, box in enumerate(found)
            if not (_is_among(resting, box) or _is_inside(box, resting + found[:place]))
        ]

    def _search_all(self, image: Image) -> list[Box]:
        """Search the whole picture now."""
        gray, scale = self._downscale(image)
        boxes = self._run(gray, self._least(gray), min(gray.shape), self.scale_factor, self.min_neighbors)
        return [_back(box, 0, 0, scale) for box in boxes]

    def _search_near(self, image: Image, box: Box) -> Box | None:
        """Search around a known face."""
        height, width = image.shape[:2]
        margin = KNOWN_MARGIN * box.width
        left, top = max(0, round(box.x - margin)), max(0, round(box.y - margin))
        right, bottom = min(width, round(box.right + margin)), min(height, round(box.bottom + margin))
        scale = max(1.0, box.width / KNOWN_SIZE)
        size = (round((right - left) / scale), round((bottom - top) / scale))
        if min(size) < self._window:
            return None
        gray = _gray(image[top:bottom, left:right], size)
        smallest, largest = (max(self._window, round(box.width / scale * share)) for share in KNOWN_SIZES)
        boxes = self._run(gray, smallest, largest, KNOWN_STEP, min(KNOWN_NEIGHBOURS, self.min_neighbors))
        return max((_back(each, left, top, scale) for each in boxes), key=box.iou, default=None)

    def _shows_somebody_new(self, image: Image, look: Look) -> bool:
        """Do the part of a spread search that is due; True when one is done and found a face nobody knew."""
        spread = self._spread
        if spread is None or spread.asked != (image.shape, self.smallest):
            spread = self._spread = self._begin(image, [*look.around, *look.resting])
        spread.due += look.share * spread.cost
        while spread.sizes and spread.due > 0:
            side = spread.sizes.pop()
            spread.due -= self._cost(spread.gray, side)
            boxes = self._run(spread.gray, side, side, self.scale_factor, 0)
            spread.finds += [[box.x, box.y, box.width, box.height] for box in boxes]
        if spread.sizes:
            return False
        self._spread = None
        grouped, _ = cv2.groupRectangles(spread.finds, self.min_neighbors, GROUPING)
        boxes = [_back(Box(*map(int, box)), 0, 0, spread.scale) for box in grouped]
        known = spread.known
        return not all(_is_among(known, box) or _is_inside(box, known + boxes) for box in boxes)

    def _begin(self, image: Image, known: list[Box]) -> _SpreadSearch:
        gray, scale = self._downscale(image)
        sizes = self._sizes(self._least(gray), min(gray.shape))
        cost = sum(self._cost(gray, side) for side in sizes)
        return _SpreadSearch((image.shape, self.smallest), gray, scale, known, sizes, cost)

    def _sizes(self, smallest: int, largest: int) -> list[int]:
        """Return the sizes that OpenCV tries from `smallest` to `largest`, in pixels, the largest first."""
        sizes: list[int] = []
        factor = 1.0
        while (side := round(self._window * factor)) <= largest:
            if side >= smallest and side not in sizes:
                sizes.append(side)
            factor *= self.scale_factor
        return sizes[::-1]

    def _cost(self, gray: Image, side: int) -> float:
        """How many windows are looked at for faces of `side` pixels: of small ones every fourth."""
        return gray.size * (self._window / side) ** 2 / (1 if side >= 2 * self._window else 4)

    def _downscale(self, image: Image) -> tuple[Image, float]:
        """Return the gray picture that is searched, and how much smaller it is."""
        height, width = image.shape[:2]
        scale = max(1.0, width / self.detect_width)
        return _gray(image, (max(1, round(width / scale)), max(1, round(height / scale)))), scale

    def _least(self, gray: Image) -> int:
        return max(self._window, int(self.smallest * min(gray.shape)))

    def _run(self, gray: Image, smallest: int, largest: int, step: float, neighbours: int) -> list[Box]:
        """Run the cascade over (H, W) uint8 gray; boxes in its pixels."""
        if min(gray.shape) < self._window:
            return []
        found = self._cascade.detectMultiScale(
            gray,
            scaleFactor=step,
            minNeighbors=neighbours,
            minSize=(smallest, smallest),
            maxSize=(largest, largest),
        )
        return [Box(*map(int, box)) for box in found]


def _back(box: Box, left: int, top: int, scale: float) -> Box:
    """From pixels of a scaled copy to pixels of the picture."""
    return Box(
        round(left + box.x * scale),
        round(top + box.y * scale),
        round(box.width * scale),
        round(box.height * scale),
    )


def _is_among(found: Sequence[Box], box: Box) -> bool:
    return any(box.iou(other) > SAME_FACE for other in found)


def _is_inside(box: Box, larger: Sequence[Box]) -> bool:
    """Whether it lies in a face three times as large: an eye or a nostril, which cascades take for a face."""
    return any(
        other.area > 3 * box.area
        and other.x <= box.x
        and other.y <= box.y
        and box.right <= other.right
        and box.bottom <= other.bottom
        for other in larger
    )


def _gray(image: Image, size: tuple[int, int]) -> Image:
    """Turn gray and downscale. Skips pixels first where there are far more than needed: 10 times as quick."""
    step = max(1, min(image.shape[1] // size[0], image.shape[0] // size[1]) // 2)
    gray = np.asarray(cv2.cvtColor(image[::step, ::step], cv2.COLOR_BGR2GRAY), np.uint8)
    if size == (gray.shape[1], gray.shape[0]):
        return gray
    way = cv2.INTER_AREA if gray.shape[1] >= 2 * size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(gray, size, interpolation=way), np.uint8)
