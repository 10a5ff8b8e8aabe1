"""MJPEG over HTTP, read so that stalls, garbage and half pictures are noticed.

FFmpeg's reader blocks for long, and hands damaged pictures on. This one trusts neither boundaries nor lengths
that the server sends (cheap cameras get both wrong): it walks through each JPEG by the format's own markers.
"""

from __future__ import annotations

import http.client
import logging
import re
import select
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from io import BytesIO
from typing import cast
from urllib.parse import unquote, urlsplit, urlunsplit

import cv2
import numpy as np
from PIL import Image as Pillow

from smartselfie.errors import CameraLostError, NoCameraError
from smartselfie.records import Frame, Image
from smartselfie.sources.devices import CHOICES
from smartselfie.sources.rotation import check_rotation, rotated

log = logging.getLogger(__name__)

MAX_JPEG = 32 << 20
"""Bytes of one picture; what grows beyond is thrown away."""
MAX_PIXELS = 50_000_000
_CHUNK = 1 << 20
_CATCH_UP = 64
"""So many chunks are taken at once to get from an old picture to the newest."""

_START = b"\xff\xd8\xff"
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
"""In compressed data: whatever is neither a stuffed zero, fill, nor a restart marker."""
_SIZED = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Frame headers, which hold the picture's height and width."""


