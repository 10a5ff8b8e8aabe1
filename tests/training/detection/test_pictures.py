"""The file of labelled pictures."""

from pathlib import Path

import numpy as np
import pytest

from smartselfie.errors import DataError
from smartselfie.training.detection.pictures import held_back, load, save
from tests.training.detection.drawn import picture, picture_named


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    """Pictures, labels and splits, one without any face among them."""
    made = [picture("a", people=2), picture("b", people=0, split="val"), picture("c")]
    save(made, tmp_path / "new" / "faces.npz")
    for mine, theirs in zip(made, load(tmp_path / "new" / "faces.npz"), strict=True):
        assert (mine.name, mine.split, mine.source) == (theirs.name, theirs.split, theirs.source)
        assert np.array_equal(mine.pixels(), theirs.pixels())
        assert np.array_equal(mine.faces, theirs.faces)


def test_another_file_is_refused(tmp_path: Path) -> None:
    """Missing, or no such array file."""
    with pytest.raises(DataError, match="no such file"):
        load(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("faces")
    with pytest.raises(DataError, match="not pictures prepared"):
        load(tmp_path / "text.npz")


def test_a_damaged_picture_is_named() -> None:
    """By a clear error."""
    with pytest.raises(DataError, match=r"gone\.png: not a picture"):
        picture_named("gone.png").pixels()


def test_about_a_sixteenth_is_held_back() -> None:
    """By the name alone."""
    share = np.mean([held_back(picture_named(f"{number}.jpg")) for number in range(4000)])
    assert share == pytest.approx(1 / 16, abs=0.01)
