"""What OpenCV reads: webcams, video files, and network streams through FFmpeg."""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

import cv2

from smartselfie.errors import CameraLostError, NoCameraError, SourceError
from smartselfie.quiet import set_opencv_log_level
from smartselfie.records import Frame, Image
from smartselfie.redact import redact
from smartselfie.sources.containers import is_whole, pixel_shape, square_pixels
from smartselfie.sources.devices import CHOICES, why_not
from smartselfie.sources.rotation import check_rotation, rotated

log = logging.getLogger(__name__)

_RETRIES, _PAUSE = 5, 0.02
"""A webcam may hand out a damaged picture now and then: so often it is asked again, after so many seconds."""


FEW = 4
"""Frames a second below which the trigger's usual rule never fires."""


class Capture(Protocol):
    """The part of `cv2.VideoCapture` that is used here."""

    def isOpened(self) -> bool: ...  # noqa: D102, N802
    def grab(self) -> bool: ...  # noqa: D102
    def retrieve(self) -> tuple[bool, Image | None]: ...  # noqa: D102
    def read(self) -> tuple[bool, Image | None]: ...  # noqa: D102
    def get(self, propId: int, /) -> float: ...  # noqa: D102, N803
    def set(self, propId: int, value: float, /) -> bool: ...  # noqa: D102, N803
    def release(self) -> None: ...  # noqa: D102


def _quiet() -> None:
    """Keep OpenCV and FFmpeg from writing to stderr; both can be made to talk by their own variables."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # read when FFmpeg is first used
    if "OPENCV_LOG_LEVEL" not in os.environ:
        set_opencv_log_level(0)


def _open_camera(device: str | int) -> Capture:
    _quiet()
    if sys.platform == "linux":
        # A stable name is a link; OpenCV takes the device file itself.
        return cast(Capture, cv2.VideoCapture(os.path.realpath(str(device)), cv2.CAP_V4L2))
    backend = cv2.CAP_AVFOUNDATION if sys.platform == "darwin" else cv2.CAP_ANY
    return cast(Capture, cv2.VideoCapture(int(device), backend))


class Webcam:
    """A camera at this machine.

    `device` is an index or a device file such as `/dev/video0` or a link below `/dev/v4l/by-id`; `size` and
    `fps` are wishes, and one log line says what the camera gives instead. Raises `NoCameraError` when it does
    not open; `open_capture` is what opens it.
    """

    live = True

    def __init__(
        self,
        device: str | int,
        *,
        size: tuple[int, int] = (1280, 720),
        fps: float = 30.0,
        rotate: int = 0,
        open_capture: Callable[[str | int], Capture] = _open_camera,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.device = f"/dev/video{device}" if isinstance(device, int) and sys.platform == "linux" else device
        self._rotate = check_rotation(rotate)
        self._clock = clock
        self._seq = -1
        self._probed: Frame | None = None
        self._failures = 0
        self._pause = threading.Event()
        self._capture = open_capture(self.device)
        if not self._capture.isOpened():
            self._capture.release()
            raise NoCameraError(why_not(self.device), remedy=CHOICES)
        # MJPG first: most webcams reach their sizes and rates only so, and the order matters to some drivers.
        self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        self._capture.set(cv2.CAP_PROP_FPS, fps)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        given = (
            int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        if given != size or (rate > 0 and abs(rate - fps) > 0.5):
            log.info(
                "camera %s gives %dx%d at %g frames a second (asked: %dx%d at %g)",
                self.device, *given, rate, *size, fps,
            )  # fmt: skip

    def probe(self) -> None:
        """Fetch the first picture now, for the next `read`; raises `NoCameraError` when there is none."""
        try:
            self._probed = self.read()
        except CameraLostError as error:
            raise NoCameraError(f"camera {self.device} opens but gives no picture", remedy=CHOICES) from error

    def read(self) -> Frame:
        """Return the next picture; raises `CameraLostError` when there is none any more."""
        while True:
            self.grab()
            frame = self.retrieve()
            if frame is not None:
                return frame

    def grab(self) -> None:
        """Wait for the next picture without decoding it; raises `CameraLostError`."""
        if self._probed is not None:
            return
        began = self._clock()
        while not self._capture.grab():
            # A second and more is not a damaged picture: the driver has waited in vain.
            self._failed(at_once=self._clock() - began > 1)
        self._seq += 1

    def retrieve(self) -> Frame | None:
        """Return the picture that was grabbed, None when it is damaged; raises `CameraLostError`."""
        frame, self._probed = self._probed, None
        if frame is not None:
            return frame
        at = self._clock()
        ok, image = self._capture.retrieve()
        if not ok or image is None or not image.size:
            self._failed()
            return None
        self._failures = 0
        return Frame(rotated(image, self._rotate), self._seq, at)

    def _failed(self, *, at_once: bool = False) -> None:
        self._failures += 1
        if at_once or self._failures >= _RETRIES:
            raise CameraLostError(f"camera {self.device} gives no picture any more")
        self._pause.wait(_PAUSE)

    def close(self) -> None:
        """Give the device back."""
        self._capture.release()


class VideoFile:
    """A recording: every frame, with its media time.

    The file's own rotation is applied by OpenCV, `rotate` comes on top. Raises `SourceError` when there is no
    picture in it. A file that breaks off is read as far as it goes and then ends, with one warning.
    """

    live = False

    def __init__(self, path: str | Path, *, fps: float = 30.0, rotate: int = 0) -> None:
        self.path = Path(path)
        self._rotate = check_rotation(rotate)
        _refuse_unreadable(self.path)
        _quiet()
        self._capture = cast(Capture, cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG))
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self._step = 1 / rate if math.isfinite(rate) and 0 < rate <= 1000 else 1 / fps
        self._count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._shape = pixel_shape(self._capture)
        if 1 / self._step < FEW:
            log.warning(
                "%s has %.2g frames a second, and a smile is told from %d and more; "
                "set trigger.rule: frames and trigger.hold: 3",
                self.path, 1 / self._step, FEW,
            )  # fmt: skip
        self._seq, self._at = 0, -self._step
        self._first = self._next()
        if self._first is None:
            self.close()
            raise SourceError(f"{self.path}: {_what_is_wrong(self.path)}")

    def read(self) -> Frame | None:
        """Return the next frame, None at the end."""
        frame, self._first = self._first, None
        if frame is None:
            frame = self._next()
            if frame is None:
                self._ended()
        return frame

    def _next(self) -> Frame | None:
        ok, image = self._capture.read()
        if not ok or image is None:
            return None
        # Frame counts lie, POS_MSEC is sound, except in files that have no times: there it stays where it is.
        media = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        self._at = media if math.isfinite(media) and media > self._at else self._at + self._step
        image = square_pixels(image, self._shape)
        frame = Frame(rotated(image, self._rotate), self._seq, self._at)
        self._seq += 1
        return frame

    def _ended(self) -> None:
        promised, self._count = self._count * self._step, 0.0  # one warning, however often one reads on
        got = self._at + self._step
        if promised - got > 0.5 + 0.05 * promised and not is_whole(self.path):
            log.warning(
                "%s breaks off after %.1f of %.1f s: damaged, or not copied whole", self.path, got, promised
            )

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


def _refuse_unreadable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}", remedy="give a video that can be read") from error
    if not head:
        raise SourceError(f"{path} is empty", remedy="give a video that has pictures")
    # FFmpeg would draw it as a terminal does, or follow the addresses in it.
    if head.isascii() and b"\0" not in head:
        raise SourceError(f"{path} is a text file", remedy="give a video")


def _what_is_wrong(path: Path) -> str:
    """Guess from the bytes why a file gives no picture."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(1 << 20)
        file.seek(max(0, size - (1 << 20)))
        ends = head + file.read()
    if head[4:8] == b"ftyp":
        if b"moov" not in ends:
            return "its index is missing: it was not recorded or copied to its end"
        if b"soun" in ends and b"vide" not in ends:
            return "holds sound but no picture; give a video"
    known_sound = head[:4] in (b"fLaC", b"OggS") or head[:3] == b"ID3" or head[8:12] == b"WAVE"
    if known_sound or (head[:4] == b"\x1aE\xdf\xa3" and b"A_" in head and b"V_" not in head):
        return "holds sound but no picture; give a video"
    return "no picture can be read from it: damaged, or not a video"


