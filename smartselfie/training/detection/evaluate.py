"""Measures detectors side by side on labelled pictures, and on portraits of which only one thing is known."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from smartselfie.errors import DataError
from smartselfie.training.detection import measure, plots, sheets
from smartselfie.training.detection.conditions import CONDITIONS
from smartselfie.training.detection.measure import Matched
from smartselfie.training.detection.peers import Candidate
from smartselfie.training.detection.pictures import Floats, Picture, Pixels
from smartselfie.training.detection.searching import FALSE_PER_PICTURE

RULE = (
    f"A box finds a face at an intersection over union of {measure.HIT} with its label, every detector's box "
    f"as it draws it. Faces count from {measure.SMALLEST:.0%} of the picture's shorter side on. A detector's "
    f"threshold is the lowest with at most {FALSE_PER_PICTURE} false boxes a picture on the pictures as they "
    "are, and stays for all others."
)
"""How figures are come by, in words."""
SIZES = ((0.05, 0.1), (0.1, 0.2), (0.2, 0.4), (0.4, 0.7), (0.7, np.inf))
"""Faces by their longer side as a share of the picture's shorter one."""
FRAME = (640, 480)
"""Width and height of the picture whose search is timed."""

Watch = Callable[[Iterable[Any], int], Iterable[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Labelled pictures to measure on."""

    name: str
    pictures: Sequence[Picture]


def evaluate(
    trial: Trial,
    candidates: Sequence[Candidate],
    *,
    plot_folder: Path | None = None,
    sheet_folder: Path | None = None,
    timed: bool = True,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Return all figures of the detectors by name, ours first, for JSON.

    Draws plots into `plot_folder`, and pictures of people with boxes into `sheet_folder`. DataError when no
    face is labelled.
    """
    if not any(len(each.faces) for each in trial.pictures):
        raise DataError(f"{trial.name}: no labelled face to measure on")
    held = search_all(trial.pictures, candidates, watch)
    report: dict[str, Any] = {
        "task": "detection",
        "data": trial.name,
        "pictures": len(trial.pictures),
        "faces": next(iter(held.values()))["as they are"].faces,
        "rule": RULE,
        "detectors": {each.name: about(each) | figures(held[each.name], each.usual) for each in candidates},
    }
    if timed:
        put_times(report["detectors"], search_times(candidates, _timed_frame(trial.pictures)))
    if plot_folder is not None:
        _draw(held, report, plot_folder)
    if sheet_folder is not None:
        for each in candidates:
            plain = held[each.name]["as they are"]
            threshold = plain.threshold_for(FALSE_PER_PICTURE)
            sheets.write(trial.pictures, each, plain, threshold, sheet_folder)
    return report


def search_all(
    pictures: Sequence[Picture], candidates: Sequence[Candidate], watch: Watch | None
) -> dict[str, dict[str, Matched]]:
    """Search every picture in every condition with every detector; results by detector and condition."""
    cv2.setNumThreads(1)
    show = watch or (lambda things, count: things)
    found: dict[tuple[str, str], list[Floats]] = {
        (each.name, condition): [] for each in candidates for condition in CONDITIONS
    }
    truths: dict[str, list[tuple[Floats, Floats, float]]] = {condition: [] for condition in CONDITIONS}
    for picture in show(pictures, len(pictures)):
        original = picture.pixels()
        side = float(min(original.shape[:2]))
        for condition, changes in CONDITIONS.items():
            for change in changes:
                image, faces, ignore = change(original, picture)
                truths[condition].append((faces, ignore, side))
                for each in candidates:
                    found[each.name, condition].append(each.search(image))
    return {
        each.name: {
            condition: measure.match(found[each.name, condition], *zip(*truths[condition], strict=True))
            for condition in CONDITIONS
        }
        for each in candidates
    }


def figures(held: Mapping[str, Matched], usual: float) -> dict[str, Any]:
    """Return the figures of one detector from what it found in each condition."""
    plain = held["as they are"]
    threshold = plain.threshold_for(FALSE_PER_PICTURE)

    def at(matched: Matched, score: float) -> dict[str, float]:
        return {
            "recall": round(matched.recall(score), 4),
            "false_per_picture": round(matched.false_per_picture(score), 4),
        }

    return {
        "threshold": round(threshold, 4),
        **at(plain, threshold),
        "average_precision": round(plain.average_precision(), 4),
        "usual_threshold": round(usual, 4),
        "usual": at(plain, usual),
        "sizes": {
            size_name(low, high): round(plain.recall(threshold, low=low, high=high), 4) for low, high in SIZES
        },
        "conditions": {
            name: at(matched, threshold)
            | {
                "recall_at_own_threshold": round(matched.recall_at(FALSE_PER_PICTURE), 4),
                "usual": at(matched, usual),
            }
            for name, matched in held.items()
        },
    }


def size_name(low: float, high: float) -> str:
    """Return a range of sizes in words."""
    return f"{low:.0%} to {high:.0%}" if np.isfinite(high) else f"{low:.0%} and more"


def portraits(
    name: str,
    images: Iterable[Pixels],
    candidates: Sequence[Candidate],
    count: int,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Return the share of pictures, each known to show a face, in which each detector finds one.

    Each at its usual threshold; `thorough` is the share by the search that single pictures get.
    """
    cv2.setNumThreads(1)
    show = watch or (lambda things, count: things)
    hits: dict[str, int] = dict.fromkeys((each.name for each in candidates), 0)
    thorough: dict[str, int] = {each.name: 0 for each in candidates if each.thorough}
    pictures = 0
    for image in show(images, count):
        pictures += 1
        for each in candidates:
            rows = each.search(image)
            hits[each.name] += bool(len(rows) and rows[:, 4].max() >= each.usual)
            if each.thorough is not None:
                thorough[each.name] += each.thorough(image)
    if not pictures:
        raise DataError(f"{name}: no picture in it can be read")
    detectors = {
        each.name: about(each)
        | {"usual_threshold": round(each.usual, 4), "found": round(hits[each.name] / pictures, 4)}
        | ({"thorough": round(thorough[each.name] / pictures, 4)} if each.thorough else {})
        for each in candidates
    }
    return {"task": "detection", "data": name, "pictures": pictures, "detectors": detectors}


def about(each: Candidate) -> dict[str, Any]:
    """Return what file a detector is."""
    if each.file is None:
        return {}
    data = each.file.read_bytes()
    return {"file": each.file.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def search_times(candidates: Sequence[Candidate], image: Pixels, runs: int = 60) -> dict[str, float]:
    """Return the median milliseconds of one search by name; they take turns, so that load hits all alike."""
    cv2.setNumThreads(1)
    taken: dict[str, list[float]] = {each.name: [] for each in candidates}
    for number in range(runs + 5):
        for each in candidates:
            began = time.perf_counter()
            each.search(image)
            if number >= 5:
                taken[each.name].append((time.perf_counter() - began) * 1000)
    return {name: float(np.median(each)) for name, each in taken.items()}


def _timed_frame(pictures: Sequence[Picture]) -> Pixels:
    """Return the first picture with one face, as large as a camera's."""
    picture = next((each for each in pictures if len(each.faces) == 1), pictures[0])
    return np.asarray(cv2.resize(picture.pixels(), FRAME), np.uint8)


def put_times(detectors: dict[str, dict[str, Any]], times: Mapping[str, float]) -> None:
    """Store milliseconds by name in the figures, and as a ratio to YuNet's where it took part."""
    for name, milliseconds in times.items():
        detectors[name]["milliseconds"] = round(milliseconds, 3)
        if "yunet 320" in times:
            detectors[name]["time_ratio"] = round(milliseconds / times["yunet 320"], 3)


def _draw(held: Mapping[str, Mapping[str, Matched]], report: Mapping[str, Any], folder: Path) -> None:
    stem = report["data"].replace(" ", "-")
    curves = {
        f"{name}  AP {report['detectors'][name]['average_precision']:.3f}": each["as they are"].curve()
        for name, each in held.items()
    }
    plots.precision_recall(curves, f"{report['data']}: precision and recall", folder / f"{stem}-curve.png")
    sizes = {name: each["sizes"] for name, each in report["detectors"].items()}
    title = f"{report['data']}: recall by size"
    plots.recalls(sizes, title, "longer side by the picture's shorter", folder / f"{stem}-size.png")
    rolls = {
        name: {
            label.removeprefix("rolled ").replace("as they are", "0°"): found["recall"]
            for label, found in each["conditions"].items()
            if label.startswith(("rolled", "as"))
        }
        for name, each in report["detectors"].items()
    }
    title = f"{report['data']}: recall by roll"
    plots.recalls(rolls, title, "roll, both ways", folder / f"{stem}-roll.png")
