"""Speed must not cost recall: the clever search beside a full search of every frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from smartselfie.daemon import parts
from smartselfie.deciding.spread_search import SpreadSearchTracker
from smartselfie.detectors.cascades import find_cascade
from smartselfie.detectors.haar import HaarDetector
from smartselfie.records import Face, Frame, Image, Look
from smartselfie.seams import Detector
from smartselfie.settings import load
from smartselfie.sources import open_source
from smartselfie.sources.demo import Actor, DemoScript, DemoSource, smiling
from tests.shared import shared_path

CLIPS = ("pf_single_face.mp4", "lp_d0.mp4", "ow_baseline.mp4")
PEOPLE = ("pf_single_face.mp4", "lp_d0.mp4", "vr_2.mp4")
THREE = "three side by side"
TILE = (426, 480)


class EveryFrame(SpreadSearchTracker):
    """Asks for a search of the whole picture in every frame, and for nothing else."""

    def look(self, at: float, *, moved: bool = True) -> Look:
        """Everything, always."""
        return Look()


class Remembering:
    """A detector that keeps what it found last."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.found: list[Face] = []

    def __call__(self, image: Image, look: Look) -> list[Face]:
        """Search, and keep the finds."""
        self.found = self.detector(image, look)
        return self.found


def tile(image: Image) -> Image:
    """The middle of a picture, in the shape of a tile."""
    height, width = image.shape[:2]
    across, down = min(width, height * TILE[0] // TILE[1]), min(height, width * TILE[1] // TILE[0])
    left, top = (width - across) // 2, (height - down) // 2
    cut = image[top : top + down, left : left + across]
    return np.asarray(cv2.resize(cut, TILE, interpolation=cv2.INTER_AREA), np.uint8)


def frames(clip: str) -> Iterator[Frame]:
    """The frames of a clip of the data folder, or of three of them side by side."""
    if clip == THREE:
        for tiles in zip(*map(frames, PEOPLE), strict=False):
            yield Frame(np.hstack([tile(each.image) for each in tiles]), tiles[0].seq, tiles[0].at)
        return
    source = open_source(str(shared_path(f"videos/{clip}")))
    try:
        while (frame := source.read()) is not None:
            yield frame
    finally:
        source.close()


@dataclass
class Found:
    """What our way and full searches of every frame come to."""

    shots: tuple[list[float], list[float]]
    """Times in seconds."""
    boxes: int = 0
    """Faces that the full searches found, all frames together."""
    met: int = 0
    """Of these, how many a face of ours lay on."""


@pytest.fixture(scope="module", params=[*CLIPS, THREE])
def found(request: pytest.FixtureRequest) -> Found:
    """Run a clip through both."""
    settings = load(None, ["detector.detect_width=640"] if request.param == THREE else [])
    ours, full = parts.build_analysis(settings), parts.build_analysis(settings)
    full.tracker = EveryFrame()
    searched = Remembering(full.detector)
    full.detector = searched
    made = Found(([], []))
    for frame in frames(request.param):
        faces, decision = ours(frame)
        _, other = full(frame)
        made.boxes += len(searched.found)
        made.met += sum(any(face.box.iou(find.box) >= 0.5 for face in faces) for find in searched.found)
        for shots, fired in zip(made.shots, (decision.fire, other.fire), strict=True):
            if fired:
                shots.append(frame.at)
    return made


def test_as_many_faces_are_found(found: Found) -> None:
    """Of the faces that full searches find, all but 1 % are found, and where they are."""
    assert found.boxes > 0
    assert found.met / found.boxes >= 0.99


def test_the_same_shots_fire(found: Found) -> None:
    """As many shots, each within a quarter of a second of the other's."""
    ours, full = found.shots
    assert len(ours) == len(full)
    assert all(abs(one - other) <= 0.25 for one, other in zip(ours, full, strict=True))


@pytest.mark.parametrize("comes", [1.0, 1.3, 1.7])
def test_a_second_face_is_found_within_a_second(comes: float) -> None:
    """Somebody who appears beside a known face is a face at most a second later."""
    stays = Actor(x=0.3, size=0.35)
    enters = Actor(x=0.72, size=0.3, person=1, absent=((0.0, comes),))
    source = DemoSource((640, 480), 30.0, DemoScript((stays, enters), comes + 1.1))
    detector = HaarDetector(find_cascade("haarcascade_frontalface_default.xml"), smallest=0.112)
    tracker = SpreadSearchTracker()
    seen = None
    while (frame := source.read()) is not None:
        found = detector(frame.image, tracker.look(frame.at, moved=frame.at >= comes))
        if len(tracker.update(found, at=frame.at)) == 2 and seen is None:
            seen = frame.at
    assert seen is not None
    assert seen - comes <= 1.0


def test_five_faces_keep_their_smiles_while_they_take_turns() -> None:
    """Of five faces that are searched in turn each smile is scored in every frame, so `all` fires."""
    people = tuple(
        Actor(person=place, x=0.1 + 0.2 * place, size=0.24, smile=smiling((0.5, 4.0))) for place in range(5)
    )
    source = DemoSource((1280, 720), 30.0, DemoScript(people, 3.0))
    made = parts.build_analysis(load(None, ["trigger.policy=all"]))
    fired = []
    while (frame := source.read()) is not None:
        faces, decision = made(frame)
        if decision.fire:
            fired.append((frame.at, len(faces)))
    assert [count for _, count in fired] == [5]
    assert fired[0][0] < 2.0
