"""The Raspberry Pi's camera: a small stream to analyse, the full picture from the same request."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

import cv2
import numpy as np

from smartselfie.errors import CameraLostError, NoCameraError
from smartselfie.records import Frame, Image
from smartselfie.sources import SourceSettings
from smartselfie.sources.devices import CHOICES
from smartselfie.sources.rotation import check_rotation, rotated

log = logging.getLogger(__name__)

BUFFERS = 6
"""Requests in flight; each holds one full-resolution picture."""
_SPARE = 3
"""So many of them the camera needs to go on."""


class Still:
    """The full-resolution picture of one frame.

    Calling it returns (H, W, 3) uint8 BGR. As long as the camera can spare the request, nothing is copied;
    before it takes the request back, `keep` copies the picture for whoever still holds the frame.
    """

    def __init__(self, request: Any, rotate: int) -> None:
        self._lock = threading.Lock()
        self._request: Any = request
        self._rotate = rotate
        self._image: Image | None = None

    def __call__(self) -> Image:
        """Return the picture; the same array each time."""
        with self._lock:
            if self._image is None:
                # libcamera names formats by a word's bits: the bytes of its RGB888 lie in BGR order.
                self._image = rotated(self._request.make_array("main"), self._rotate)
            return self._image

    def keep(self) -> None:
        """Copy the picture out of the request."""
        self()
        self._request = None


def build(settings: SourceSettings, *, timeout: float) -> Callable[[], PiCamera]:
    """Return the opener of the Pi's camera."""
    return lambda: PiCamera(size=settings.size, fps=settings.fps, rotate=settings.rotate)


class PiCamera:
    """A camera at the Pi's connector, through picamera2.

    `size` bounds the analysed pictures, which keep the sensor's proportions. The stills have the largest size
    at which the sensor reaches `fps` (for the full 12 megapixels of a Camera Module 3, ask for 10).
    `modules` are picamera2 and libcamera. Raises `NoCameraError`.
    """

    live = True

    def __init__(
        self,
        *,
        size: tuple[int, int] = (1280, 720),
        fps: float = 30.0,
        rotate: int = 0,
        modules: tuple[ModuleType, ModuleType] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rotate = check_rotation(rotate)
        self._clock = clock
        self._seq = -1
        self._grabbed: Any = None
        self._held: deque[tuple[Any, weakref.ref[Still]]] = deque()
        picamera2, libcamera = modules or _modules()
        try:
            self._camera = picamera2.Picamera2()
        except (RuntimeError, IndexError) as error:
            # picamera2 raises IndexError where libcamera lists no camera
            raise NoCameraError(
                f"no camera at the Pi's connector, or another program uses it ({error})", remedy=CHOICES
            ) from error
        try:
            self._configure(libcamera, size, fps)
        except Exception:
            self._camera.close()
            raise

    def _configure(self, libcamera: Any, size: tuple[int, int], fps: float) -> None:
        still = _largest_mode(self._camera.sensor_modes, fps)
        self._lores = _fit(still, size)
        period = round(1e6 / fps)
        configuration = self._camera.create_video_configuration(
            main={"size": still, "format": "RGB888"},
            lores={"size": self._lores, "format": "YUV420"},  # older Pis make no other small stream
            colour_space=libcamera.ColorSpace.Smpte170m(),  # the one OpenCV's conversion assumes
            buffer_count=BUFFERS,
            controls={"FrameDurationLimits": (period, period)},
        )
        try:
            self._camera.configure(configuration)
            self._camera.start()
        except RuntimeError as error:
            raise NoCameraError(
                f"the Pi's camera does not start at {still[0]}x{still[1]}: {error}", remedy=CHOICES
            ) from error
        log.info("Pi camera: analysing %dx%d, pictures of %dx%d", *self._lores, *still)

    def read(self) -> Frame:
        """Return the next small picture; its `still` is the large one. Raises `CameraLostError`."""
        self.grab()
        return self.retrieve()

    def grab(self) -> None:
        """Wait for the next picture without converting it; raises `CameraLostError`."""
        self._let_go()
        try:
            self._grabbed = self._camera.capture_request()
        except RuntimeError as error:
            raise CameraLostError(f"the Pi's camera gives no picture any more: {error}") from error
        self._seq += 1

    def retrieve(self) -> Frame:
        """Return the picture that was grabbed."""
        at = self._clock()
        request, self._grabbed = self._grabbed, None
        still = Still(request, self._rotate)
        self._held.append((request, weakref.ref(still)))
        yuv = request.make_array("lores")
        width, height = self._lores
        # Rows may be padded to the hardware's liking: convert all, then cut.
        image = cv2.cvtColor(yuv, cv2.COLOR_YUV2BGR_I420)[:height, :width]
        image = rotated(cast(Image, np.ascontiguousarray(image)), self._rotate)
        self._release()
        return Frame(image, self._seq, at, take_still=still)

    def _let_go(self) -> None:
        """Give back a picture that was grabbed and not wanted."""
        request, self._grabbed = self._grabbed, None
        if request is not None:
            request.release()

    def _release(self, *, keep: int = BUFFERS - _SPARE) -> None:
        """Give the camera back what nobody holds, and the oldest of the rest, copied."""
        for request, reference in list(self._held):
            still = reference()
            if still is not None:
                if len(self._held) <= keep:
                    continue
                still.keep()
            self._held.remove((request, reference))
            request.release()

    def close(self) -> None:
        """Stop the camera and give it back; stills of frames somebody holds stay valid."""
        self._let_go()
        self._release(keep=0)
        self._camera.stop()
        self._camera.close()


def _modules() -> tuple[ModuleType, ModuleType]:
    try:
        import libcamera
        import picamera2
    except ImportError as error:
        raise NoCameraError(
            "picamera2 is not installed: run 'sudo apt install python3-picamera2' and make the virtual "
            f"environment with --system-site-packages ({error})"
        ) from error
    return picamera2, libcamera


def _largest_mode(modes: list[dict[str, Any]], fps: float) -> tuple[int, int]:
    """Return the largest sensor size that reaches `fps`, or else the fastest."""
    quick = [mode for mode in modes if mode["fps"] >= fps - 0.5]
    if quick:
        mode = max(quick, key=lambda mode: mode["size"][0] * mode["size"][1])
    else:
        mode = max(modes, key=lambda mode: mode["fps"])
    width, height = mode["size"]
    return width - width % 2, height - height % 2


def _fit(size: tuple[int, int], within: tuple[int, int]) -> tuple[int, int]:
    """Return `size` shrunk into `within` in its own proportions, in even numbers."""
    scale = min(1.0, within[0] / size[0], within[1] / size[1])
    return max(2, 2 * round(size[0] * scale / 2)), max(2, 2 * round(size[1] * scale / 2))
