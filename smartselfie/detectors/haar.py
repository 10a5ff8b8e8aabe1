"""OpenCV's cascade (Viola and Jones 2001; Lienhart and Maydt 2002), searched only where it pays.

Three things make it cheap. A known face is searched in a crop scaled so that it is `KNOWN_SIZE` pixels wide,
a few sizes only. The whole picture is searched octave by octave, each in a copy half as wide as the one
before, because the cascade steps twice as densely over faces of two windows and more. And that search is cut
into pieces, so that no single frame pays for it: what a piece finds is confirmed around the find.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from smartselfie.detectors import CopySettings
from smartselfie.detectors.cascades import find_cascade
from smartselfie.errors import DetectorError
from smartselfie.records import Box, Face, Image, Look
from smartselfie.schema.fields import setting
from smartselfie.schema.values import Integer, Number, PathSetting

WINDOW = 24
"""Side of the cascade's window in pixels: no smaller face is found."""
OCTAVE = 2 * WINDOW - 1
"""Largest face searched in one octave, in its pixels."""
SAME_FACE = 0.35
"""Boxes that overlap by more than this share (intersection over union) are one face."""
PIECE_PIXELS = 70_000
"""Pixels, summed over the sizes tried, that one piece of the search may cost: 2 ms on a 2.5 GHz core."""


@dataclass(frozen=True, slots=True)
class _Near:
    """How to search around a known face."""

    size: int
    """Pixels across the face in the copy that is searched."""
    margin: float
    """How far around the face to search, as a share of its size."""
    step: float
    """Factor from one size to the next."""
    sizes: tuple[float, float]
    """Smallest and largest size, relative to the known one."""
    neighbours: int


KNOWN = (
    _Near(size=36, margin=0.20, step=1.15, sizes=(0.8, 1.3), neighbours=2),
    _Near(size=36, margin=0.30, step=1.10, sizes=(0.8, 1.3), neighbours=2),
)
"""Tried one after the other; the first finds 98 of 100 known faces again, the second almost all others."""
CONFIRM = _Near(size=36, margin=0.35, step=1.10, sizes=(0.75, 1.35), neighbours=4)
"""What a find must pass to be a face."""
FIND_NEIGHBOURS = 1
"""Overlapping finds that make it worth to confirm one."""
FIND_STEP = 2
"""In pieces only every second size is tried: confirming tries all that are near."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the search of the whole picture: some rows of one octave, some sizes."""

    shrink: int
    """How much smaller than the detection picture the octave is."""
    top: int
    bottom: int
    """Rows of the octave."""
    smallest: int
    largest: int
    """Sizes in pixels of the octave."""


class Settings(CopySettings):
    """The settings of haar."""

    kind: Literal["haar"] = "haar"
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
        gt=1,
        le=2,
    )
    min_neighbors: Integer = setting(
        5,
        "How many overlapping finds make a face. More: fewer false faces, more missed ones.",
        ge=0,
        le=50,
    )


def build(settings: Settings, *, smallest: float) -> HaarDetector:
    """Make the detector. Raises `DetectorError` without a cascade."""
    cascade = Path(settings.cascade)
    return HaarDetector(
        find_cascade(str(cascade) if cascade.is_file() else cascade.name, (cascade.parent,)),
        detect_width=settings.detect_width,
        scale_factor=settings.scale_factor,
        min_neighbors=settings.min_neighbors,
        smallest=smallest,
    )


