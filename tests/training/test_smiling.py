"""The output `smiling`: its faces, how they are varied, and how it is measured."""

import csv
import dataclasses
import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from smartselfie.errors import DataError
from smartselfie.records import Box
from smartselfie.training import datasets
from smartselfie.training.datasets import COVERED, NOT_SMILING, SMILING
from smartselfie.training.smiling import measure, prepare, vary
from smartselfie.training.smiling.crops import SIDE, Crop, cut, one_hot, origins, read_hard_faces
from smartselfie.training.smiling.mine import label, mine
from tests.training.faces import draw, make

LANDMARKS = np.array([[52, 60], [92, 60], [72, 78], [56, 95], [88, 95]], np.float32)
BOX = Box(32, 32, 80, 80)


def crop(index: int = SMILING, kind: str = "") -> Crop:
    """A drawn face with its surroundings."""
    face = cv2.resize(draw(3, np.random.default_rng(0)), (80, 80))
    image = np.full((SIDE, SIDE), 90, np.uint8)
    image[32:112, 32:112] = face
    return Crop(np.dstack([image] * 3), BOX, LANDMARKS, one_hot(index), kind=kind)


def hard_faces(folder: Path) -> Path:
    """A .zip of hard faces: a smile, a talker, a mask, one that people do not agree on, one to choose by."""
    rows = [
        ("happy", "smile_teeth", "train", "a"),
        ("not_happy", "talking", "train", "a"),
        ("not_happy", "mask", "train", "b"),
        ("ambiguous", "smile_closed", "train", "b"),
        ("happy", "laugh", "val", "c"),
    ]
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["image", "label", "kind", "repo", "split", "box", "landmarks", "person"])
    path = folder / "hard.zip"
    with zipfile.ZipFile(path, "w") as file:
        for number, (said, kind, split, repo) in enumerate(rows):
            places = " ".join(str(at) for at in LANDMARKS.ravel())
            table.writerow([f"{number}.png", said, kind, repo, split, "32 32 80 80", places, str(number)])
            file.writestr(f"{number}.png", cv2.imencode(".png", crop().image)[1].tobytes())
        file.writestr("labels.csv", text.getvalue())
    return path


def test_hard_faces_say_what_people_see(tmp_path: Path) -> None:
    """A mask is a covered mouth; where people do not agree a face is half smiling, and weighs less."""
    smile, talker, mask, unclear = read_hard_faces(hard_faces(tmp_path), "train", ambiguous=0.3)
    assert [each.target.index(1.0) for each in (smile, talker, mask)] == [SMILING, NOT_SMILING, COVERED]
    assert unclear.target == (0.5, 0.5, 0.0)
    assert unclear.weight == 0.3
    assert smile.weight == 1.0


def test_the_splits_of_hard_faces_are_kept_apart(tmp_path: Path) -> None:
    """By their origins."""
    path = hard_faces(tmp_path)
    assert len(read_hard_faces(path, "val")) == 1
    assert origins(path, "val") == {"c"}


def test_another_zip_is_refused(tmp_path: Path) -> None:
    """In one line that names it."""
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("nothing", "")
    with pytest.raises(DataError, match=r"not a \.zip of hard faces"):
        read_hard_faces(path, "train")


@pytest.mark.parametrize(
    ("at", "alone", "seen"),
    [
        (1.0, True, NOT_SMILING),
        (6.0, True, SMILING),
        (6.0, False, None),  # whose smile it is, is not known
        (4.6, True, None),  # too near to the edge
        (9.2, True, None),  # unclear
        (12.0, False, NOT_SMILING),
    ],
)
def test_a_mined_face_is_labelled_by_the_clips_stretches(at: float, alone: bool, seen: int | None) -> None:
    """Smiles are from 5 to 8 s, nobody can say from 9 to 10 s."""
    assert label(at, [[5, 8]], [[9, 10]], alone) == seen


@pytest.mark.parametrize(("split", "leave_out"), [("check", ()), ("mine", ("a/b",))])
def test_clips_that_must_stay_unseen_are_not_opened(
    split: str, leave_out: tuple[str, ...], tmp_path: Path
) -> None:
    """The clip is missing, and nothing fails."""
    about = {"smiles": [], "ignore": [], "faces": 1, "split": split, "origin": "a/b"}
    (tmp_path / "smiles.json").write_text(json.dumps({"_comment": "", "clip.mp4": about}))
    assert mine(tmp_path, tmp_path / "no detector", leave_out=leave_out) == []


