"""How a box becomes the network's crop."""

import cv2
import numpy as np
import pytest

from smartselfie.deciding.face_input import (
    SCALE,
    UPRIGHT_PLACE,
    crop_face,
    crop_faces,
    crop_region,
    upright_pose,
)
from smartselfie.records import Box, Face


def ramp(width: int = 200, height: int = 160) -> np.ndarray:
    """A gray picture that grows brighter to the right."""
    return np.tile(np.linspace(0, 250, width).astype(np.uint8), (height, 1))


def test_the_region_is_a_square_around_the_boxs_middle() -> None:
    """A wide box gives a square of its longer side, enlarged by SCALE."""
    region = crop_region(Box(50, 40, 60, 40), shift=0.0)
    assert region.width == region.height == round(60 * SCALE)
    assert region.centre == pytest.approx((80, 60), abs=1)


def test_the_shift_moves_the_region_down() -> None:
    """A shift of a tenth moves it by a tenth of the box's height."""
    box = Box(50, 40, 60, 60)
    assert crop_region(box, shift=0.1).y - crop_region(box, shift=0.0).y == 6


def test_a_crop_is_gray_of_the_wanted_size() -> None:
    """From color or gray, any size in, (48, 48) uint8 out."""
    gray = ramp()
    for image in (gray, np.dstack([gray] * 3)):
        crop = crop_face(image, Box(20, 20, 70, 70))
        assert crop.shape == (48, 48)
        assert crop.dtype == np.uint8


def test_color_and_gray_give_the_same_crop() -> None:
    """A gray picture in three channels is the same face."""
    gray = ramp()
    color = np.dstack([gray] * 3)
    box = Box(20, 20, 70, 70)
    assert np.abs(crop_face(gray, box).astype(int) - crop_face(color, box)).max() <= 1


@pytest.mark.parametrize("side", [60, 90, 110, 130])
@pytest.mark.parametrize("size", [(48, 48), (64, 40)])
def test_a_large_face_is_averaged(side: int, size: tuple[int, int]) -> None:
    """In two steps where that is quicker, and hardly any otherwise than in one."""
    rng = np.random.default_rng(1)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (160, 200), dtype=np.uint8), (0, 0), 1)
    box = Box(20, 10, side, side)
    region = crop_region(box)
    cut = picture[region.y : region.bottom, region.x : region.right]
    plain = cv2.resize(cut, size, interpolation=cv2.INTER_AREA)
    assert np.abs(crop_face(picture, box, size).astype(int) - plain).mean() < 1


@pytest.mark.parametrize(
    "box", [Box(-30, -30, 80, 80), Box(170, 130, 60, 60), Box(-500, 0, 50, 50), Box(0, 0, 1, 1)]
)
def test_a_face_at_or_over_the_border_keeps_its_shape(box: Box) -> None:
    """What lies outside is filled with the nearest pixels, wherever the box is."""
    crop = crop_face(ramp(), box)
    assert crop.shape == (48, 48)


def test_the_border_is_filled_with_its_nearest_pixels() -> None:
    """Left of the picture the crop is as dark as the picture's left edge."""
    crop = crop_face(ramp(), Box(-60, 20, 80, 80))
    assert crop[:, 0].max() <= 2
    assert crop[:, -1].min() > 10


def test_several_faces_make_one_batch() -> None:
    """Two faces give (2, h, w), none gives (0, h, w)."""
    faces = [Face(Box(20, 20, 50, 50)), Face(Box(80, 40, 70, 70))]
    assert crop_faces(ramp(), faces, (64, 40)).shape == (2, 40, 64)
    assert crop_faces(ramp(), []).shape == (0, 48, 48)


POINTS = [(80.0, 60.0), (120.0, 60.0), (100.0, 82.0), (84.0, 100.0), (116.0, 100.0)]
"""Landmarks of an upright face around the middle of a picture of 200x160."""
BOX = Box(50, 25, 100, 110)


def drawn() -> np.ndarray:
    """A gray picture with a face at POINTS."""
    picture = np.full((160, 200), 90, np.uint8)
    cv2.ellipse(picture, (100, 78), (45, 60), 0, 0, 360, 180, -1)
    for x, y in POINTS[:2]:
        cv2.circle(picture, (int(x), int(y)), 7, 30, -1)
    cv2.line(picture, (84, 100), (116, 100), 40, 5)
    return cv2.GaussianBlur(picture, (0, 0), 2)


