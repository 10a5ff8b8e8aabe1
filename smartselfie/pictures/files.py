"""Pictures as files: a frame with everything known of it becomes JPEG or PNG bytes, and can be read back.

EXIF holds the time with its UTC offset and the software; a JSON block in EXIF's UserComment holds the faces,
their scores, the trigger's settings and the model's version; XMP holds the rating that photo managers show.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
import PIL.Image

from smartselfie import atomic
from smartselfie._version import __version__
from smartselfie.errors import PictureError
from smartselfie.pictures import xmp
from smartselfie.pictures.segments import copy_with_xmp, png_with_exif, read_segments
from smartselfie.records import Box, Face, Image, Scores, Shot

ENDINGS = {"jpg": ".jpg", "png": ".png"}
SOFTWARE = "smartselfie"

_ORIENTATION, _SOFTWARE, _DATE, _EXIF = 0x0112, 0x0131, 0x0132, 0x8769
_DATE_ORIGINAL, _DATE_DIGITIZED, _COMMENT = 0x9003, 0x9004, 0x9286
_OFFSETS = (0x9010, 0x9011, 0x9012)
_SUBSECONDS = (0x9290, 0x9291, 0x9292)
_COMPONENTS, _WIDTH, _HEIGHT = 0x9101, 0xA002, 0xA003
# What the standard demands: 72 pixels per inch (of no meaning) and centred chroma; EXIF 2.32, sRGB.
_DEMANDED = {0x011A: 72, 0x011B: 72, 0x0128: 2, 0x0213: 1}
_DEMANDED_INSIDE = {0x9000: b"0232", 0xA000: b"0100", 0xA001: 1, _COMPONENTS: b"\x01\x02\x03\x00"}
_ASCII = b"ASCII\x00\x00\x00"
_MOST_FACES = 100  # an EXIF block ends at 64 KB


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """What a picture's file says about it, read without decoding the picture."""

    path: Path
    size: tuple[int, int]
    """Width and height in pixels, as stored."""
    rating: int = 0
    """Stars 0 to 5; 0: none."""
    taken: datetime | None = None
    """With UTC offset; None where the file does not say."""
    software: str = ""
    faces: tuple[Face, ...] = ()
    """With boxes in pixels of the picture; empty for pictures of other programs."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """The whole JSON block; empty for pictures of other programs."""

    @property
    def ours(self) -> bool:
        """Whether this program wrote the picture (and no other has rewritten it since)."""
        return self.software.split(" ")[0] == SOFTWARE


def smile_score(faces: Sequence[Face]) -> float:
    """Return how much a picture smiles, 0..1: the mean P(happy) of its faces, large faces counting more."""
    scored = [(face.box.area, face.scores.wanted) for face in faces if face.scores is not None]
    area = sum(weight for weight, _ in scored)
    return sum(weight * happy for weight, happy in scored) / area if area else 0.0


def smile_rating(faces: Sequence[Face]) -> int:
    """Return 1 to 4 stars for a picture's smile; the fifth is for people to give."""
    return 1 + sum(smile_score(faces) >= limit for limit in (0.5, 0.75, 0.9))


def scaled_faces(shot: Shot) -> tuple[Face, ...]:
    """Return the shot's faces with boxes in pixels of its picture, instead of the analysed frame's."""
    height, width = shot.image.shape[:2]
    across, down = width / shot.size[0], height / shot.size[1]
    return tuple(
        Face(
            Box(
                round(face.box.x * across),
                round(face.box.y * down),
                round(face.box.width * across),
                round(face.box.height * down),
            ),
            face.track,
            face.scores,
        )
        for face in shot.faces
    )


def face_entries(faces: Sequence[Face]) -> list[dict[str, object]]:
    """Return faces as JSON-able values: `{"track": 1, "box": [x, y, width, height], "scores": {...}}`."""
    return [
        {
            "track": face.track,
            "box": [face.box.x, face.box.y, face.box.width, face.box.height],
            "scores": {name: round(value, 4) for name, value in face.scores.items()} if face.scores else None,
        }
        for face in faces
    ]


def encode(
    shot: Shot,
    *,
    format: str = "jpg",
    quality: int = 95,
    trigger: Mapping[str, object] | None = None,
    model_version: str = "",
    annotated: bool = False,
) -> bytes:
    """Return the shot's picture as a complete file, `format` jpg or png, with its metadata.

    `quality` 1 to 100 is JPEG's. `annotated` takes the picture with the overlay instead of the clean one.
    Raises `PictureError` when the picture cannot be stored so.
    """
    image = shot.annotated if annotated and shot.annotated is not None else shot.image
    faces = scaled_faces(shot)
    largest = sorted(faces, key=lambda face: face.box.area, reverse=True)[:_MOST_FACES]
    details = {
        SOFTWARE: __version__,
        "by": shot.by,
        "taken": shot.taken.isoformat(timespec="milliseconds"),
        "decided_at": round(shot.at, 4),
        "picked_at": round(shot.picked_at, 4),
        "seq": shot.seq,
        "alternative": shot.alternative,
        "score": round(smile_score(faces), 4),
        "annotated": annotated,
        "model": model_version,
        "trigger": dict(trigger or {}),
        "faces": face_entries(largest),
    }
    size = image.shape[1], image.shape[0]
    exif = _exif_block(shot.taken, size, json.dumps(details, default=str))
    try:
        plain = io.BytesIO(_png(image, exif) if format == "png" else _jpeg(image, exif, quality))
    except (OSError, ValueError, SystemError, cv2.error) as error:
        raise PictureError(f"a picture of {size[0]}x{size[1]} as {format}: {error}") from error
    complete = io.BytesIO()
    copy_with_xmp(plain, complete, read_segments(plain), xmp.new_packet(smile_rating(faces)))
    return complete.getvalue()


