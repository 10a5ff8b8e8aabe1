"""Where labels come to lie when a picture is changed."""

import numpy as np
import pytest

from smartselfie.training.detection.geometry import affine, moved, rolled, transformed
from smartselfie.training.detection.pictures import Floats
from tests.training.detection.drawn import face

NONE = np.empty((0, 4), np.float32)


@pytest.mark.parametrize("degrees", [25, -60, 90])
def test_landmarks_turn_with_the_picture(degrees: float) -> None:
    """A dot painted on a landmark is found where the turned label says."""
    image = np.zeros((120, 200, 3), np.uint8)
    label = face(80, 60, 70)
    x, y = np.round(label[4:6]).astype(int)
    image[y - 1 : y + 2, x - 1 : x + 2] = 255
    turned, faces, _ = rolled(image, label[None], NONE, degrees)
    rows, columns = np.nonzero(turned[..., 0] > 100)
    assert (columns.mean(), rows.mean()) == pytest.approx(faces[0, 4:6], abs=1)


def test_a_quarter_turn_swaps_the_sides_of_a_box() -> None:
    """What was high is wide."""
    _, faces, _ = rolled(np.zeros((120, 200, 3), np.uint8), face(80, 60, 70)[None], NONE, 90)
    assert faces[0, 2:4] == pytest.approx(face(80, 60, 70)[[3, 2]], rel=1e-3)


def test_a_mirrored_face_has_its_left_eye_left() -> None:
    """Landmarks keep their order in the picture."""
    matrix = affine((50, 50), (50, 50), 0, -1, 1)
    faces, _ = transformed(face(40, 50, 40)[None], NONE, matrix, True, 100)
    assert faces[0, 4] < faces[0, 6]
    assert faces[0, 10] < faces[0, 12]


def kept(label: Floats) -> tuple[int, int]:
    """How many faces and boxes to ignore are left in a picture of 100 pixels."""
    faces, ignored = transformed(label[None], NONE, affine((0, 0), (0, 0), 0, 1, 1), False, 100)
    return len(faces), len(ignored)


def test_a_face_cut_off_for_more_than_half_is_ignored() -> None:
    """Neither rewarded nor punished; one that is gone is not."""
    assert kept(face(50, 50, 60)) == (1, 0)
    assert kept(face(-10, 50, 60)) == (0, 1)
    assert kept(face(-90, 50, 60)) == (0, 0)


def test_a_face_of_a_few_pixels_is_ignored() -> None:
    """Nobody could say what it is."""
    assert kept(face(50, 50, 8)) == (0, 1)


def test_moved_moves_boxes_and_landmarks_alike() -> None:
    """And leaves sizes and cover as they are."""
    assert moved(face(30, 30, 20)[None], 5, -3)[0] == pytest.approx(face(35, 27, 20), rel=1e-5)