def turned(degrees: float, scale: float = 1.0) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """The drawn face rolled around the picture's middle, with its landmarks."""
    matrix = cv2.getRotationMatrix2D((100, 80), degrees, scale)
    points = np.array(POINTS) @ matrix[:, :2].T + matrix[:, 2]
    picture = cv2.warpAffine(drawn(), matrix, (200, 160), borderMode=cv2.BORDER_REPLICATE)
    return picture, [(float(x), float(y)) for x, y in points]


@pytest.mark.parametrize("degrees", [-60, -25, 40])
def test_a_rolled_face_with_landmarks_is_turned_upright(degrees: float) -> None:
    """The network sees what it sees of the same face upright; on the box alone it sees it rolled."""
    upright = crop_face(drawn(), BOX, landmarks=POINTS).astype(int)
    picture, points = turned(degrees)
    assert np.abs(crop_face(picture, BOX, landmarks=points) - upright).mean() < 3
    assert np.abs(crop_face(picture, BOX) - upright).mean() > 15


@pytest.mark.parametrize("scale", [0.6, 1.25])
def test_an_upright_crop_is_as_large_as_its_face(scale: float) -> None:
    """A nearer face fills no more of its crop."""
    picture, points = turned(0, scale)
    far = crop_face(drawn(), BOX, landmarks=POINTS).astype(int)
    assert np.abs(crop_face(picture, BOX, landmarks=points) - far).mean() < 5


@pytest.mark.parametrize("times", [1, 4, 9])
@pytest.mark.parametrize("size", [(48, 48), (64, 40)])
def test_pictures_of_any_size_give_the_same_upright_crop(times: int, size: tuple[int, int]) -> None:
    """Thinning out a large picture hardly changes it."""
    picture, points = turned(20)
    large = cv2.resize(picture, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    scaled = [((x + 0.5) * times - 0.5, (y + 0.5) * times - 0.5) for x, y in points]
    box = Box(*(times * side for side in (BOX.x, BOX.y, BOX.width, BOX.height)))
    small = crop_face(picture, BOX, size, landmarks=points).astype(int)
    assert np.abs(crop_face(large, box, size, landmarks=scaled) - small).mean() < 3


def test_eyes_and_mouth_lie_where_the_network_expects_them() -> None:
    """The eyes' line is level and the middle between eyes and mouth UPRIGHT_PLACE of the way down."""
    picture = np.zeros((160, 200), np.uint8)
    cv2.circle(picture, (100, 80), 4, 255, -1)
    crop = crop_face(picture, BOX, landmarks=POINTS).astype(float)
    rows, columns = np.indices(crop.shape)
    assert (rows * crop).sum() / crop.sum() == pytest.approx(UPRIGHT_PLACE * 48 - 0.5, abs=0.6)
    assert (columns * crop).sum() / crop.sum() == pytest.approx(23.5, abs=0.6)


@pytest.mark.parametrize(
    "points",
    [[(100.0, 80.0)] * 5, [(float("nan"), 0.0)] * 5, [(x * 9, y * 9) for x, y in POINTS]],
    ids=["one point", "no numbers", "a face nine times as large"],
)
def test_landmarks_that_cannot_be_the_boxs_are_not_believed(points: list[tuple[float, float]]) -> None:
    """The crop is then that of the box."""
    np.testing.assert_array_equal(crop_face(drawn(), BOX, landmarks=points), crop_face(drawn(), BOX))


def test_an_upright_face_over_the_border_is_filled_with_the_nearest_pixels() -> None:
    """Wherever the face is, nothing fails and nothing is black."""
    for dx, dy in ((-110, 0), (120, 0), (0, -100), (0, 90), (-400, 300)):
        points = [(x + dx, y + dy) for x, y in POINTS]
        crop = crop_face(drawn(), Box(BOX.x + dx, BOX.y + dy, BOX.width, BOX.height), landmarks=points)
        assert crop.min() > 20


def test_turning_the_head_does_not_enlarge_the_face() -> None:
    """With the eyes nearer to each other the scale is that of eyes to mouth."""
    narrow = [(100 + (x - 100) / 2, y) for x, y in POINTS]
    assert upright_pose(narrow).side == upright_pose(POINTS).side


def test_faces_with_and_without_landmarks_share_a_batch() -> None:
    """Each is cut as it would be alone."""
    crops = crop_faces(drawn(), [Face(BOX), Face(BOX, landmarks=tuple(POINTS))])
    np.testing.assert_array_equal(crops[0], crop_face(drawn(), BOX))
    np.testing.assert_array_equal(crops[1], crop_face(drawn(), BOX, landmarks=POINTS))
