"""A folder of pictures, one frame each, in the order a person would list them."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from smartselfie.errors import PictureError, SourceError
from smartselfie.pictures.photos import read_picture
from smartselfie.records import Frame
from smartselfie.sources.rotation import check_rotation, rotated

log = logging.getLogger(__name__)

PICTURES = frozenset(".avif .bmp .gif .jpe .jpeg .jpg .pgm .png .ppm .tif .tiff .webp".split())  # noqa: SIM905
"""The endings of files that are taken for pictures."""


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return a sort key by which 2.jpg comes before 10.jpg."""
    parts = re.findall(r"\d+|\D+", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


class FolderSource:
    """The pictures of a folder, upright, as 8-bit BGR, `fps` of them to the second of media time.

    Other files are passed over with one log line, pictures that cannot be read are named and left out. Raises
    `SourceError` when the folder cannot be listed or holds no pictures, and when none of them can be read.
    """

    live = False

    def __init__(self, folder: str | Path, *, fps: float = 30.0, rotate: int = 0) -> None:
        self.folder = Path(folder)
        self._fps = fps
        self._rotate = check_rotation(rotate)
        self._seq = 0
        try:
            files = [path for path in self.folder.iterdir() if path.is_file() and path.name[0] != "."]
        except OSError as error:
            raise SourceError(
                f"{self.folder}: {error.strerror}", remedy="give a folder that can be read"
            ) from error
        pictures = [path for path in files if path.suffix.lower() in PICTURES]
        if not pictures:
            raise SourceError(
                f"{self.folder} holds no pictures", remedy="give a folder with some (jpg, png, ...)"
            )
        if len(files) > len(pictures):
            log.info("%s: %d other files are passed over", self.folder, len(files) - len(pictures))
        self._left = iter(sorted(pictures, key=lambda path: (natural(path.name), path.name)))

    def read(self) -> Frame | None:
        """Return the next picture that can be read, None after the last."""
        for path in self._left:
            try:
                image = read_picture(path)
            except PictureError as error:
                log.warning("left out: %s", error)
                continue
            frame = Frame(rotated(image, self._rotate), self._seq, self._seq / self._fps)
            self._seq += 1
            return frame
        if self._seq == 0:
            raise SourceError(f"{self.folder}: none of its pictures can be read")
        return None

    def close(self) -> None:
        """Hold nothing, so give nothing back."""