def test_a_cut_face_lies_in_the_middle_with_its_landmarks() -> None:
    """Its surroundings are 1.8 times the square box, whatever its size in the frame."""
    frame = np.zeros((400, 400, 3), np.uint8)
    cv2.circle(frame, (180, 200), 6, (255, 255, 255), -1)
    image, box, places = cut(frame, (130, 140, 100, 130), np.array([[180, 200]] * 5, np.float32))
    assert box.centre == (SIDE / 2, SIDE / 2)
    x, y = places[0]
    assert image[round(float(y)), round(float(x))].min() > 200


def test_the_same_seed_varies_alike() -> None:
    """And another one otherwise."""
    one, two, other = (vary.vary(crop(), np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert np.abs(one.astype(int) - other).mean() > 1


def test_a_drawn_mask_hides_the_mouth_and_leaves_the_eyes() -> None:
    """Whatever its cloth."""
    for seed in range(8):
        bare = crop()
        masked = prepare.masked(bare, np.random.default_rng(seed))
        changed = np.abs(masked.image.astype(int) - bare.image).max(axis=2) > 3
        assert changed[90:100, 60:84].mean() > 0.9
        assert not changed[40:58, 45:100].any()
        assert masked.target == one_hot(COVERED)


def test_gathered_faces_hold_variants_of_each_and_masks() -> None:
    """Targets carry their weights."""
    images, targets = prepare.gather([crop(NOT_SMILING, "talking")], [crop(NOT_SMILING)], [], seed=1, times=3)
    assert images.shape == (3 + 2 + 2, 48, 48)
    assert targets.sum(axis=0).tolist() == [5, 0, 2]


def test_what_is_written_teaches_smiling_alone(tmp_path: Path) -> None:
    """The faces have no seven classes; those of the validation split are to choose by."""
    datasets.save(make(70), tmp_path / "faces.npz")
    prepare.write(
        hard_faces(tmp_path), tmp_path / "faces.npz", None, None, tmp_path / "out.npz", times=2, seed=1
    )
    made = datasets.load(tmp_path / "out.npz")
    for head in ("ferplus", "fer2013"):
        assert (datasets.truth(made, head) == -1).all()
    assert datasets.truth(made.split("PublicTest"), "smiling").tolist() == [SMILING]
    assert set(datasets.truth(made.split("Training"), "smiling")) == {-1, NOT_SMILING, SMILING, COVERED}


def test_the_false_rate_is_that_of_the_threshold_that_takes_in_enough_smiles() -> None:
    """Nine of ten smiles lie over 0.45, and so does one of four others."""
    smiles = np.array([0.4, *np.linspace(0.5, 0.9, 9)], np.float32)
    others = np.array([0.1, 0.2, 0.45, 0.7], np.float32)
    score = np.concatenate([smiles, others])
    assert measure.false_rate(score, np.arange(14) < 10, 0.9) == 0.25


def test_a_probability_that_comes_true_has_no_calibration_error() -> None:
    """And one that says 0.9 where half smile is 0.4 off."""
    score = np.full(10, 0.9, np.float32)
    assert measure.calibration_error(score, np.arange(10) < 9) == pytest.approx(0, abs=1e-5)
    assert measure.calibration_error(score, np.arange(10) < 5) == pytest.approx(0.4, abs=1e-5)


class Knowing:
    """A predictor that knows the answers, by the order of the faces."""

    def __init__(self, outputs: dict[str, np.ndarray]) -> None:
        from smartselfie.classifiers.description import Description

        self.about = Description(activation="logits", read="ferplus")
        self.outputs = outputs

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """What it knows."""
        return self.outputs


def test_a_network_without_the_output_is_measured_by_happy() -> None:
    """So that the one before can be compared."""
    logits = np.zeros((2, 7), np.float32)
    logits[0, 3] = 9
    figures = measure.measure(Knowing({"ferplus": logits}), [crop(SMILING), crop(NOT_SMILING, "talking")])
    assert figures["ap"] == 1.0
    assert figures["by_kind"]["not smiling: talking"] == {"faces": 1, "over_threshold": 0.0}
    assert "covered" not in figures


def test_the_output_is_measured_with_its_masks() -> None:
    """A mask is a face that does not smile, and should be said to be covered."""
    logits = np.array([[0, 9, 0], [9, 0, 0], [0, 0, 9]], np.float32)
    crops = [crop(SMILING), crop(NOT_SMILING), crop(COVERED, "mask")]
    figures = measure.measure(Knowing({"smiling": logits}), crops)
    assert (figures["smiling"], figures["not_smiling"]) == (1, 2)
    assert figures["covered"] == {"found": 1.0, "false": 0.0}


@pytest.mark.filterwarnings("default")
def test_the_output_is_added_and_the_others_stay_as_they_are() -> None:
    """To the last bit, for it reads the same features."""
    from smartselfie.training import networks
    from smartselfie.training.smiling import head

    network = networks.build("smile", size=24, widths=(8, 16), blocks=(1, 2))
    faces = make(140)
    with pytest.raises(DataError, match="covered mouths"):
        head.add(network, faces, [])
    masks = dataclasses.replace(faces, smiles=np.tile(np.float32([0, 0, 1]), (140, 1)))
    made = head.add(network, faces, [masks])
    pictures = np.random.default_rng(0).uniform(0, 255, (3, 24, 24, 1)).astype(np.float32)
    before, after = network.predict(pictures, verbose=0), made.predict(pictures, verbose=0)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
    assert after["smiling"].shape == (3, 3)
    with pytest.raises(DataError, match="already"):
        head.add(made, faces, [masks])


def test_the_fitted_layer_tells_what_the_features_tell() -> None:
    """And is as sure of it as the weights of the targets are."""
    from smartselfie.training.smiling.head import fit_layer

    features = np.repeat(np.eye(3, dtype=np.float32), 40, axis=0)
    told = np.repeat(np.float32([[0.8, 0.2, 0], [0.1, 0.9, 0], [0, 0, 1]]), 40, axis=0)
    kernel, bias = fit_layer(features, told, penalty=1e-6)
    logits = features @ kernel + bias
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.abs(shares - told).max() < 0.02


def test_the_card_shows_what_was_measured_of_smiles(tmp_path: Path) -> None:
    """Beside the network before, where that was measured in the same run."""
    from smartselfie.training import card

    faces = [crop(SMILING), crop(NOT_SMILING)]
    figures = measure.measure(Knowing({"smiling": np.array([[0, 9, 0], [9, 0, 0]], np.float32)}), faces)
    before = measure.measure(Knowing({"ferplus": np.zeros((2, 7), np.float32)}), faces)
    told = {
        "name": "expression",
        "accuracy": {},
        "smiling": {"measured_by": "a command", "data": {"some faces": {"model": figures, "peer": before}}},
    }
    (tmp_path / "it.json").write_text(json.dumps(told))
    page = tmp_path / "page.md"
    page.write_text("<!-- figures -->\n<!-- /figures -->\n<!-- smiling -->\n<!-- /smiling -->\n")
    card.fill(page, tmp_path / "it.json")
    assert "### some faces: 1 smiling, 1 not" in page.read_text()
    assert "| smiles over 0.7 | 1 | 0 |" in page.read_text()


class Finding:
    """A detector that finds a small face and one with landmarks."""

    smallest = 0.0

    def __call__(self, image: np.ndarray, look: object) -> list[object]:
        """The same for every picture."""
        from smartselfie.records import Face

        return [Face(Box(1, 2, 3, 4)), Face(BOX, landmarks=crop().points)]


def test_photographs_are_cut_as_the_program_cuts_frames() -> None:
    """The largest face, upright where the detector has landmarks."""
    from smartselfie.training.crops import Found

    picture = crop().image[..., 0]
    np.testing.assert_array_equal(Found(Finding())(picture), vary.upright(crop()))


def test_an_unknown_detector_is_refused() -> None:
    """With those that there are."""
    from smartselfie.errors import UsageError
    from smartselfie.training.crops import finder

    with pytest.raises(UsageError, match="cascade, network or yunet:FILE"):
        finder("mtcnn")
