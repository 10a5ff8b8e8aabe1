"""How well faces are found: recall and false boxes against labels, whoever found them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smartselfie.training.detection.pictures import Floats

HIT = 0.4
"""Intersection over union from which a box has found a face."""


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """What a detector said of some pictures, held against their labels."""

    hit_scores: Floats
    """Of every labelled face that counts, the score of the box that found it, 0 when none did."""
    false_scores: Floats
    """Of every box on no face."""
    pictures: int

    def threshold_for(self, false_per_picture: float) -> float:
        """Return the lowest score at which there are at most so many false boxes a picture."""
        allowed = int(false_per_picture * self.pictures)
        falses = np.sort(self.false_scores)[::-1]
        return 0.0 if len(falses) <= allowed else float(np.nextafter(falses[allowed], np.float32(2)))

    def recall(self, threshold: float = 0.0) -> float:
        """Return the share of faces found by boxes of at least this score; NaN without any face."""
        return (
            float((self.hit_scores >= max(threshold, 1e-9)).mean()) if len(self.hit_scores) else float("nan")
        )

    def recall_at(self, false_per_picture: float) -> float:
        """Return the recall at the lowest score with at most so many false boxes a picture."""
        return self.recall(self.threshold_for(false_per_picture))


def iou(one: Floats, others: Floats) -> Floats:
    """Return the intersection over union of a box (4,) with boxes (N, 4): x, y, width, height."""
    low = np.maximum(one[:2], others[:, :2])
    high = np.minimum(one[:2] + one[2:4], others[:, :2] + others[:, 2:4])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    made: Floats = shared / (one[2] * one[3] + others[:, 2] * others[:, 3] - shared)
    return made


def match(
    found: Sequence[Floats],
    labels: Sequence[Floats],
    ignore: Sequence[Floats],
    shorter: Sequence[float],
    smallest: float = 0.1,
) -> Matched:
    """Hold found boxes (x, y, width, height, score, ...) of each picture against its labelled ones.

    Faces whose longer side is at least `smallest` of the picture's shorter side count. A box is false when it
    overlaps neither a label nor a box to ignore by `HIT`, and does not lie within one to ignore by half. The
    surest box takes its face first; a second one on the same face is false.
    """
    hits: list[float] = []
    falses: list[float] = []
    for boxes, faces, free, side in zip(found, labels, ignore, shorter, strict=True):
        best = np.zeros(len(faces), np.float32)
        for box in boxes[np.argsort(-boxes[:, 4], kind="stable")]:
            if len(faces):
                overlap = iou(box, faces)
                overlap[best > 0] = 0
                at = int(overlap.argmax())
                if overlap[at] >= HIT:
                    best[at] = box[4]
                    continue
            if len(free) and _excused(box, free):
                continue
            falses.append(float(box[4]))
        if len(faces):
            hits += best[np.maximum(faces[:, 2], faces[:, 3]) >= smallest * side].tolist()
    return Matched(np.array(hits, np.float32), np.array(falses, np.float32), len(found))


def _excused(box: Floats, free: Floats) -> bool:
    low = np.maximum(box[:2], free[:, :2])
    high = np.minimum(box[:2] + box[2:4], free[:, :2] + free[:, 2:4])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    return bool((iou(box, free) >= HIT).any() or (shared >= 0.5 * box[2] * box[3]).any())
