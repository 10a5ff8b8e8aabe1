"""Detectors measured side by side, by stand-ins whose figures are known beforehand."""

import json
from pathlib import Path

import numpy as np
import pytest

from smartselfie.errors import DataError, UsageError
from smartselfie.training.detection import card, evaluate, peers
from smartselfie.training.detection.evaluate import Trial
from smartselfie.training.detection.peers import Candidate
from smartselfie.training.detection.pictures import Floats, Pixels
from tests.training.detection.drawn import picture

DRAWN = [picture(f"{number}.png", size=0.3 + 0.1 * number) for number in range(4)]
BY_PIXELS = {each.pixels().tobytes(): each for each in DRAWN}


def upright_alone(image: Pixels) -> Floats:
    """Finds every face of the pictures as they are, and nothing in changed ones but a false box."""
    known = BY_PIXELS.get(image.tobytes())
    if known is None:
        return np.array([[0, 0, 20, 20, 0.3]], np.float32)
    return np.insert(known.faces[:, :4], 4, 0.9, axis=1)


def blind(_image: Pixels) -> Floats:
    """Finds nothing."""
    return np.empty((0, 5), np.float32)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that stands for a detector's."""
    path = tmp_path_factory.mktemp("model") / "face.tflite"
    path.write_bytes(b"weights")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where plots and sheets are drawn."""
    return tmp_path_factory.mktemp("plots")


@pytest.fixture(scope="module")
def report(seen: Path, folder: Path) -> dict:
    """The figures of two stand-ins."""
    two = [Candidate("face", upright_alone, 0.5, seen), Candidate("blind", blind, 0.5)]
    trial = Trial("drawn val", DRAWN)
    return evaluate.evaluate(trial, two, plot_folder=folder, sheet_folder=folder, timed=False)


def test_recall_and_false_boxes_are_told_by_condition(report: dict) -> None:
    """The one that finds upright faces alone has a recall of 1, and of 0 where pictures are changed."""
    mine = report["detectors"]["face"]
    assert report["faces"] == 4
    assert (mine["recall"], mine["false_per_picture"], mine["average_precision"]) == (1, 0, 1)
    assert {name: each["recall"] for name, each in mine["conditions"].items()} == {
        "as they are": 1, "rolled 25°": 0, "rolled 45°": 0, "rolled 60°": 0, "dimmed to a fifth": 0,
        "dark glasses": 0, "lower half covered": 0,
    }  # fmt: skip
    assert report["detectors"]["blind"]["recall"] == 0
    assert mine["conditions"]["dark glasses"]["false_per_picture"] == 1
    assert mine["conditions"]["dark glasses"]["usual"]["false_per_picture"] == 0


@pytest.mark.usefixtures("report")
def test_plots_and_sheets_are_drawn(folder: Path) -> None:
    """Curve, size and roll; finds, misses and false boxes of each detector, with their names."""
    assert len(list(folder.glob("drawn-val-*.png"))) == 3
    assert len(list(folder.glob("*.jpg"))) == 6
    assert (folder / "blind.txt").read_text().count("missed") == 4


def test_pictures_without_any_face_are_refused() -> None:
    """There is nothing to measure."""
    with pytest.raises(DataError, match="no labelled face"):
        evaluate.evaluate(Trial("none", [picture(people=0)]), [Candidate("blind", blind, 0.5)])


def test_portraits_tell_in_how_many_a_face_is_found() -> None:
    """At the usual score, and by the patient search where there is one."""
    images = [DRAWN[0].pixels(), np.zeros((40, 40, 3), np.uint8)]
    one = Candidate("face", upright_alone, 0.5, thorough=lambda _: True)
    found = evaluate.portraits("p", images, [one], 2)["detectors"]["face"]
    assert (found["found"], found["thorough"]) == (0.5, 1.0)


def test_time_is_told_as_a_ratio_to_yunet_in_the_same_run() -> None:
    """Searches take turns."""
    times = evaluate.search_times([Candidate("face", blind, 0.5)], DRAWN[0].pixels(), runs=3)
    detectors: dict = {"face": {}, "yunet 320": {}}
    evaluate.put_times(detectors, {"face": 1.0, "yunet 320": 4.0})
    assert times["face"] > 0
    assert detectors["face"] == {"milliseconds": 1.0, "time_ratio": 0.25}


def test_figures_reach_json_and_card(report: dict, tmp_path: Path) -> None:
    """With the command that measured them, between the markers; figures of another file go."""
    about, page = tmp_path / "face.json", tmp_path / "card.md"
    sha = report["detectors"]["face"]["sha256"]
    old = {"old": {"detectors": {"face": {"sha256": "0"}}}}
    about.write_text(json.dumps({"sha256": sha, "threshold": 0.5, "version": "7", "accuracy": old}))
    card.record(about, [report], "smartselfie evaluate it")
    assert list(json.loads(about.read_text())["accuracy"]) == ["drawn val"]
    page.write_text("# Card\n<!-- figures -->\n<!-- /figures -->\nend\n")
    card.fill(page, about)
    text = page.read_text()
    assert "| recall | 100.0% | 0.0% |" in text
    assert "Measured by `smartselfie evaluate it`." in text
    about.write_text(json.dumps({"sha256": "1"}))
    with pytest.raises(DataError, match="another file"):
        card.record(about, [report], "")


def test_blazefaces_boxes_are_told_from_every_cell() -> None:
    """Two anchors a cell of the fine grid, six of the coarse one, row by row."""
    anchors = peers.blaze_anchors(896)
    assert anchors.shape == (896, 2)
    assert anchors[0] == pytest.approx([0.5 / 16, 0.5 / 16])
    assert anchors[2] == pytest.approx([1.5 / 16, 0.5 / 16])
    assert anchors[-1] == pytest.approx([7.5 / 8, 7.5 / 8])


def test_a_peer_that_is_none_is_a_clear_error() -> None:
    """It says what there is."""
    with pytest.raises(UsageError, match="need haar, yunet:FILE or"):
        peers.peers("retina")


def test_the_cascade_is_surer_the_more_neighbours_agree() -> None:
    """Its drawn face is found at the score that hobby projects ask for."""
    (haar,) = peers.peers("haar")
    drawn = picture(size=0.6)
    held = evaluate.search_all([drawn], [haar], None)["haar"]["as they are"]
    assert held.recall(haar.usual) == 1
