"""MJPEG over HTTP, read so that stalls, garbage and half pictures are noticed.

FFmpeg's reader blocks for long, and hands damaged pictures on. This one trusts neither types, boundaries nor
lengths that the server sends (cheap cameras get them wrong): what it gets is judged by its bytes.
"""

from __future__ import annotations

import http.client
import logging
import select
import time
from collections.abc import Callable
from contextlib import suppress

from smartselfie.errors import CameraLostError, NoCameraError
from smartselfie.records import Frame
from smartselfie.sources.http_client import ask, reason
from smartselfie.sources.jpeg_scanner import JpegScanner, decode_jpeg
from smartselfie.sources.rotation import check_rotation, rotated
from smartselfie.sources.sniff import Content, content_of
from smartselfie.sources.trust import Trust

log = logging.getLogger(__name__)

_CHUNK = 1 << 20
_CATCH_UP = 64
"""So many chunks are taken at once to get from an old picture to the newest."""


class MjpegStream:
    """A camera that sends `multipart/x-mixed-replace` JPEG pictures over HTTP.

    User and password may stand in the URL. When more than one picture waits, the newest is taken. Raises
    `NoCameraError` when the address does not answer with such a stream within `open_timeout` seconds, which
    its first picture may take too; `UnsuitableStreamError` when it answers with another kind of video.
    `timeout` is for all later pictures; `trust` says whose certificate is taken.
    """

    live = True

    def __init__(
        self,
        url: str,
        *,
        rotate: int = 0,
        timeout: float = 3.25,
        open_timeout: float = 10.0,
        trust: Trust | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rotate = check_rotation(rotate)
        self._timeout, self._clock = timeout, clock
        self._patience = max(timeout, open_timeout)
        self._seq, self._warned = -1, 0
        self._jpeg = b""
        self._bad_since: float | None = None
        self._scanner = JpegScanner()
        self._answer = ask(url, timeout=self._patience, trust=trust or Trust())
        self.name = self._answer.address
        self.tolerated = self._answer.notes
        """What was done or forgiven to get pictures, in words."""
        self._response = self._answer.response
        try:
            self._head = self._look()
        except BaseException:
            self.close()
            raise

    def _look(self) -> bytes:
        """Return the first bytes, once they show that these are JPEG pictures one after the other."""
        headers = self._response.headers
        told = headers.get_content_type() if "content-type" in headers else ""
        if told.startswith("multipart/"):
            return b""
        if told == "image/jpeg" and headers.get("content-length"):
            raise NoCameraError(
                f"{self.name} sends one picture, not a stream; give the address of the stream"
            )
        head, ended = b"", False
        deadline = self._clock() + self._patience
        while (content := content_of(head, ended=ended)) is None:
            try:
                data = self._receive()
            except CameraLostError as error:
                if not head:
                    raise NoCameraError(f"{self.name} answers and sends nothing", remedy=_NAME_IT) from error
                data = b""
            head, ended = head + data, not data or self._clock() >= deadline
        said = told or "no type"
        match content:
            case Content.JPEG:
                self.tolerated.append(f"says {said}, sends JPEG pictures")
            case Content.VIDEO:
                raise UnsuitableStreamError(f"{self.name} says {said}, sends video")
            case _ if content is Content.PAGE or told == "text/html":
                raise NoCameraError(f"{self.name} sends a web page; give the address of the stream itself")
            case _ if told.startswith("video/") or "mpegurl" in told:
                raise UnsuitableStreamError(f"{self.name} sends {told}")
            case _:
                raise NoCameraError(f"{self.name} says {said} and sends no pictures", remedy=_NAME_IT)
        return head

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
        patience = self._timeout if self._seq >= 0 else self._patience
        deadline = self._clock() + patience
        head, self._head = self._head, b""
        while not (whole := self._catch_up(self._scanner.feed(head or self._receive()))):
            head = b""
            if self._clock() >= deadline:
                raise self._no_picture(patience)
        if self._seq < 0:
            with suppress(OSError):  # over already
                self._answer.socket.settimeout(self._timeout)
        self._jpeg = whole[-1]
        self._seq += 1

    def retrieve(self) -> Frame | None:
        """Return the picture that was grabbed, None when it is damaged."""
        now = self._clock()
        image = decode_jpeg(self._jpeg)
        if image is None:
            self._scanner.broken += 1
            self._bad_since = now if self._bad_since is None else self._bad_since
            if now - self._bad_since >= self._timeout:
                raise self._no_picture(self._timeout)
            return None
        self._bad_since = None
        self._warn()
        return Frame(rotated(image, self._rotate), self._seq, now)

    def _no_picture(self, seconds: float) -> CameraLostError:
        longer = "" if self._seq >= 0 else "; source.open_after gives it longer"
        return CameraLostError(f"{self.name} sends, but no whole picture in {seconds:g} s{longer}")

    def _receive(self) -> bytes:
        try:
            data = self._response.read1(_CHUNK)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise CameraLostError(f"{self.name}: {reason(error)}") from error
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
        answer = self._response
        if not select.select([answer.fileno()], [], [], 0)[0]:
            return False
        # All that has come may be the line end of the last chunk, and then the next chunk's size is awaited.
        return not (answer.chunked and not answer.chunk_left and len(answer.fp.peek()) <= 2)

    def _warn(self) -> None:
        """Say once of each kind what is wrong with its pictures."""
        kinds = (
            (1, self._scanner.broken, "sends damaged pictures; they are left out"),
            (2, self._scanner.unended, "sends pictures without their end marker; they are taken when whole"),
        )
        for bit, count, words in kinds:
            if count and not self._warned & bit:
                self._warned |= bit
                self.tolerated.append(words)
                log.warning("%s %s", self.name, words)

    def close(self) -> None:
        """Close the connection."""
        self._answer.close()


_NAME_IT = "give the address of the camera's stream"


class UnsuitableStreamError(NoCameraError):
    """The address answers with video of another kind than MJPEG."""
