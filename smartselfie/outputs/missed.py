"""Pictures that were saved just before a SIGKILL, and never got as far as a queue."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from smartselfie.errors import PictureError
from smartselfie.outputs.delivery_queue import DeliveryQueue
from smartselfie.pictures.files import ENDINGS, face_entries, read_metadata
from smartselfie.records import Event

log = logging.getLogger(__name__)

COARSE = 2_000_000_000
"""Nanoseconds to which some file systems round a file's time."""


def missed_shots(queue: DeliveryQueue, folder: Path) -> Iterator[Event]:
    """Yield the `shot` events of pictures that are newer than what the queue knows; none for a new queue.

    Only pictures that this program wrote count. Raises `OutputError` when the queue cannot be read.
    """
    known = queue.pictures()
    found = _pictures(folder)
    if not known:
        for path, _ in found[-1:]:
            queue.remember(path)
        return
    newest = max(known.values())
    for path, written in found:
        if written >= newest - COARSE and path.name not in known:
            event = _shot(path)
            if event is not None:
                log.info("%s was saved and not yet passed on", path.name)
                yield event


def _pictures(folder: Path) -> list[tuple[Path, int]]:
    """Return the pictures with the time of their files, the oldest first."""
    found = []
    with suppress(OSError):
        for path in folder.iterdir():
            if path.suffix in ENDINGS.values():
                with suppress(OSError):
                    found.append((path, path.stat().st_mtime_ns))
    return sorted(found, key=lambda each: each[1])


def _shot(path: Path) -> Event | None:
    try:
        info = read_metadata(path)
    except (PictureError, OSError):
        return None
    details = info.details
    if not info.ours or details.get("annotated"):
        return None
    return {
        "event": "shot",
        "at": details.get("decided_at"),
        "picked_at": details.get("picked_at"),
        "seq": details.get("seq"),
        "file": str(path),
        "time": details.get("taken"),
        "by": details.get("by"),
        "alternative": details.get("alternative", 0),
        "faces": face_entries(info.faces),
    }
