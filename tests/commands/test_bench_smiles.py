"""Programs side by side: what a peer does, and how the figures are added up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smartselfie.commands.bench_smiles import Turn, record, stand
from smartselfie.commands.peers import Peer, build_peer, read_files, with_margin
from smartselfie.errors import UsageError
from smartselfie.records import Box, Face, Frame
from smartselfie.replaying.labels import Labels
from smartselfie.seams import Detector
from tests.fakes import FACE, ReadScores, detect, happy_frame
from tests.shared import shared_path

LABELS = {"a.mp4": Labels(((1.0, 3.0),)), "b.mp4": Labels(((0.0, 1.0),))}


def fires(numbers: list[float | None]) -> list[int]:
    """The frames at which the usual loop takes a picture."""
    peer = Peer(lambda image: [Face(FACE)] if image[0, 0, 0] else [], with_margin((20, 40)), ReadScores())
    return [n for n, number in enumerate(numbers) if peer(happy_frame(number, n))[1].fire]


def test_the_usual_loop_counts_to_ten() -> None:
    """Ten frames in a row in which happy is the largest class, no threshold, at any frame rate."""
    assert fires([0.1] * 3 + [0.6] * 12) == [12]


def test_the_usual_loop_takes_one_picture_a_smile() -> None:
    """It is given the reset that many forget: the next picture needs a frame without a smile."""
    assert fires([0.6] * 40) == [9]
    assert fires([0.6] * 15 + [0.1] + [0.6] * 12) == [9, 25]


def test_a_face_that_is_lost_begins_anew() -> None:
    """A frame without a face counts like one without a smile."""
    assert fires([0.6] * 9 + [None] + [0.6] * 9) == []


def test_the_nearest_face_counts() -> None:
    """Of two faces the larger is scored."""
    image = np.zeros((100, 300, 3), np.uint8)
    image[:, 150:] = 201
    faces = [Face(Box(10, 30, 40, 40)), Face(Box(200, 20, 60, 60))]
    peer = Peer(lambda image: faces, with_margin((0, 0)), ReadScores())
    (face,), _ = peer(Frame(image, 0, 0.0))
    assert face.box == faces[1].box


def test_a_peer_that_cannot_be_is_refused() -> None:
    """The words say what to give."""

    def detector(kind: str) -> Detector:
        raise AssertionError(kind)

    with pytest.raises(UsageError, match="--file mini_xception=FILE"):
        build_peer("usual", {}, detector)
    with pytest.raises(UsageError, match="expected usual, fer, or DETECTOR"):
        build_peer("best", {}, detector)
    with pytest.raises(UsageError, match="NAME=FILE of a file that exists"):
        read_files(["mini_xception=nowhere.tflite"])


@pytest.mark.parametrize("name", ["usual", "fer", "cascade+mini_xception", "yunet+mini_xception"])
def test_peers_are_made_of_the_files_given(name: str) -> None:
    """Each finds nobody in an empty room."""
    network = shared_path("peers/mini_xception_fer2013_quantized.tflite")
    peer = build_peer(name, {"mini_xception": network}, lambda kind: detect)  # type: ignore[arg-type, return-value]
    faces, decision = peer(Frame(np.zeros((120, 160, 3), np.uint8), 0, 0.0))
    assert (faces, decision.fire) == ((), False)


def turn(program: str, clip: str, *shots: float, problem: str = "") -> Turn:
    """A turn of ten seconds that took two of a core."""
    return Turn(program, clip, shots, 10.0, 2.0, problem)


def test_programs_are_added_up_and_paired() -> None:
    """Hits, false shots and the time of each; of the smiles, how many only one of the two hit."""
    ours, theirs = stand(
        [
            turn("ours", "a.mp4", 1.4),
            turn("ours", "b.mp4", 0.4),
            turn("theirs", "a.mp4", 6.0),
            turn("theirs", "b.mp4", 0.5),
        ],
        LABELS,
    )
    assert (ours.total.hits, ours.total.false_shots) == (2, 0)
    assert (theirs.total.hits, theirs.total.false_shots) == (1, 1)
    assert (theirs.only_ours, theirs.only_theirs, theirs.p_value) == (1, 0, 1.0)
    assert ours.cpu_per_minute == pytest.approx(12)
    assert record(theirs)["false_shots_per_hour"] == pytest.approx(3600 / (20 - 2.55 - 1.35), abs=0.1)


def test_a_clip_that_one_cannot_read_counts_for_none() -> None:
    """Else the programs would be compared on different clips."""
    ours, theirs = stand(
        [
            turn("ours", "a.mp4", 1.4),
            turn("ours", "b.mp4", 0.4),
            turn("theirs", "a.mp4", problem="cannot be read"),
            turn("theirs", "b.mp4"),
        ],
        LABELS,
    )
    assert (ours.total.clips, theirs.total.clips) == (1, 1)


def test_files_are_read(tmp_path: Path) -> None:
    """NAME=FILE, of files that are there."""
    (tmp_path / "x.tflite").touch()
    assert read_files([f"mini_xception={tmp_path / 'x.tflite'}"]) == {"mini_xception": tmp_path / "x.tflite"}
