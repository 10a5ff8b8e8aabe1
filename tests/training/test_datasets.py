"""Labels, votes and the targets made of them."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from smartselfie.errors import DataError
from smartselfie.records import CLASSES
from smartselfie.training import datasets
from smartselfie.training.datasets import VOTES, Faces
from tests.training.faces import make


def face_with(**votes: int) -> Faces:
    """One angry face with these FER+ votes."""
    row = np.array([[votes.get(name, 0) for name in VOTES]], np.int16)
    return Faces(np.zeros((1, 48, 48), np.uint8), np.zeros(1, np.int8), row, np.zeros(1, np.int8))


def test_votes_are_in_our_class_order() -> None:
    """FER+ lists neutral first; the targets are in FER2013's order."""
    target = datasets.ferplus_targets(face_with(neutral=5, happiness=5))[0]
    assert target[CLASSES.index("neutral")] == target[CLASSES.index("happy")] == 0.5


def test_single_votes_are_dropped() -> None:
    """A class that one person alone voted for is noise."""
    target = datasets.ferplus_targets(face_with(sadness=8, fear=1))[0]
    assert target[CLASSES.index("sad")] == 1


def test_single_votes_stay_when_there_are_no_others() -> None:
    """Where every vote is single, dropping them would leave nothing to learn from."""
    assert datasets.ferplus_targets(face_with(sadness=1, fear=1))[0].sum() == pytest.approx(1)


def test_a_face_without_votes_teaches_nothing() -> None:
    """Its row of targets is zeros."""
    assert datasets.ferplus_targets(face_with(NF=10)).sum() == 0


@pytest.mark.parametrize(
    ("votes", "majority"),
    [
        ({"sadness": 6, "fear": 4}, "sad"),
        ({"sadness": 5, "fear": 5}, None),
        ({"sadness": 4, "unknown": 4, "fear": 2}, None),
        ({"sadness": 4, "contempt": 3}, "sad"),
    ],
)
def test_majority_is_unique_and_above_the_other_answers(votes: dict[str, int], majority: str | None) -> None:
    """A tie, or as many votes for contempt, unknown or not-a-face, is no majority."""
    expected = -1 if majority is None else CLASSES.index(majority)
    assert datasets.ferplus_majority(face_with(**votes))[0] == expected


def test_label_smoothing_keeps_the_sum() -> None:
    """Smoothed labels are still distributions."""
    target = datasets.fer2013_targets(make(14), 0.1)
    assert target.sum(1) == pytest.approx(1)
    assert target.max() == pytest.approx(0.9 + 0.1 / 7)


def test_a_blend_lies_between_the_two() -> None:
    """Half label, half votes."""
    target = datasets.targets(face_with(sadness=10), "blend", blend=0.5)[0]
    assert target[CLASSES.index("angry")] == target[CLASSES.index("sad")] == 0.5


def test_saved_faces_come_back(tmp_path: Path) -> None:
    """What `save` writes `load` reads."""
    faces = make(20)
    datasets.save(faces, tmp_path / "deep" / "faces.npz")
    again = datasets.load(tmp_path / "deep" / "faces.npz")
    assert (again.images == faces.images).all()
    assert (again.votes == faces.votes).all()


def test_missing_faces_say_what_makes_them(tmp_path: Path) -> None:
    """The error names `prepare`."""
    with pytest.raises(DataError, match="prepare"):
        datasets.load(tmp_path / "faces.npz")


@pytest.mark.parametrize("half", [False, True])
def test_a_file_of_something_else_is_refused(tmp_path: Path, half: bool) -> None:
    """Not a traceback of NumPy's."""
    (tmp_path / "faces.npz").write_text("not faces")
    if half:
        datasets.save(make(7), tmp_path / "whole.npz")
        data = (tmp_path / "whole.npz").read_bytes()
        (tmp_path / "faces.npz").write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match="not a file of prepared faces"):
        datasets.load(tmp_path / "faces.npz")


def test_an_empty_split_is_refused() -> None:
    """Training without validation faces cannot choose."""
    with pytest.raises(DataError, match="PublicTest"):
        make(7).split("PublicTest")


def test_smiling_is_what_three_people_say_who_agree() -> None:
    """Contempt and unknown are no smiles, and votes for no face do not count: here six of eight see one."""
    faces = make(7)
    faces.votes[:] = 0
    faces.votes[0, VOTES.index("happiness")], faces.votes[0, VOTES.index("contempt")] = 6, 2
    faces.votes[0, VOTES.index("NF")] = 2
    targets = datasets.smiling_targets(faces)
    assert targets[0].tolist() == pytest.approx([1 / 28, 27 / 28, 0])
    assert targets[1].tolist() == [0.0, 0.0, 0.0]
    assert datasets.truth(faces, "smiling")[:2].tolist() == [datasets.SMILING, -1]


def test_joined_faces_keep_what_each_says_of_smiling(tmp_path: Path) -> None:
    """Of those that bring nothing along the votes tell; saved, they come back."""
    voted = make(7)
    told = dataclasses.replace(make(7), smiles=np.tile(np.float32([0, 0, 0.3]), (7, 1)))
    joined = datasets.join([voted, told])
    assert joined.smiles is not None
    np.testing.assert_array_equal(joined.smiles[:7], datasets.smiling_targets(voted))
    assert (datasets.truth(joined, "smiling")[7:] == datasets.COVERED).all()
    datasets.save(joined, tmp_path / "faces.npz")
    loaded = datasets.load(tmp_path / "faces.npz")
    np.testing.assert_array_equal(loaded.smiles, joined.smiles)
    assert datasets.join([voted, voted]).smiles is None