def _jpeg(image: Image, exif: bytes, quality: int) -> bytes:
    target = io.BytesIO()
    rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
    PIL.Image.fromarray(rgb).save(target, "JPEG", exif=exif, quality=quality)
    return target.getvalue()


def _png(image: Image, exif: bytes) -> bytes:
    """Pixels by OpenCV, which takes a third of Pillow's time for a file of the same size."""
    _, data = cv2.imencode(".png", image)
    return png_with_exif(data.tobytes(), exif)


def _exif_block(taken: datetime, size: tuple[int, int], comment: str) -> bytes:
    text = f"{taken.year:04}:{taken:%m:%d %H:%M:%S}"
    offset = taken.strftime("%z")[:5]
    block = PIL.Image.Exif()
    block[_ORIENTATION] = 1
    block[_SOFTWARE] = f"{SOFTWARE} {__version__}"
    block[_DATE] = text
    block.update(_DEMANDED)
    details = block.get_ifd(_EXIF)
    details.update(_DEMANDED_INSIDE)
    details[_WIDTH], details[_HEIGHT] = size
    details[_DATE_ORIGINAL] = details[_DATE_DIGITIZED] = text
    for tag in _OFFSETS:
        if offset:
            details[tag] = f"{offset[:3]}:{offset[3:]}"
    for tag in _SUBSECONDS:
        details[tag] = f"{taken.microsecond // 1000:03}"
    details[_COMMENT] = _ASCII + comment.encode("ascii")
    data = block.tobytes()
    for tag in (_COMPONENTS, _COMMENT):
        # Pillow stores these bytes as type BYTE (1); the standard wants UNDEFINED (7), which is as long.
        key = tag.to_bytes(2, "big")
        data = data.replace(key + b"\x00\x01", key + b"\x00\x07", 1)
    return data


def read_metadata(path: Path) -> PictureInfo:
    """Return what a JPEG or PNG file says about itself, however it came to be; quick for any size.

    Raises `PictureError` when it is no such picture and `OSError` when it cannot be read; damaged metadata
    counts as none.
    """
    with path.open("rb") as file:
        try:
            parts = read_segments(file)
        except PictureError as error:
            raise PictureError(f"{path}: {error}") from error
    top, inner = _read_exif(parts.exif)
    details = _details_of(inner.get(_COMMENT))
    return PictureInfo(
        path=path,
        size=parts.size,
        rating=xmp.rating_of(parts.xmp),
        taken=_time_of(inner),
        software=str(top.get(_SOFTWARE, "")).strip("\x00 "),
        faces=_faces_of(details),
        details=details,
    )


def set_rating(path: Path, rating: int) -> None:
    """Give a picture 0 (none) to 5 stars: its XMP is rewritten, its pixels stay as they are.

    The file is replaced in one step, at any instant it is complete. Raises `PictureError` for a file that is
    no picture, `OSError` where it cannot be written.
    """
    if not 0 <= rating <= 5:
        raise ValueError(f"need 0 <= rating <= 5, got {rating}")
    with path.open("rb") as source:
        try:
            parts = read_segments(source)
            packet = xmp.with_rating(parts.xmp, rating) if parts.xmp else xmp.new_packet(rating)

            def write(target: BinaryIO) -> None:
                copy_with_xmp(source, target, parts, packet)

            atomic.replace(path, write)
        except PictureError as error:
            raise PictureError(f"{path}: {error}") from error


def _read_exif(data: bytes) -> tuple[Mapping[int, Any], Mapping[int, Any]]:
    """The tags of the first block and of the EXIF block inside it."""
    if not data:
        return {}, {}
    block = PIL.Image.Exif()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of damage, which here is an ordinary answer
        try:
            block.load(data)
            return dict(block), dict(block.get_ifd(_EXIF))
        except Exception:  # whatever a parser stumbles over in damaged bytes: there is no EXIF in them
            return {}, {}


def _time_of(tags: Mapping[int, Any]) -> datetime | None:
    try:
        taken = datetime.strptime(str(tags[_DATE_ORIGINAL]).strip("\x00 "), "%Y:%m:%d %H:%M:%S")
        fraction = str(tags.get(_SUBSECONDS[1], "")).strip("\x00 ")
        if fraction.isdecimal():
            taken += timedelta(seconds=float(f"0.{fraction}"))
        offset = str(tags.get(_OFFSETS[1], "")).strip("\x00 ")
        if offset:
            hours, minutes = int(offset[1:3]), int(offset[4:6])
            shift = timedelta(hours=hours, minutes=minutes)
            return taken.replace(tzinfo=timezone(-shift if offset[0] == "-" else shift))
        return taken.astimezone()  # without an offset EXIF means local time
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def _details_of(comment: object) -> dict[str, Any]:
    if not isinstance(comment, bytes) or not comment.startswith(_ASCII):
        return {}
    try:
        details = json.loads(comment[len(_ASCII) :])
    except (ValueError, RecursionError):
        return {}
    return details if isinstance(details, dict) and SOFTWARE in details else {}


def _faces_of(details: Mapping[str, Any]) -> tuple[Face, ...]:
    try:
        return tuple(
            Face(
                Box(*(int(value) for value in entry["box"])),
                int(entry["track"]),
                Scores(tuple(entry["scores"].values()), classes=tuple(entry["scores"]))
                if entry["scores"]
                else None,
            )
            for entry in details.get("faces", ())
        )
    except (TypeError, ValueError, KeyError, AttributeError):
        return ()
