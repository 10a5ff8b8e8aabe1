"""How a box becomes the network's crop."""

import cv2
import numpy as np
import pytest

from smartselfie.deciding.face_input import SCALE, crop_face, crop_faces, crop_region
from smartselfie.records import Box


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
    """Two boxes give (2, h, w), none gives (0, h, w)."""
    boxes = [Box(20, 20, 50, 50), Box(80, 40, 70, 70)]
    assert crop_faces(ramp(), boxes, (64, 40)).shape == (2, 40, 64)
    assert crop_faces(ramp(), []).shape == (0, 48, 48)
