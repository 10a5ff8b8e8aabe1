"""Speed must not cost recall: the clever search beside a full search of every frame."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from smartselfie import parts
from smartselfie.detectors.haar import HaarDetector, find_cascade
from smartselfie.pipeline import Analysis
from smartselfie.records import Frame, Look
from smartselfie.settings import load
from smartselfie.sources import open_source
from smartselfie.sources.demo import Actor, DemoScript, DemoSource, smiling
from smartselfie.tracking import Tracker
from tests.shared import shared_path

CLIPS = ("pf_single_face.mp4", "lp_d0.mp4", "vr_2.mp4", "ow_baseline.mp4")


class EveryFrame(Tracker):
    """Asks for a search of the whole picture in every frame, and for nothing else."""

    def look(self, at: float, *, moved: bool = True) -> Look:
        """Everything, always."""
        return Look()


def frames(clip: str) -> Iterator[Frame]:
    """The frames of a clip of the data folder."""
    source = open_source(str(shared_path(f"videos/{clip}")))
    try:
        while (frame := source.read()) is not None:
            yield frame
    finally:
        source.close()


def analysis(tracker: Tracker | None = None) -> Analysis:
    """The pipeline with default settings, up to the trigger."""
    made = parts.build_analysis(load())
    if tracker is not None:
        made.tracker = tracker
    return made


@pytest.fixture(scope="module", params=CLIPS)
def both(request: pytest.FixtureRequest) -> tuple[list[list[float]], list[int]]:
    """Shots, and frames with a face, of both ways to search: ours, then every frame in full."""
    ways = (analysis(), analysis(EveryFrame()))
    shots: list[list[float]] = [[], []]
    found = [0, 0]
    total = 0
    for frame in frames(request.param):
        total += 1
        for place, way in enumerate(ways):
            faces, decision = way(frame)
            found[place] += bool(faces)
            if decision.fire:
                shots[place].append(frame.at)
    return shots, [*found, total]


def test_as_many_frames_have_a_face(both: tuple[list[list[float]], list[int]]) -> None:
    """The share of frames with a face is at most 1 % below that of full searches."""
    _, (ours, full, total) = both
    assert ours / total >= full / total - 0.01


def test_the_same_shots_fire(both: tuple[list[list[float]], list[int]]) -> None:
    """As many shots, each within a quarter of a second of the other's."""
    ours, full = both[0]
    assert len(ours) == len(full)
    assert all(abs(one - other) <= 0.25 for one, other in zip(ours, full, strict=True))


@pytest.mark.parametrize("comes", [1.0, 1.3, 1.7])
def test_a_second_face_is_found_within_a_second(comes: float) -> None:
    """Somebody who appears beside a known face is a face at most a second later."""
    stays = Actor(x=0.3, size=0.35)
    enters = Actor(x=0.72, size=0.3, person=1, absent=((0.0, comes),))
    source = DemoSource((640, 480), 30.0, DemoScript((stays, enters), comes + 1.1))
    detector = HaarDetector(find_cascade("haarcascade_frontalface_default.xml"), smallest=0.112)
    tracker = Tracker()
    seen = None
    while (frame := source.read()) is not None:
        boxes = detector(frame.image, tracker.look(frame.at, moved=frame.at >= comes))
        if len(tracker.update(boxes, at=frame.at)) == 2 and seen is None:
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
