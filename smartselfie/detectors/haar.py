"""OpenCV's cascade (Viola and Jones 2001; Lienhart and Maydt 2002), searched only where it pays."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from smartselfie.errors import DetectorError
from smartselfie.records import Box, Image, Look

WINDOW = 24
"""Side of the cascade's window in pixels: no smaller face is found."""
KNOWN_SIZE = 48
"""Pixels to which a known face is scaled before it is searched again."""
KNOWN_MARGIN = 0.35
"""How far around a known face is searched, as a share of its size."""
KNOWN_SCALES = (0.75, 1.35)
"""Sizes searched for a known face, relative to its last one."""
SAME_FACE = 0.35
"""Boxes that overlap by more than this share (intersection over union) are one face."""


def find_cascade(name: str, folders: tuple[Path, ...] = ()) -> Path:
    """Return the file: the path itself, else in `folders`, in `haarcascade/`, in OpenCV's own data folder.

    Raises DetectorError when none has it.
    """
    own = find_spec("smartselfie.haarcascade")
    if own is not None:
        folders += tuple(Path(place) for place in own.submodule_search_locations or ())
    opencv = Path(cv2.__file__).parent / "data"
    places = [Path(name), *(folder / name for folder in (*folders, opencv))]
    for place in places:
        if place.is_file():
            return place
    raise DetectorError(
        f"cascade {name} not found; looked in {', '.join(str(place.parent) for place in places)}"
    )


class HaarDetector:
    """A cascade over a downscaled gray picture, and around known faces only where that is enough.

    `detect_width`: pixels across the picture that is searched; `smallest`: smallest face wanted, as a share
    of the picture's shorter side. Raises DetectorError for a file that is no cascade.
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
        try:
            self._cascade = cv2.CascadeClassifier(str(cascade))
        except (cv2.error, SystemError) as error:
            raise DetectorError(
                f"{cascade}: not a cascade that OpenCV reads; bring a haarcascade_*.xml file"
            ) from error
        if self._cascade.empty():
            raise DetectorError(f"{cascade}: not a cascade that OpenCV reads; bring a haarcascade_*.xml file")
        self.detect_width = detect_width
        self.scale_factor = scale_factor
        self.min_neighbors = min_neighbors
        self.smallest = smallest

    def smallest_face(self, size: tuple[int, int]) -> int:
        """Side in pixels of the smallest face that can be found in a picture of `size` (width, height)."""
        scale = max(1.0, size[0] / self.detect_width)
        return round(max(WINDOW * scale, self.smallest * min(size)))

    def __call__(self, image: Image, look: Look) -> list[Box]:
        """Return the faces of a (H, W, 3) BGR picture, largest first."""
        found = self._search_all(image) if look.full else []
        known = [box for box in look.around if not any(box.iou(other) > SAME_FACE for other in found)]
        for box in known:
            again = self._search_around(image, box)
            if again is not None and not any(again.iou(other) > SAME_FACE for other in found):
                found.append(again)
        return sorted(found, key=lambda box: -box.area)

    def _search_all(self, image: Image) -> list[Box]:
        height, width = image.shape[:2]
        scale = max(1.0, width / self.detect_width)
        size = (round(width / scale), round(height / scale))
        gray = _gray(image, size)
        smallest = max(WINDOW, round(self.smallest * min(size)))
        return self._run(gray, smallest, min(size), self.min_neighbors, 0, 0, scale)

    def _search_around(self, image: Image, box: Box) -> Box | None:
        height, width = image.shape[:2]
        margin = KNOWN_MARGIN * max(box.width, box.height)
        left, top = max(0, round(box.x - margin)), max(0, round(box.y - margin))
        right, bottom = min(width, round(box.right + margin)), min(height, round(box.bottom + margin))
        scale = max(1.0, box.width / KNOWN_SIZE)
        size = (round((right - left) / scale), round((bottom - top) / scale))
        if min(size) < WINDOW:
            return None
        gray = _gray(image[top:bottom, left:right], size)
        sizes = [round(box.width / scale * factor) for factor in KNOWN_SCALES]
        boxes = self._run(gray, max(WINDOW, sizes[0]), sizes[1], self.min_neighbors, left, top, scale)
        return max(boxes, key=box.iou, default=None)

    def _run(
        self, gray: Image, smallest: int, largest: int, neighbours: int, left: int, top: int, scale: float
    ) -> list[Box]:
        """Run the cascade and give the boxes back in pixels of the whole picture."""
        found = self._cascade.detectMultiScale(
            gray,
            scaleFactor=self.scale_factor,
            minNeighbors=neighbours,
            minSize=(smallest, smallest),
            maxSize=(largest, largest),
        )
        return [
            Box(round(left + x * scale), round(top + y * scale), round(w * scale), round(h * scale))
            for x, y, w, h in np.asarray(found, int).reshape(-1, 4).tolist()
        ]


def _gray(image: Image, size: tuple[int, int]) -> Image:
    """Downscale and turn gray: the smaller picture is converted, not the larger."""
    if size != (image.shape[1], image.shape[0]):
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
