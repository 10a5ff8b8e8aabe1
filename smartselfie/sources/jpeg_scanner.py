"""JPEG pictures out of a stream of bytes, by the format's own markers, and whether they are whole."""

from __future__ import annotations

import re
from io import BytesIO

import cv2
import numpy as np
from PIL import Image as Pillow

from smartselfie.records import Image

MAX_JPEG = 32 << 20
"""Bytes of one picture; what grows beyond is thrown away."""
MAX_PIXELS = 50_000_000
_START, _END = b"\xff\xd8\xff", b"\xff\xd9"
_BETWEEN = 1024
"""Bytes in which a boundary and a part's headers are looked for."""
_FILLER = bytes((37 * number + 11) % 255 for number in range(512))
"""Stands for compressed data that is missing: any that has no marker in it."""
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
"""In compressed data: whatever is neither a stuffed zero, fill, nor a restart marker."""
_SIZED = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Frame headers, which hold the picture's height and width."""


class JpegScanner:
    """Cuts whole JPEG pictures out of a stream of bytes and passes over everything else; bounded memory."""

    def __init__(self, *, max_bytes: int = MAX_JPEG, max_pixels: int = MAX_PIXELS) -> None:
        self.broken = 0
        """Pictures that were begun and not ended, or that make no sense."""
        self.unended = 0
        """Pictures without an end marker, where the next one's start shows that they are over."""
        self._max_bytes, self._max_pixels = max_bytes, max_pixels
        self._data = bytearray()
        self._at = 0  # how far the picture at the buffer's start has been walked; 0: its start is not found
        self._in_scan = self._has_scan = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the pictures that `data` completes, in order; those without an end marker get one."""
        self._data += data
        whole = []
        while self._find_start():
            end = self._walk()
            if end is None:
                break
            if end > 0:
                picture = self._cut(end)
                self._restart(end)
                if picture:
                    whole.append(picture)
        if len(self._data) > self._max_bytes:
            self.broken += 1
            self._restart(len(self._data))
        return whole

    def _restart(self, skip: int) -> None:
        del self._data[:skip]
        self._at, self._in_scan, self._has_scan = 0, False, False

    def _cut(self, end: int) -> bytes:
        """Return the picture at the buffer's start, with its end marker; empty when it breaks off."""
        picture = bytes(self._data[:end])
        if picture.endswith(_END):
            return picture
        between = picture.rfind(b"\r\n--", max(0, end - _BETWEEN))
        picture = picture if between < 0 else picture[:between]
        if not is_whole(picture):
            self.broken += 1
            return b""
        self.unended += 1
        return picture + _END

    def _find_start(self) -> bool:
        if self._at == 0:
            start = self._data.find(_START)
            if start < 0:
                del self._data[: max(0, len(self._data) - 2)]  # the start may just be arriving
                return False
            del self._data[:start]
            self._at = 2
        return True

    def _walk(self) -> int | None:
        """Return where the picture ends; 0 when it was broken and passed over; None when more is needed."""
        data = self._data
        while True:
            if self._in_scan:
                marker = _MARKER.search(data, self._at)
                if marker is None:
                    self._at = max(self._at, len(data) - 1)
                    return None
                self._at, self._in_scan = marker.start(), False
            if len(data) < self._at + 2:
                return None
            kind = data[self._at + 1]
            if data[self._at] == 0xFF and kind == 0xD8 and self._has_scan:
                return self._at
            if data[self._at] != 0xFF or kind < 0xC0 or kind == 0xD8:  # nonsense, or the next picture
                return self._give_up(self._at)
            if kind == 0xFF:  # fill
                self._at += 1
                continue
            if kind == 0xD9:
                return self._at + 2
            if len(data) < self._at + 9:
                return None
            length = int.from_bytes(data[self._at + 2 : self._at + 4], "big")
            if length < 2 or (kind in _SIZED and self._too_large(data[self._at + 5 : self._at + 9])):
                return self._give_up(self._at)
            self._at += 2 + length
            self._in_scan = kind == 0xDA
            self._has_scan |= self._in_scan

    def _too_large(self, size: bytearray) -> bool:
        height, width = int.from_bytes(size[:2], "big"), int.from_bytes(size[2:], "big")
        return height * width > self._max_pixels

    def _give_up(self, at: int) -> int:
        """Pass over a broken picture; the next may begin right where this one stopped making sense."""
        self.broken += 1
        self._restart(max(at, 2))
        return 0


def is_whole(jpeg: bytes) -> bool:
    """Whether a JPEG without its end marker is whole: it is when it stays the same whatever follows it."""
    image, other = decode_jpeg(jpeg + _END), decode_jpeg(jpeg + _FILLER + _END)
    return image is not None and other is not None and np.array_equal(image, other)


def decode_jpeg(jpeg: bytes) -> Image | None:
    """Return a JPEG as (H, W, 3) uint8 BGR; None when it is damaged.

    Pillow is as quick as OpenCV, whose JPEG library writes of all damage to stderr.
    """
    try:
        with Pillow.open(BytesIO(jpeg), formats=("JPEG",)) as picture:
            rgb = np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"), np.uint8)
    except Exception:  # damaged data makes it raise nearly anything
        return None
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8)
