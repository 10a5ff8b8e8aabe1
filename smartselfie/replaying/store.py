"""Played clips on the disk: a run over hundreds of clips goes on where it broke off."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np

from smartselfie.records import State
from smartselfie.replaying.play import Played, Step, Taken
from smartselfie.replaying.scores import as_lines, from_lines

FORMAT = 1


def fingerprint(clip: Path, *parts: str) -> str:
    """Return what must be the same for a stored result to be taken: the clip's file, and `parts`."""
    stat = clip.stat() if clip.is_file() else None
    size = (stat.st_size, stat.st_mtime_ns) if stat is not None else ()
    return hashlib.sha256(json.dumps([FORMAT, str(clip), size, parts]).encode()).hexdigest()


def save_played(path: Path, key: str, played: Played) -> None:
    """Write what a clip gave. Raises OSError."""
    record = {
        "key": key,
        "scores": as_lines(played.recording),
        "steps": [[step.at, step.state.value, step.progress, step.why] for step in played.steps],
        "taken": [_picture(taken) for taken in played.taken],
        "seen": [_picture(taken) for taken in played.seen],
        "wall": played.wall_seconds,
        "cpu": played.cpu_seconds,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(gzip.compress(json.dumps(record).encode(), 5))
    partial.replace(path)


def load_played(path: Path, key: str) -> Played | None:
    """Return what `save_played` wrote with the same key; None for anything else."""
    try:
        record = json.loads(gzip.decompress(path.read_bytes()))
        if record["key"] != key:
            return None
        (recording,) = from_lines(record["scores"])
        steps = [Step(at, State(state), progress, why) for at, state, progress, why in record["steps"]]
        return Played(
            recording,
            steps,
            [_taken(each) for each in record["taken"]],
            record["wall"],
            record["cpu"],
            [_taken(each) for each in record["seen"]],
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None


def _picture(taken: Taken) -> list[object]:
    data = cv2.imencode(".jpg", taken.thumbnail, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
    return [taken.at, taken.picked_at, list(taken.tracks), base64.b64encode(data).decode()]


def _taken(record: list[object]) -> Taken:
    at, picked_at, tracks, data = record
    raw = np.frombuffer(base64.b64decode(str(data)), np.uint8)
    image = np.asarray(cv2.imdecode(raw, cv2.IMREAD_COLOR), np.uint8)
    return Taken(float(at), float(picked_at), tuple(tracks), image)  # type: ignore[arg-type]
