"""A shot as the file it becomes, and the event that tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from smartselfie.pictures.files import ENDINGS, encode, face_entries, scaled_faces, smile_score
from smartselfie.records import Shot
from smartselfie.saving.defaults import FORMAT, NAME, QUALITY
from smartselfie.saving.names import check_pattern
from smartselfie.saving.outbox import EncodedPicture

_OVERLAY_QUALITY = 90


@dataclass(frozen=True, slots=True)
class SaverOptions:
    """How pictures are stored; checked when made, `ValueError` (`ConfigError` for the name) otherwise."""

    format: str = FORMAT
    quality: int = QUALITY
    name: str = NAME
    save_overlay: bool = False
    trigger: Mapping[str, object] = field(default_factory=dict)
    model_version: str = ""

    def __post_init__(self) -> None:
        if self.format not in ENDINGS:
            raise ValueError(f"format: need jpg or png, got {self.format!r}")
        if not 1 <= self.quality <= 100:
            raise ValueError(f"need 1 <= quality <= 100, got {self.quality}")
        check_pattern(self.name)


def encoded(shot: Shot, options: SaverOptions) -> EncodedPicture:
    """Encode a shot, its annotated copy where one is wanted, and describe it."""

    def file(format: str, quality: int, annotated: bool) -> bytes:
        return encode(
            shot,
            format=format,
            quality=quality,
            trigger=options.trigger,
            model_version=options.model_version,
            annotated=annotated,
        )

    faces = scaled_faces(shot)
    with_overlay = options.save_overlay and shot.annotated is not None
    return EncodedPicture(
        shot=shot,
        taken=shot.taken,
        score=smile_score(faces),
        ending=ENDINGS[options.format],
        data=file(options.format, options.quality, False),
        overlay=file("jpg", _OVERLAY_QUALITY, True) if with_overlay else b"",
        event={
            "at": round(shot.at, 4),
            "picked_at": round(shot.picked_at, 4),
            "seq": shot.seq,
            "file": "",
            "time": shot.taken.isoformat(timespec="milliseconds"),
            "by": shot.by,
            "alternative": shot.alternative,
            "faces": face_entries(faces),
        },
    )
