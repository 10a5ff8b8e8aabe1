"""The network that ships is the one whose figures stand beside it."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from smartselfie.classifiers.litert import LiteRtClassifier
from tests.training.faces import make

MODEL = Path(__file__).resolve().parents[2] / "model" / "expression.tflite"
SAMPLE = Path(__file__).with_name("sample.json")
"""What the shipped file said of drawn faces; `python -m tests.training.test_model` writes it anew."""


def scores() -> list[list[float]]:
    """The shipped network's scores of the drawn faces."""
    classifier = LiteRtClassifier(MODEL)
    faces = make(14).images
    if classifier.input_size != (48, 48):
        from smartselfie.training.augment import resize

        faces = np.round(resize(faces, classifier.input_size[0])[..., 0]).astype(np.uint8)
    return [list(each.probabilities) for each in classifier(faces)]


def test_the_file_is_the_one_that_was_described() -> None:
    """Its hash stands in the JSON."""
    about = json.loads(MODEL.with_suffix(".json").read_text())
    assert about["sha256"][MODEL.name] == hashlib.sha256(MODEL.read_bytes()).hexdigest()


def test_the_figures_are_of_this_file() -> None:
    """Figures of a file that was replaced are gone."""
    about = json.loads(MODEL.with_suffix(".json").read_text())
    measured = {report["model"]["sha256"] for report in about["accuracy"].values()}
    assert measured == {about["sha256"][MODEL.name]}


def test_the_card_holds_the_figures_that_were_recorded(tmp_path: Path) -> None:
    """Of the shipped network and of the others; nothing in its tables is typed by hand."""
    page = MODEL.parents[1] / "docs" / "model.md"
    copy = tmp_path / "model.md"
    copy.write_text(page.read_text())
    others = [page.parent / "model" / f"{name}.json" for name in ("mini_xception", "cnn4")]
    command = [sys.executable, "-m", "smartselfie.training.card", copy, MODEL.with_suffix(".json"), *others]
    subprocess.run(command, check=True)
    assert copy.read_text() == page.read_text()


def test_it_says_what_it_said_when_it_was_measured() -> None:
    """A changed file cannot keep old figures."""
    stored = json.loads(SAMPLE.read_text())
    assert stored["sha256"] == hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert np.abs(np.array(scores()) - np.array(stored["scores"])).max() < 0.03


def test_one_face_or_many_is_the_same() -> None:
    """The file takes batches of any size."""
    classifier = LiteRtClassifier(MODEL)
    width, height = classifier.input_size
    crops = np.random.default_rng(0).integers(0, 256, (20, height, width)).astype(np.uint8)
    together = np.array([list(each.probabilities) for each in classifier(crops)])
    alone = np.array([list(classifier(crops[n : n + 1])[0].probabilities) for n in range(20)])
    assert np.abs(together - alone).max() < 0.03


if __name__ == "__main__":
    found = {
        "sha256": hashlib.sha256(MODEL.read_bytes()).hexdigest(),
        "scores": [[round(value, 5) for value in row] for row in scores()],
    }
    SAMPLE.write_text(json.dumps(found) + "\n")
