"""How well faces are found: recall and false boxes against labels, whoever found them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smartselfie.training.detection.pictures import Floats

HIT = 0.4
"""Intersection over union from which a box has found a face."""
SMALLEST = 0.1
"""Longer side of the smallest faces that count, as a share of their picture's shorter side."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """What a detector said of some pictures, held against their labels."""

    hit_scores: Floats
    """Of every labelled face, the score of the box that found it, 0 when none did."""
    sizes: Floats
    """Of every labelled face, its longer side as a share of its picture's shorter one."""
    places: npt.NDArray[np.int_]
    """(N, 2): of every labelled face, the number of its picture and of its label there."""
    falses: Floats
    """(M, 6): every box on no face: the number of its picture, x, y, width, height, score."""
    pictures: int

    @property
    def faces(self) -> int:
        """How many labelled faces count."""
        return int((self.sizes >= SMALLEST).sum())

    def threshold_for(self, false_per_picture: float) -> float:
        """Return the lowest score at which there are at most so many false boxes a picture."""
        allowed = int(false_per_picture * self.pictures)
        falses = np.sort(self.falses[:, 5])[::-1]
        return 0.0 if len(falses) <= allowed else float(np.nextafter(falses[allowed], np.float32(2)))

    def recall(self, threshold: float = 0.0, *, low: float = SMALLEST, high: float = np.inf) -> float:
        """Return the share of faces found by boxes of at least this score; NaN without any face.

        The faces are those of `low` <= size < `high`.
        """
        scores = self.hit_scores[(self.sizes >= low) & (self.sizes < high)]
        return float((scores >= max(threshold, 1e-9)).mean()) if len(scores) else float("nan")

    def recall_at(self, false_per_picture: float) -> float:
        """Return the recall at the lowest score with at most so many false boxes a picture."""
        return self.recall(self.threshold_for(false_per_picture))

    def false_per_picture(self, threshold: float) -> float:
        """Return the boxes of at least this score that are on no face, a picture."""
        return float((self.falses[:, 5] >= threshold).sum()) / max(1, self.pictures)

    def curve(self) -> tuple[Floats, Floats]:
        """Return recall and precision at every score at which a face that counts was found, sinking."""
        hits = np.sort(self.hit_scores[self.sizes >= SMALLEST])[::-1]
        found = hits[hits > 0]
        falses = np.sort(self.falses[:, 5])
        above = len(falses) - np.searchsorted(falses, found, side="left")
        count = np.searchsorted(-found, -found, side="right").astype(np.float32)  # ties are found together
        recall = count / max(1, len(hits))
        return recall.astype(np.float32), (count / np.maximum(1, count + above)).astype(np.float32)

    def average_precision(self) -> float:
        """Return the area under precision by recall, precision never rising (as PASCAL VOC from 2010 on)."""
        recall, precision = self.curve()
        if not len(recall):
            return 0.0
        best = np.maximum.accumulate(precision[::-1])[::-1]
        return float(np.sum(np.diff(recall, prepend=0) * best))


def iou(one: Floats, others: Floats) -> Floats:
    """Return the intersection over union of a box (4,) with boxes (N, 4): x, y, width, height."""
    low = np.maximum(one[:2], others[:, :2])
    high = np.minimum(one[:2] + one[2:4], others[:, :2] + others[:, 2:4])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    made: Floats = shared / (one[2] * one[3] + others[:, 2] * others[:, 3] - shared)
    return made


def match(
    found: Sequence[Floats], labels: Sequence[Floats], ignore: Sequence[Floats], shorter: Sequence[float]
) -> Matched:
    """Hold found boxes (x, y, width, height, score, ...) of each picture against its labelled ones.

    `shorter`: the pictures' shorter sides in pixels. A box is false when it overlaps neither a label nor a
    box to ignore by `HIT`, and does not lie within one to ignore by half. The surest box takes the face it
    overlaps most; a second one on the same face is false.
    """
    hits: list[Floats] = []
    sizes: list[Floats] = []
    places: list[tuple[int, int]] = []
    falses: list[Floats] = []
    for number, (boxes, faces, free, side) in enumerate(zip(found, labels, ignore, shorter, strict=True)):
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
            falses.append(np.array([number, *box[:5]], np.float32))
        hits.append(best)
        sizes.append((np.maximum(faces[:, 2], faces[:, 3]) / side).astype(np.float32))
        places += [(number, row) for row in range(len(faces))]
    return Matched(
        np.concatenate([*hits, np.empty(0)]).astype(np.float32),
        np.concatenate([*sizes, np.empty(0)]).astype(np.float32),
        np.array(places, int).reshape(-1, 2),
        np.array(falses, np.float32).reshape(-1, 6),
        len(found),
    )


def _excused(box: Floats, free: Floats) -> bool:
    low = np.maximum(box[:2], free[:, :2])
    high = np.minimum(box[:2] + box[2:4], free[:, :2] + free[:, 2:4])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    return bool((iou(box, free) >= HIT).any() or (shared >= 0.5 * box[2] * box[3]).any())
