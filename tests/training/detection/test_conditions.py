"""What test pictures are put through."""

import numpy as np
import pytest

from smartselfie.training.detection import conditions
from tests.training.detection.drawn import picture


def at(image: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The pixel at a landmark."""
    x, y = np.round(place).astype(int)
    return image[y, x].astype(int)


def test_dimming_leaves_a_fifth() -> None:
    """Of every pixel."""
    drawn = picture()
    image, _, _ = conditions.dimmed(drawn.pixels(), drawn)
    assert image.astype(float) == pytest.approx(drawn.pixels() / 5, abs=1)


def test_glasses_hide_the_eyes_alone() -> None:
    """The mouth stays as it was."""
    drawn = picture()
    marks = drawn.faces[0, 4:14].reshape(5, 2)
    image, _, _ = conditions.glasses(drawn.pixels(), drawn)
    assert at(image, marks[0]).max() < 40
    assert at(image, marks[1]).max() < 40
    assert np.array_equal(at(image, marks[3]), at(drawn.pixels(), marks[3]))


def test_half_covered_hides_the_mouth_alone() -> None:
    """In one colour, the same each time; the eyes stay as they were."""
    drawn = picture()
    marks = drawn.faces[0, 4:14].reshape(5, 2)
    image, faces, _ = conditions.half_covered(drawn.pixels(), drawn)
    assert np.array_equal(at(image, marks[3]), at(image, marks[4]))
    assert np.array_equal(at(image, marks[0]), at(drawn.pixels(), marks[0]))
    assert np.array_equal(image, conditions.half_covered(drawn.pixels(), drawn)[0])
    assert np.array_equal(faces, drawn.faces)


def test_a_face_without_landmarks_is_ignored_where_something_is_drawn() -> None:
    """Nobody knows where its eyes are."""
    drawn = picture()
    drawn.faces[0, 4:14] = np.nan
    image, faces, ignore = conditions.glasses(drawn.pixels(), drawn)
    assert np.array_equal(image, drawn.pixels())
    assert len(faces) == 0
    assert np.array_equal(ignore, drawn.faces[:, :4])


def test_every_condition_leaves_labels_for_every_face() -> None:
    """Rolled pictures keep their faces too, both ways."""
    drawn = picture(people=2, size=0.4)
    counts = {
        name: [len(change(drawn.pixels(), drawn)[1]) for change in changes]
        for name, changes in conditions.CONDITIONS.items()
    }
    assert counts.pop("rolled 60°") == [2, 2]
    assert {count for each in counts.values() for count in each} == {2}
