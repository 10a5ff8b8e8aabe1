"""The sources, where frames come from: one file per kind, imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from smartselfie.schema.fields import Section, setting
from smartselfie.schema.kinds import Family, KindEntry
from smartselfie.schema.values import Duration, Number, PictureSize, Rotation, SourceName
from smartselfie.seams import Source
from smartselfie.sources.trust import TlsTrust

TIMEOUT = 3.25
"""Seconds for which a network stream may keep silent, unless somebody says otherwise."""


class SourceSettings(Section):
    """Where the pictures come from."""

    use: SourceName = setting(
        "auto",
        "See --source: the first camera, another one, a file, a folder, a stream, or the demo.",
        private=True,
        example="rtsp://camera.local/stream",
    )
    size: PictureSize = setting(
        (1280, 720),
        "Width and height asked of a camera. Larger: finer pictures, more work per frame. "
        "A camera that has no such mode gives the nearest it has; files keep their own size.",
        unit="pixels",
    )
    fps: Number = setting(30, "Frame rate asked of a camera.", gt=0, le=240, unit="frames per second")
    rotate: Rotation = setting(
        0, "Turn the picture clockwise, for a camera that hangs on its side or upside down.", unit="degrees"
    )
    stall_after: Duration = setting(
        3.0,
        "A camera that gives no frame for this long counts as stalled and is opened again. "
        "Shorter: quicker recovery; too short: a slow camera is restarted for nothing.",
        ge=0.5,
        le=600,
    )
    open_after: Duration = setting(
        10.0,
        "A camera may take this long to open and to give its first frame. Longer: for cameras that wake up "
        "slowly; shorter: one that gives none is tried anew sooner.",
        ge=1,
        le=600,
    )
    tls: TlsTrust | None = setting(
        None,
        "Whose certificate an https camera may have: {verify: false} any, {ca: FILE} those that a PEM file "
        "vouches for, {sha256: FINGERPRINT} only that one; null: those that the system trusts.",
        private=True,
        example={"verify": False},
    )
    black_after: Duration = setting(
        2.0,
        "Pictures that are black for this long are reported (a lens cap, a covered camera).",
        ge=0.5,
        le=3600,
    )
    frozen_after: Duration = setting(
        20.0,
        "A live camera whose pictures stay identical for this long is opened once more, then only reported.",
        ge=1,
        le=86400,
    )
    give_up: Duration | None = setting(
        None,
        "Stop trying to get a lost camera back after this long; null: try for ever.",
        gt=0,
        le=31_536_000,
    )


SOURCES: Family[Callable[[], Source]] = Family(
    "sources",
    {
        "auto": KindEntry(
            "smartselfie.sources.auto", "the first camera.", pattern="auto", live=True, own_settings=False
        ),
        "webcam": KindEntry(
            "smartselfie.sources.webcam",
            "any other.",
            pattern=r"\d+|/dev/.+",
            takes="a camera's number, /dev/videoN",
            live=True,
            own_settings=False,
        ),
        "stream": KindEntry(
            "smartselfie.sources.stream",
            "a network camera, MJPEG over http(s) or anything over rtsp(s).",
            takes="a URL",
            pattern=r"(?i:https?|rtsps?)://.+",
            live=True,
            own_settings=False,
        ),
        "picamera": KindEntry(
            "smartselfie.sources.picamera",
            "the Raspberry Pi's own camera.",
            pattern="picamera",
            live=True,
            own_settings=False,
        ),
        "demo": KindEntry(
            "smartselfie.sources.demo",
            "drawn people who smile; needs no camera.",
            pattern="demo",
            own_settings=False,
        ),
        "path": KindEntry(
            "smartselfie.sources.path",
            "recordings, and pictures one after the other.",
            takes="a video file, a folder",
            own_settings=False,
        ),
    },
    base=SourceSettings,
    default="path",
    key="use",
    prefixes=True,
)
"""A kind's module has `build(settings, *, timeout) -> opener`; the opener opens it, again and again.

It is chosen by `source.use`: by its pattern, else by its name, alone or with a colon and more behind it.
"""


def names() -> list[str]:
    """Return the kinds that are chosen by their name alone."""
    return [name for name, entry in SOURCES.kinds.items() if entry.pattern in ("", name) and name != "path"]


@dataclass
class SourceOpener:
    """Opens what `--source` names, again and again: `opener = SourceOpener("auto"); source = opener()`.

    `use` is what `SOURCES` has a kind for. A webcam that opened once is found again by its stable name, also
    when it then has another number. `timeout` is how long a network stream may keep silent, in seconds.
    `settings` are those of a kind that has its own.

    Opening raises `NoCameraError` for a camera or stream that does not open, `SourceError` for a file or
    folder that cannot be read, `UsageError` when `use` is none of the above.
    """

    use: str
    size: tuple[int, int] = (1280, 720)
    fps: float = 30.0
    rotate: int = 0
    timeout: float = TIMEOUT
    settings: SourceSettings | None = None
    _open: Callable[[], Source] | None = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """Which kind of source it is."""
        return SOURCES.choose(self.use)

    @property
    def live(self) -> bool:
        """Whether this is a camera or stream; False for recordings and the demo."""
        return SOURCES.entry(self.kind).live

    def __call__(self) -> Source:
        """Open it."""
        if self._open is None:
            given: dict[str, Any] = {"size": self.size, "fps": self.fps, "rotate": self.rotate}
            settings = self.settings or SourceSettings.model_construct(use=self.use, **given)
            self._open = SOURCES.build(settings, timeout=self.timeout)
        return self._open()


def open_from(settings: SourceSettings) -> SourceOpener:
    """Return the opener of the source that settings name."""
    return SourceOpener(
        str(settings.use),
        settings.size,
        settings.fps,
        settings.rotate,
        timeout=settings.stall_after + 0.25,  # the camera's watch speaks first
        settings=settings,
    )


def open_source(
    use: str,
    *,
    size: tuple[int, int] = (1280, 720),
    fps: float = 30.0,
    rotate: int = 0,
    timeout: float = TIMEOUT,
) -> Source:
    """Open what `--source` names, once; see `SourceOpener` for what it takes and raises."""
    return SourceOpener(use, size=size, fps=fps, rotate=rotate, timeout=timeout)()
