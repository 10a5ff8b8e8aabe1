"""What leaves the machine: records as JSON-able dicts, and texts without its paths."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from smartselfie.records import Decision, Face, Scores, State, View
from smartselfie.redact import redact

Json = dict[str, Any]

# An absolute path in a sentence, from a slash at a word's beginning up to the last one: the name stays.
# Folders may have spaces in their names, so of two paths in one sentence the words between go too.
_FOLDERS = re.compile(
    r"(?<![\w/:.])(?:[A-Za-z]:)?[/\\](?:[^/\\\n'\"<>|:]+[/\\])+(?=[^/\\\s])|(?<![\w/:.])/(?=[\w.])"
)


def without_paths(text: str) -> str:
    """Cut the folders from each absolute path in `text` and any user:password from its URLs."""
    return redact(_FOLDERS.sub("", text))


def readable(text: str) -> str:
    """Return a file's name as any page can show it: bytes that are no UTF-8 become U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def picture_id(name: str) -> str:
    """Return the address of a picture on the web: says nothing of its name and stays while the name does."""
    return hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def scores_json(scores: Scores) -> dict[str, float]:
    """Return class name -> probability, rounded to what a reader can use."""
    return {name: round(scores[name], 4) for name in scores}


def landmarks_json(face: Face) -> list[list[float]] | None:
    """Return eyes, nose and corners of the mouth as (x, y) in pixels, to a tenth; None without."""
    if face.landmarks is None:
        return None
    return [[round(x, 1), round(y, 1)] for x, y in face.landmarks]


def face_json(face: Face) -> Json:
    """One face: its box and landmarks in pixels of the frame, its track and its scores."""
    box = face.box
    return {
        "track": face.track,
        "box": [box.x, box.y, box.width, box.height],
        "landmarks": landmarks_json(face),
        "score": None if face.score is None else round(face.score, 3),
        "scores": None if face.scores is None else scores_json(face.scores),
        "top": None if face.scores is None else face.scores.top,
        "wanted": None if face.scores is None else round(face.scores.wanted, 4),
        "shows": face.scores is not None and face.scores.shows,
    }


def decision_json(decision: Decision) -> Json:
    """What the trigger says, its meters keyed by nothing but their track."""
    return {
        "state": decision.state.value,
        "armed": decision.state is not State.DISARMED,
        "progress": round(decision.progress, 3),
        "fire": decision.fire,
        "why": without_paths(decision.why),
        "countdown": None if decision.countdown is None else round(decision.countdown, 1),
        "fired_by": list(decision.fired_by),
        "meters": [
            {
                "track": meter.track,
                "progress": round(meter.progress, 3),
                "smiles": meter.smiles,
                "takes_part": meter.takes_part,
                "why": without_paths(meter.why),
            }
            for meter in decision.meters
        ],
    }


def view_json(view: View) -> Json:
    """All that is known of the newest frame, but for its pixels."""
    width, height = view.frame.size
    return {
        "seq": view.frame.seq,
        "at": round(view.frame.at, 3),
        "width": width,
        "height": height,
        **decision_json(view.decision),
        "threshold": view.threshold,
        "fps": round(view.fps, 1),
        "shots": view.shots,
        "notices": [without_paths(notice) for notice in view.notices],
        "faces": [face_json(face) for face in view.faces],
    }


def event_json(event: Mapping[str, object]) -> Json:
    """An event as announced, its file by name only and its texts without folders."""
    told = {key: _clean(key, value) for key, value in event.items()}
    if isinstance(told.get("file"), str):
        told["id"] = picture_id(told["file"])
        told["file"] = readable(told["file"])
    return told


def _clean(key: str, value: object) -> Any:
    if isinstance(value, PurePath) or (isinstance(value, str) and key in ("file", "path", "folder")):
        return PurePath(value).name
    if isinstance(value, str):
        return readable(without_paths(value))
    if isinstance(value, Mapping):
        return {str(inner): _clean(str(inner), each) for inner, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(key, each) for each in value]
    return value
