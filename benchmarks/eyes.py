"""How well closed eyes are told from open ones, on frames labelled by eye.

    python benchmarks/eyes.py FOLDER [MODEL]

FOLDER holds the clips named below. Prints counts and their 95 % intervals for docs/how-it-decides.md, and
the processor time that measuring a face takes: at the landmarks' places, in the box, and without cascade.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2

from smartselfie.deciding.eyes import EYE_CASCADE, EyeMeter
from smartselfie.deciding.frame_quality import OPEN
from smartselfie.detectors.cascades import find_cascade
from smartselfie.detectors.network import NetworkDetector, default_model
from smartselfie.records import Face, Image, Look
from smartselfie.replaying.intervals import share_interval

CLOSED = {
    "lp_d0.mp4": {65, 66},
    "mead_w040_level_3_happy_029.mp4": {89, 117, 129, 130, 143, 144, 145},
    "pf_single_face.mp4": {26, 27, 28},
    "pf_noface_face.mov": {122, 123, 124},
    "mead_w036_level_3_happy_007.mp4": set(),
    "reel_grid.mp4": {44, 52, 96, 178, 194, 222, 254},
}
"""Frames with closed eyes."""
HALF = {
    "lp_d0.mp4": {64, 67, 68},
    "mead_w040_level_3_happy_029.mp4": {88, 90, 91, 118, 119, 128, 131, 142, 146},
    "pf_single_face.mp4": {25, 29},
    "pf_noface_face.mov": {121, 125},
    "reel_grid.mp4": {42, 46, 50, 54, 98, 176, 180, 196, 220, 224, 252, 256},
}
"""Frames with half-closed eyes."""
OPEN_EVERY = {
    "lp_d0.mp4": range(0, 78, 2),
    "mead_w040_level_3_happy_029.mp4": range(0, 165, 3),
    "pf_single_face.mp4": range(0, 72, 2),
    "pf_noface_face.mov": range(96, 169, 2),
    "mead_w036_level_3_happy_007.mp4": range(0, 76, 3),
    "reel_grid.mp4": range(0, 400, 4),
}
"""Frames with open eyes, but for those within one frame of a closed or half-closed one."""


def kind_of(clip: str, number: int) -> str | None:
    """What people see in a frame; None for one that is not used."""
    closed, half = CLOSED[clip], HALF.get(clip, set())
    if number in closed:
        return "closed"
    if number in half:
        return "half closed"
    if number in OPEN_EVERY[clip] and not {number - 1, number + 1} & (closed | half):
        return "open"
    return None


def frames(folder: Path, model: Path) -> list[tuple[str, Image, Face]]:
    """The labelled frames with their largest face."""
    found = []
    detect = NetworkDetector(model)
    for clip in CLOSED:
        capture = cv2.VideoCapture(str(folder / clip))
        number = 0
        while True:
            ok, image = capture.read()
            if not ok:
                break
            kind = kind_of(clip, number)
            number += 1
            if kind is None:
                continue
            faces = detect(image, Look())
            if faces:
                found.append((kind, image, faces[0]))
        capture.release()
    return found


def report(name: str, eyes: EyeMeter, labelled: list[tuple[str, Image, Face]]) -> None:
    """Print the figures of one way of measuring."""
    started = time.process_time()
    measured = [(kind, eyes(image, face) or 0.0) for kind, image, face in labelled]
    spent = time.process_time() - started
    print(name)
    for kind in ("closed", "half closed", "open"):
        values = [value for what, value in measured if what == kind]
        right = sum((value >= OPEN) == (kind == "open") for value in values)
        low, high = share_interval(right, len(values))
        called = "open" if kind == "open" else "closed"
        print(f"  {kind}: {right} of {len(values)} called {called} ({low:.0%} to {high:.0%})")
    print(f"  {1000 * spent / len(measured):.1f} ms a face")


def main(folder: Path, model: Path) -> None:
    """Print the figures."""
    cv2.setNumThreads(1)
    labelled = frames(folder, model)
    boxes = [(kind, image, replace(face, landmarks=None)) for kind, image, face in labelled]
    cascade = EyeMeter(find_cascade(EYE_CASCADE))
    report("cascade, at the landmarks", cascade, labelled)
    report("cascade, in the box", cascade, boxes)
    report("edges, at the landmarks (OpenCV 5)", EyeMeter(None), labelled)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else default_model())