class JpegScanner:
    """Cuts whole JPEG pictures out of a stream of bytes and passes over everything else; bounded memory."""

    def __init__(self, *, max_bytes: int = MAX_JPEG, max_pixels: int = MAX_PIXELS) -> None:
        self.broken = 0
        """Pictures that were begun and not ended, or that make no sense."""
        self._max_bytes, self._max_pixels = max_bytes, max_pixels
        self._data = bytearray()
        self._at = 0  # how far the picture at the buffer's start has been walked; 0: its start is not found
        self._in_scan = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the pictures that `data` completes, in order."""
        self._data += data
        whole = []
        while self._find_start():
            end = self._walk()
            if end is None:
                break
            if end > 0:
                whole.append(bytes(self._data[:end]))
                self._restart(end)
        if len(self._data) > self._max_bytes:
            self.broken += 1
            self._restart(len(self._data))
        return whole

    def _restart(self, skip: int) -> None:
        del self._data[:skip]
        self._at, self._in_scan = 0, False

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

    def _too_large(self, size: bytearray) -> bool:
        height, width = int.from_bytes(size[:2], "big"), int.from_bytes(size[2:], "big")
        return height * width > self._max_pixels

    def _give_up(self, at: int) -> int:
        """Pass over a broken picture; the next may begin right where this one stopped making sense."""
        self.broken += 1
        self._restart(max(at, 2))
        return 0


class MjpegStream:
    """A camera that sends `multipart/x-mixed-replace` JPEG pictures over HTTP.

    User and password may stand in the URL. When more than one picture waits, the newest is taken. Raises
    `NoCameraError` when the address does not answer with such a stream within `timeout` seconds;
    `UnsuitableStream` when it answers with another kind of video.
    """

    live = True

    def __init__(
        self,
        url: str,
        *,
        rotate: int = 0,
        timeout: float = 3.25,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, opener = _prepare(url)
        self._rotate = check_rotation(rotate)
        self._timeout, self._clock = timeout, clock
        self._seq, self._warned = -1, False
        self._jpeg = b""
        self._bad_since: float | None = None
        self._scanner = JpegScanner()
        try:
            self._answer = cast(http.client.HTTPResponse, opener.open(self.name, timeout=timeout))
        except (OSError, ValueError, http.client.HTTPException) as error:
            # HTTPError is an open answer, and must be closed
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            raise NoCameraError(f"{self.name} does not answer: {_reason(error)}", remedy=CHOICES) from error
        kind = self._answer.headers.get_content_type()
        if not (kind.startswith("multipart/") or kind == "application/octet-stream"):
            self.close()
            if kind.startswith("video/") or "mpegurl" in kind:
                raise UnsuitableStreamError(f"{self.name} sends {kind}")
            what = {
                "text/html": "a web page; give the address of the stream itself",
                "image/jpeg": "one picture, not a stream; give the address of the stream",
            }.get(kind, f"{kind}, not pictures")
            raise NoCameraError(f"{self.name} sends {what}")

    def read(self) -> Frame:
        """Return the newest picture.

        Raises `CameraLostError` when the connection ends, or when no whole picture comes within the timeout.
        """
        while True:
            self.grab()
            frame = self.retrieve()
            if frame is not None:
                return frame

    def grab(self) -> None:
        """Wait for the newest picture without decoding it; raises as `read` does."""
        deadline = self._clock() + self._timeout
        while not (whole := self._catch_up(self._scanner.feed(self._receive()))):
            if self._clock() >= deadline:
                raise self._no_picture()
        self._jpeg = whole[-1]
        self._seq += 1

    def retrieve(self) -> Frame | None:
        """Return the picture that was grabbed, None when it is damaged."""
        now = self._clock()
        image = _decode(self._jpeg)
        if image is None:
            self._scanner.broken += 1
            self._bad_since = now if self._bad_since is None else self._bad_since
            if now - self._bad_since >= self._timeout:
                raise self._no_picture()
            return None
        self._bad_since = None
        self._warn()
        return Frame(rotated(image, self._rotate), self._seq, now)

    def _no_picture(self) -> CameraLostError:
        return CameraLostError(f"{self.name} sends, but no whole picture in {self._timeout:g} s")

    def _receive(self) -> bytes:
        try:
            data = self._answer.read1(_CHUNK)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise CameraLostError(f"{self.name}: {_reason(error)}") from error
        if not data:
            raise CameraLostError(f"{self.name} has ended the stream")
        return data

    def _catch_up(self, whole: list[bytes]) -> list[bytes]:
        """Take what has arrived meanwhile, so that the last picture is the newest."""
        for _ in range(_CATCH_UP):
            if not whole or not self._more_waits():
                break
            try:
                whole = [*whole[-1:], *self._scanner.feed(self._receive())]
            except CameraLostError:  # the next read says so; this picture still counts
                break
        return whole

    def _more_waits(self) -> bool:
        """Whether a read would give something at once."""
        answer = self._answer
        if not select.select([answer.fileno()], [], [], 0)[0]:
            return False
        # All that has come may be the line end of the last chunk, and then the next chunk's size is awaited.
        return not (answer.chunked and not answer.chunk_left and len(answer.fp.peek()) <= 2)

    def _warn(self) -> None:
        if self._scanner.broken and not self._warned:
            self._warned = True
            log.warning("%s sends damaged pictures; they are left out", self.name)

    def close(self) -> None:
        """Close the connection."""
        self._answer.close()


class UnsuitableStreamError(NoCameraError):
    """The address answers with video of another kind than MJPEG."""


def _prepare(url: str) -> tuple[str, urllib.request.OpenerDirector]:
    """Return the URL without user and password, and what opens it with them; no proxy stands in the way."""
    parts = urlsplit(url)
    user, separator, password = parts.netloc.rpartition("@")[0].partition(":")
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    known = urllib.request.HTTPPasswordMgrWithPriorAuth()
    if user or separator:
        known.add_password(None, bare, unquote(user), unquote(password))
    handlers = (
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPBasicAuthHandler(known),
        urllib.request.HTTPDigestAuthHandler(known),
    )
    return bare, urllib.request.build_opener(*handlers)


def _reason(error: Exception) -> str:
    match error:
        case urllib.error.HTTPError():
            hint = "; put user:password@ before the address" if error.code == 401 else ""
            return f"{error.code} {error.reason}{hint}"
        case urllib.error.URLError(reason=Exception() as inner):
            return _reason(inner)
        case TimeoutError():
            return "no answer in time"
        case OSError(strerror=str(words)):
            return words
        case _:
            return str(error) or type(error).__name__


def _decode(jpeg: bytes) -> Image | None:
    """Decode with Pillow: as quick as OpenCV, whose JPEG library writes of all damage to stderr."""
    try:
        with Pillow.open(BytesIO(jpeg), formats=("JPEG",)) as picture:
            rgb = np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"), np.uint8)
    except Exception:  # damaged data makes it raise nearly anything
        return None
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8)