class HaarDetector:
    """A cascade over a downscaled gray picture, and around known faces.

    `detect_width`: pixels across the picture that is searched; `smallest`: smallest face wanted, as a share
    of the picture's shorter side; may be changed at any time. Raises DetectorError for a file that is no
    cascade of faces.
    """

    def __init__(
        self,
        cascade: Path,
        *,
        detect_width: int = 320,
        scale_factor: float = 1.1,
        min_neighbors: int = 5,
        smallest: float = 0.0,
    ) -> None:
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
        self.detect_width = detect_width
        self.scale_factor = scale_factor
        self.min_neighbors = min_neighbors
        self.smallest = smallest
        self._step = scale_factor**FIND_STEP
        self._pieces: tuple[_Piece, ...] = ()
        self._pieces_for: tuple[tuple[int, int], float] = ((0, 0), smallest)
        self._turn = 0
        self._due = 0.0

    def smallest_face(self, size: tuple[int, int]) -> int:
        """Side in pixels of the smallest face that can be found in a picture of `size` (width, height)."""
        scale = max(1.0, size[0] / self.detect_width)
        return round(max(WINDOW * scale, self.smallest * min(size)))

    def __call__(self, image: Image, look: Look) -> list[Face]:
        """Return the faces of a (H, W, 3) BGR picture, largest first."""
        found: list[Box] = []
        resting = list(look.resting)
        if look.full:
            found = self._search_all(image)
            self._due = 0.0
        for box in look.around:
            if not _is_among(found, box):
                _add(found, self._search_around(image, box, KNOWN))
        if not look.full:
            found = self._search_on(image, look.share, resting + found)[len(resting) :]
        found.sort(key=lambda box: -box.area)
        return [Face(box) for place, box in enumerate(found) if not _is_inside(box, resting + found[:place])]

    # --- around known faces

    def _search_around(self, image: Image, box: Box, ways: Sequence[_Near]) -> Box | None:
        for way in ways:
            again = self._search_near(image, box, way)
            if again is not None:
                return again
        return None

    def _search_near(self, image: Image, box: Box, way: _Near) -> Box | None:
        height, width = image.shape[:2]
        margin = way.margin * box.width
        left, top = max(0, round(box.x - margin)), max(0, round(box.y - margin))
        right, bottom = min(width, round(box.right + margin)), min(height, round(box.bottom + margin))
        scale = max(1.0, box.width / way.size)
        size = (round((right - left) / scale), round((bottom - top) / scale))
        if min(size) < WINDOW:
            return None
        gray = _gray(image[top:bottom, left:right], size)
        side = box.width / scale
        smallest, largest = (max(WINDOW, round(side * factor)) for factor in way.sizes)
        neighbours = min(way.neighbours, self.min_neighbors)
        boxes = self._run(gray, smallest, largest, way.step, neighbours)
        return max((_back(each, left, top, scale) for each in boxes), key=box.iou, default=None)

    # --- the whole picture

    def _search_all(self, image: Image) -> list[Box]:
        """Search every octave now, with the neighbours that the settings ask for."""
        gray, scale = self._downscale(image)
        found: list[Box] = []
        smallest = self._smallest(gray)
        for shrink, octave in _octaves(gray):
            least = max(WINDOW, smallest // shrink)
            for box in self._run(octave, least, OCTAVE, self.scale_factor, self.min_neighbors):
                _add(found, _back(box, 0, 0, scale * shrink))
        return found

    def _search_on(self, image: Image, share: float, known: list[Box]) -> list[Box]:
        """Search the next pieces of the picture; returns what was known, and after it what is confirmed."""
        size = (image.shape[1], image.shape[0])
        if (size, self.smallest) != self._pieces_for:
            self._pieces = tuple(self._cut(size))
            self._pieces_for, self._turn, self._due = (size, self.smallest), 0, 0.0
        self._due += share * len(self._pieces)
        if self._due < 1:
            return known
        gray, scale = self._downscale(image)
        found = known.copy()
        for box in found:  # a known face is what costs most, and need not be found again
            left, top, right, bottom = (
                max(0, round(edge / scale)) for edge in (box.x, box.y, box.right, box.bottom)
            )
            gray[top:bottom, left:right] = 128
        while self._due >= 1:
            self._due -= 1
            piece = self._pieces[self._turn]
            self._turn = (self._turn + 1) % len(self._pieces)
            octave = gray
            if piece.shrink > 1:
                octave = _resize(gray, (gray.shape[1] // piece.shrink, gray.shape[0] // piece.shrink))
            rows = octave[piece.top : piece.bottom]
            for box in self._run(rows, piece.smallest, piece.largest, self._step, FIND_NEIGHBOURS):
                find = _back(Box(box.x, box.y + piece.top, box.width, box.height), 0, 0, scale * piece.shrink)
                if not _is_among(found, find):
                    _add(found, self._search_around(image, find, (CONFIRM,)))
        return found

    def _cut(self, size: tuple[int, int]) -> list[_Piece]:
        """Cut the search into pieces that cost about the same."""
        width = min(size[0], self.detect_width)
        height = round(size[1] * width / size[0])
        smallest = max(WINDOW, int(self.smallest * min(width, height)))
        pieces: list[_Piece] = []
        shrink = 1
        while min(width, height) // shrink >= WINDOW:
            across, down = width // shrink, height // shrink
            side = float(max(WINDOW, smallest // shrink))
            while side <= OCTAVE:
                first, cost = side, 0.0
                while side <= OCTAVE and (cost == 0 or cost + _cost(across, down, side) <= PIECE_PIXELS):
                    cost += _cost(across, down, side)
                    side *= self._step
                largest = min(OCTAVE, int(side / self._step) + 1)
                bands = max(1, round(cost / PIECE_PIXELS))
                for band in range(bands):
                    top, bottom = band * down // bands, (band + 1) * down // bands
                    pieces.append(_Piece(shrink, top, min(down, bottom + largest), int(first), largest))
            shrink *= 2
        return pieces

    def _downscale(self, image: Image) -> tuple[Image, float]:
        """Return the gray picture that is searched, and how much smaller it is."""
        height, width = image.shape[:2]
        scale = max(1.0, width / self.detect_width)
        return _gray(image, (max(1, round(width / scale)), max(1, round(height / scale)))), scale

    def _smallest(self, gray: Image) -> int:
        return max(WINDOW, int(self.smallest * min(gray.shape)))

    def _run(self, gray: Image, smallest: int, largest: int, step: float, neighbours: int) -> list[Box]:
        """Run the cascade over (H, W) uint8 gray; boxes in its pixels."""
        if min(gray.shape) < WINDOW:
            return []
        found = self._cascade.detectMultiScale(
            gray,
            scaleFactor=step,
            minNeighbors=neighbours,
            minSize=(smallest, smallest),
            maxSize=(largest, largest),
        )
        return [Box(*map(int, box)) for box in found]


def _octaves(gray: Image) -> list[tuple[int, Image]]:
    octaves = []
    shrink = 1
    while min(gray.shape) >= WINDOW:
        octaves.append((shrink, gray))
        shrink *= 2
        gray = _resize(gray, (gray.shape[1] // 2, gray.shape[0] // 2))
    return octaves


def _cost(across: int, down: int, side: float) -> float:
    """Pixels of the copy in which a face of `side` pixels is as large as the window."""
    return across * down * (WINDOW / side) ** 2


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


def _add(found: list[Box], box: Box | None) -> None:
    if box is not None and not _is_among(found, box):
        found.append(box)


def _gray(image: Image, size: tuple[int, int]) -> Image:
    """Turn gray and downscale. Skips pixels first where there are far more than needed: 10 times as quick."""
    step = max(1, min(image.shape[1] // size[0], image.shape[0] // size[1]) // 2)
    gray = np.asarray(cv2.cvtColor(image[::step, ::step], cv2.COLOR_BGR2GRAY), np.uint8)
    return gray if size == (gray.shape[1], gray.shape[0]) else _resize(gray, size)


def _resize(image: Image, size: tuple[int, int]) -> Image:
    """Averages where pixels get twice as large or more, else interpolates: 4 times as quick there."""
    way = cv2.INTER_AREA if image.shape[1] >= 2 * size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=way), np.uint8)