class NetworkStream:
    """A live stream that FFmpeg understands: RTSP, or video over HTTP.

    Opening waits no longer than `open_timeout`, reading no longer than `timeout` seconds. Raises
    `NoCameraError` when it cannot be opened.
    """

    live = True

    def __init__(
        self,
        url: str,
        *,
        rotate: int = 0,
        timeout: float = 3.25,
        open_timeout: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = redact(url)
        self._rotate = check_rotation(rotate)
        self._clock = clock
        self._seq = 0
        _quiet()
        opening, reading = round(max(open_timeout, timeout) * 1000), round(timeout * 1000)
        self._capture = cast(
            Capture,
            cv2.VideoCapture(
                url,
                cv2.CAP_FFMPEG,
                [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, opening, cv2.CAP_PROP_READ_TIMEOUT_MSEC, reading],
            ),
        )
        if not self._capture.isOpened():
            self._capture.release()
            raise NoCameraError(
                f"{self.name} does not answer with video",
                remedy=f"check the address, user and password (source.open_after gives it longer); {CHOICES}",
            )
        self._shape = pixel_shape(self._capture)

    def read(self) -> Frame:
        """Return the next picture; raises `CameraLostError` when the stream ends or stalls."""
        ok, image = self._capture.read()
        if not ok or image is None or not image.size:
            raise CameraLostError(f"{self.name} sends no pictures any more")
        image = square_pixels(image, self._shape)
        frame = Frame(rotated(image, self._rotate), self._seq, self._clock())
        self._seq += 1
        return frame

    def close(self) -> None:
        """Close the connection."""
        self._capture.release()
