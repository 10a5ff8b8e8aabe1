"""What stands for parts of an event in commands and addresses: {file}, {date}, {camera} ..."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

NAMES = ("file", "name", "event", "date", "time", "year", "month", "day", "score", "camera", "by")
_PLACE = re.compile(r"\{(" + "|".join(NAMES) + r")\}")


def fill(text: str, event: Mapping[str, object], *, camera: str = "") -> str:
    """Put an event's values in the place of their names; braces around anything else stay as they are.

    One pass: what a value contains is never filled in again.
    """
    taken = _time_of(event)
    file = str(event.get("file") or "")
    values = {
        "file": file,
        "name": Path(file).name,
        "event": str(event.get("event", "")),
        "date": taken.strftime("%Y-%m-%d"),
        "time": taken.strftime("%H%M%S"),
        "year": taken.strftime("%Y"),
        "month": taken.strftime("%m"),
        "day": taken.strftime("%d"),
        "score": f"{happiest(event):.2f}",
        "camera": camera or camera_name(),
        "by": str(event.get("by", "")),
    }
    return _PLACE.sub(lambda match: values[match[1]], text)


def happiest(event: Mapping[str, object]) -> float:
    """Return the largest P(happy) of an event's faces, 0 without any."""
    faces = event.get("faces")
    scores = (
        [face.get("scores") for face in faces if isinstance(face, Mapping)] if isinstance(faces, list) else []
    )
    return max(
        (float(each["happy"]) for each in scores if isinstance(each, Mapping) and "happy" in each),
        default=0.0,
    )


def camera_name(given: str | None = None) -> str:
    """Return what a camera is called in addresses: the given name, else the machine's; plain letters."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", given or platform.node().split(".")[0]).strip("_") or "camera"


def _time_of(event: Mapping[str, object]) -> datetime:
    try:
        return datetime.fromisoformat(str(event.get("time")))
    except ValueError:
        return datetime.now().astimezone()
