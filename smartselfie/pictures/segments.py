"""Where the metadata lies inside a JPEG or PNG file, and how an XMP packet is put there.

Works on the file's segments and chunks alone: no pixel is decoded, so reading is quick for any size and
rewriting loses nothing.
"""

from __future__ import annotations

import shutil
import struct
import zlib
from dataclasses import dataclass, field
from typing import BinaryIO

from smartselfie.errors import PictureError

_JPEG = b"\xff\xd8"
_PNG = b"\x89PNG\r\n\x1a\n"
_EXIF_HEADER = b"Exif\x00\x00"
_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\x00"
_XMP_KEYWORD = b"XML:com.adobe.xmp\x00"
_SEGMENT_LIMIT = 65533
_CHUNK_LIMIT = 16 * 1024 * 1024  # no metadata of a photograph is larger; a damaged length may say anything
_NO_LENGTH = {0x01, *range(0xD0, 0xD8)}
_FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(slots=True)
class Segments:
    """The metadata of one file, as bytes, and where they lie."""

    kind: str
    """jpeg or png."""
    size: tuple[int, int] = (0, 0)
    """Width and height in pixels, as stored."""
    exif: bytes = b""
    """The TIFF block, without its header; empty where there is none."""
    xmp: bytes = b""
    """The XMP packet; empty where there is none."""
    insert_at: int = 0
    """The byte at which an XMP packet belongs."""
    xmp_spans: list[tuple[int, int]] = field(default_factory=list)
    """First and last-plus-one byte of everything that holds an XMP packet, in the file's order."""


def read_segments(file: BinaryIO) -> Segments:
    """Return the parts of a JPEG or PNG file, as far as it is sound; any other file is a `PictureError`."""
    file.seek(0)
    start = file.read(8)
    if start == _PNG:
        parts = _read_png(file)
    elif start.startswith(_JPEG):
        parts = _read_jpeg(file)
    else:
        raise PictureError("neither a JPEG nor a PNG picture")
    if 0 in parts.size:
        raise PictureError(f"a {parts.kind.upper()} file without a picture in it")
    return parts


def _read_jpeg(file: BinaryIO) -> Segments:
    parts = Segments("jpeg", insert_at=2)
    at = 2
    while True:
        file.seek(at)
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF:
            return parts
        marker = head[1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in _NO_LENGTH:
            at += 2
            continue
        if marker in (0xDA, 0xD9):  # the pixels begin, or the file ends
            return parts
        end = at + 2 + int.from_bytes(head[2:], "big")
        if marker in _FRAME_HEADERS:
            frame = file.read(5)
            if len(frame) == 5:
                height, width = struct.unpack(">xHH", frame)
                parts.size = width, height
        elif marker == 0xE1:
            payload = file.read(end - at - 4)
            if payload.startswith(_EXIF_HEADER) and not parts.exif:
                parts.exif = payload[len(_EXIF_HEADER) :]
                parts.insert_at = end
            elif payload.startswith(_XMP_HEADER):
                parts.xmp = parts.xmp or payload[len(_XMP_HEADER) :]
                parts.xmp_spans.append((at, end))
        elif marker == 0xE0 and at == 2:
            parts.insert_at = end
        at = max(end, at + 2)


def _read_png(file: BinaryIO) -> Segments:
    parts = Segments("png", insert_at=len(_PNG))
    at = len(_PNG)
    while True:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return parts
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        end = at + 12 + length
        if kind == b"IHDR":
            header = file.read(8)
            if len(header) == 8:
                width, height = struct.unpack(">II", header)
                parts.size, parts.insert_at = (width, height), end
        elif kind == b"eXIf" and length <= _CHUNK_LIMIT:
            parts.exif = parts.exif or file.read(length).removeprefix(_EXIF_HEADER)
        elif kind == b"iTXt" and length <= _CHUNK_LIMIT:
            payload = file.read(length)
            if payload.startswith(_XMP_KEYWORD):
                parts.xmp = parts.xmp or _text_of(payload[len(_XMP_KEYWORD) :])
                parts.xmp_spans.append((at, end))
        elif kind == b"IEND":
            return parts
        at = end


def _text_of(payload: bytes) -> bytes:
    """The text of an iTXt chunk behind its keyword: flags, language, translated keyword, text."""
    compressed, rest = payload[:1] == b"\x01", payload[2:]
    fields = rest.split(b"\x00", 2)
    if len(fields) < 3:
        return b""
    if not compressed:
        return fields[2]
    try:
        return zlib.decompressobj().decompress(fields[2], _CHUNK_LIMIT)
    except zlib.error:
        return b""


def _chunk(kind: bytes, payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + kind + payload + zlib.crc32(kind + payload).to_bytes(4, "big")


def png_with_exif(data: bytes, exif: bytes) -> bytes:
    """Return a PNG file that has no EXIF block yet with this one, a TIFF block with or without header."""
    header = len(_PNG) + 25  # the first chunk always is IHDR, of 13 bytes
    return data[:header] + _chunk(b"eXIf", exif.removeprefix(_EXIF_HEADER)) + data[header:]


def copy_with_xmp(source: BinaryIO, target: BinaryIO, parts: Segments, packet: bytes) -> None:
    """Copy a file, with `packet` in place of its XMP packets; raises `PictureError` for one too long."""
    if parts.kind == "jpeg":
        payload = _XMP_HEADER + packet
        if len(payload) > _SEGMENT_LIMIT:
            raise PictureError(f"{len(packet)} bytes of XMP do not fit into a JPEG")
        block = b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload
    else:
        block = _chunk(b"iTXt", _XMP_KEYWORD + b"\x00\x00\x00\x00" + packet)
    first = parts.xmp_spans[0][0] if parts.xmp_spans else parts.insert_at
    source.seek(0)
    target.write(source.read(first))
    target.write(block)
    at = first
    for start, end in parts.xmp_spans:
        source.seek(at)
        target.write(source.read(start - at))
        at = end
    source.seek(at)
    shutil.copyfileobj(source, target, 1024 * 1024)
