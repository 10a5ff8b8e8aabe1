"""A path: a video file, or a folder of pictures."""

from __future__ import annotations

import difflib
import errno
import stat
from collections.abc import Callable
from pathlib import Path

from smartselfie.errors import SourceError, UsageError
from smartselfie.seams import Source
from smartselfie.sources import SOURCES, SourceSettings, names


def build(settings: SourceSettings, *, timeout: float) -> Callable[[], Source]:
    """Return the opener of the file or folder that `source.use` names."""
    return lambda: _open(settings)


def _open(settings: SourceSettings) -> Source:
    from smartselfie.sources.folder import PICTURES, FolderSource
    from smartselfie.sources.opencv import VideoFile

    use = str(settings.use)
    path = Path(use).expanduser()
    takes = f"give {SOURCES.takes()}"
    try:
        kind = path.stat().st_mode
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise SourceError(f"{use[:200]}: cannot be read: {error.strerror}") from error
        kind = 0
    if stat.S_ISDIR(kind):
        return FolderSource(path, fps=settings.fps, rotate=settings.rotate)
    if kind and not stat.S_ISREG(kind):
        raise SourceError(f"{path} is neither a file nor a folder", remedy=takes)
    if kind:
        if path.suffix.lower() in PICTURES - {".gif"}:
            raise SourceError(f"{path} is a picture: give its folder, or 'smartselfie classify {path}'")
        return VideoFile(path, fps=settings.fps, rotate=settings.rotate)
    if "://" in use:
        raise UsageError(f"--source {use}: only http, https, rtsp and rtsps are read", remedy=takes)
    if path.suffix or "/" in use:
        raise SourceError(f"{path}: there is no such file or folder")
    near = difflib.get_close_matches(use, names(), 1)
    hint = f"did you mean '{near[0]}'?" if near else takes
    raise UsageError(f"--source {use}: no such file or folder", remedy=hint)
