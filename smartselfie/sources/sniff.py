"""What an address sends, by its first bytes: what it says of itself is often wrong."""

from __future__ import annotations

from enum import Enum

ENOUGH = 65_536
"""Bytes after which an answer that is nothing known stays unknown."""


class Content(Enum):
    """What the first bytes are of."""

    JPEG = "JPEG pictures"
    VIDEO = "video"
    PAGE = "a web page"
    OTHER = "something else"


def content_of(head: bytes, *, ended: bool = False) -> Content | None:
    """Return what begins with these bytes; None while it takes more of them to tell."""
    start = head.lstrip(b"\r\n\t \0")[:512]
    if len(head) >= 12 and _is_container(head):
        return Content.VIDEO
    if _is_transport_stream(head):
        return Content.VIDEO
    if b"\xff\xd8\xff" in head:
        return Content.JPEG
    if start[:64].lower().startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<script")):
        return Content.PAGE
    if start.startswith(b"#EXTM3U"):
        return Content.VIDEO
    if ended or len(head) >= ENOUGH:
        return Content.OTHER
    return None


def _is_container(head: bytes) -> bool:
    return (
        head[4:8] in (b"ftyp", b"styp", b"moov", b"moof")
        or head[:4] in (b"\x1aE\xdf\xa3", b"OggS", b"RIFF", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")
        or head[:3] == b"FLV"
        or head[:4] == b"\x00\x00\x00\x01"  # H.264 and H.265 without any container
        or head[:4] in (b"\x00\x00\x01\x67", b"\x00\x00\x01\x27")
    )


def _is_transport_stream(head: bytes) -> bool:
    """Whether MPEG's packets of 188 bytes go on for three of them, from wherever the stream was joined."""
    for first in range(min(188, max(0, len(head) - 376))):
        if head[first] == head[first + 188] == head[first + 376] == 0x47:
            return True
    return False
