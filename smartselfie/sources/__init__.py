"""Where frames come from: one file per kind, imported only when it is asked for."""

from __future__ import annotations

import difflib
import errno
import importlib.util
import logging
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from smartselfie.errors import NoCameraError, SourceError, UsageError

if TYPE_CHECKING:
    from smartselfie.seams import Source

log = logging.getLogger(__name__)

_URL = re.compile(r"(https?|rtsps?)://.+", re.IGNORECASE)
_DEVICE = re.compile(r"/dev/.+")


PATIENCE = 8
"""So often `auto` looks for the camera that it had before it takes any other."""


def without_password(use: str) -> str:
    """Return what `--source` was given as others may read it: a URL without user and password."""
    return re.sub(r"(?<=://)[^/]*@", "", use)


@dataclass
class SourceOpener:
    """Opens what `--source` names, again and again: `opener = SourceOpener("auto"); source = opener()`.

    `use` is `auto`, a camera's number, a device file, a video file, a folder of pictures, an `http(s)://` or
    `rtsp(s)://` URL, `picamera` or `demo`. A webcam that opened once is found again by its stable name, also
    when it then has another number. `timeout` is how long a network stream may keep silent, in seconds.

    Opening raises `NoCameraError` for a camera or stream that does not open, `SourceError` for a file or
    folder that cannot be read, `UsageError` when `use` is none of the above.
    """

    use: str
    size: tuple[int, int] = (1280, 720)
    fps: float = 30.0
    rotate: int = 0
    timeout: float = 3.25
    _found: str | int | None = None
    _misses: int = 0

    @property
    def live(self) -> bool:
        """Whether this is a camera or stream; False for recordings and the demo."""
        return bool(self.use in ("auto", "picamera") or self._device is not None or _URL.fullmatch(self.use))

    @property
    def _device(self) -> str | int | None:
        if re.fullmatch(r"\d+", self.use):
            return int(self.use)
        return self.use if _DEVICE.fullmatch(self.use) else None

    def __call__(self) -> Source:
        """Open it."""
        if self.use == "auto":
            return self._open_first()
        if self._device is not None:
            found = self._found if isinstance(self._found, str) and Path(self._found).exists() else None
            return self._open_webcam(found or self._device)
        if _URL.fullmatch(self.use):
            return self._open_url()
        if self.use == "picamera":
            return self._open_picamera()
        if self.use == "demo":
            from smartselfie.sources.demo import DemoSource

            return DemoSource(size=self.size, fps=self.fps)
        return self._open_path(Path(self.use).expanduser())

    def _open_first(self) -> Source:
        from smartselfie.sources.devices import CHOICES, cameras

        if self._found is not None and self._misses < PATIENCE:
            self._misses += 1
            return self._open_webcam(self._found)
        tried = cameras()
        for device in tried:
            try:
                return self._open_webcam(device, probe=True)
            except NoCameraError as error:
                log.debug("auto: %s", error)
        if importlib.util.find_spec("picamera2") is not None:
            try:
                return self._open_picamera()
            except NoCameraError as error:
                log.debug("auto: %s", error)
        what = f"none of {', '.join(map(str, tried))} gives a picture" if tried else "no camera found"
        raise NoCameraError(f"{what}; {CHOICES}")

    def _open_webcam(self, device: str | int, *, probe: bool = False) -> Source:
        from smartselfie.sources.devices import stable_name
        from smartselfie.sources.opencv import Webcam

        webcam = Webcam(device, size=self.size, fps=self.fps, rotate=self.rotate)
        if probe:
            try:
                webcam.probe()
            except BaseException:
                webcam.close()
                raise
        self._found = stable_name(webcam.device) if isinstance(webcam.device, str) else webcam.device
        self._misses = 0
        return webcam

    def _open_url(self) -> Source:
        from smartselfie.sources.opencv import NetworkStream

        if self.use.lower().startswith("http"):
            from smartselfie.sources.mjpeg import MjpegStream, UnsuitableStreamError

            try:
                return MjpegStream(self.use, rotate=self.rotate, timeout=self.timeout)
            except UnsuitableStreamError as error:
                log.debug("%s; reading it with FFmpeg", error)
        return NetworkStream(self.use, rotate=self.rotate, timeout=self.timeout)

    def _open_picamera(self) -> Source:
        from smartselfie.sources.picamera import PiCamera

        return PiCamera(size=self.size, fps=self.fps, rotate=self.rotate)

    def _open_path(self, path: Path) -> Source:
        from smartselfie.sources.folder import PICTURES, FolderSource
        from smartselfie.sources.opencv import VideoFile

        try:
            kind = path.stat().st_mode
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                raise SourceError(f"{self.use[:200]}: cannot be read: {error.strerror}") from error
            kind = 0
        if stat.S_ISDIR(kind):
            return FolderSource(path, fps=self.fps, rotate=self.rotate)
        if kind and not stat.S_ISREG(kind):
            raise SourceError(f"{path} is neither a file nor a folder; {_TAKES}")
        if kind:
            if path.suffix.lower() in PICTURES - {".gif"}:
                raise SourceError(f"{path} is a picture: give its folder, or 'smartselfie classify {path}'")
            return VideoFile(path, fps=self.fps, rotate=self.rotate)
        if "://" in self.use:
            raise UsageError(f"--source {self.use}: only http, https, rtsp and rtsps are read; {_TAKES}")
        if path.suffix or "/" in self.use:
            raise SourceError(f"{path}: there is no such file or folder")
        near = difflib.get_close_matches(self.use, ["auto", "demo", "picamera"], 1)
        hint = f"did you mean '{near[0]}'?" if near else _TAKES
        raise UsageError(f"--source {self.use}: no such file or folder; {hint}")


_TAKES = "give auto, a camera's number, /dev/videoN, a video file, a folder, a URL, picamera or demo"


def open_source(
    use: str,
    *,
    size: tuple[int, int] = (1280, 720),
    fps: float = 30.0,
    rotate: int = 0,
    timeout: float = 3.25,
) -> Source:
    """Open what `--source` names, once; see `SourceOpener` for what it takes and raises."""
    return SourceOpener(use, size=size, fps=fps, rotate=rotate, timeout=timeout)()
