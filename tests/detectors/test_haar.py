"""The cascade: what it finds, where it looks, and which files it takes."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from smartselfie.detectors.cascades import find_cascade, has_cascades
from smartselfie.detectors.haar import HaarDetector
from smartselfie.errors import DetectorError
from smartselfie.records import Box, Image, Look
from smartselfie.sources.demo import DemoSource

CASCADE = "haarcascade_frontalface_default.xml"
pytestmark = pytest.mark.skipif(not has_cascades(), reason="OpenCV 5 has no cascades")


@pytest.fixture(scope="module")
def picture() -> Image:
    """The demo's face in 640x480."""
    frame = DemoSource(size=(640, 480)).read()
    assert frame is not None
    return frame.image


@pytest.fixture
def detector() -> HaarDetector:
    """The cascade that OpenCV ships, as the settings' defaults have it."""
    return HaarDetector(find_cascade(CASCADE), smallest=0.112)


@pytest.fixture
def face(picture: Image) -> Box:
    """Where the face is."""
    (face,) = HaarDetector(find_cascade(CASCADE))(picture, Look())
    return face.box


def test_the_face_is_found_in_pixels_of_the_picture(
    detector: HaarDetector, picture: Image, face: Box
) -> None:
    """A search at 320 and one at 640 pixels agree on where the face is."""
    (small,) = HaarDetector(find_cascade(CASCADE), detect_width=320)(picture, Look())
    assert face.iou(small.box) > 0.7


def test_a_known_face_is_found_around_its_last_place(
    detector: HaarDetector, picture: Image, face: Box
) -> None:
    """A face that moved by a tenth of its size is found without a search of the whole picture."""
    near = Box(face.x + face.width // 10, face.y - face.height // 10, face.width, face.height)
    (again,) = detector(picture, Look(share=0.0, around=(near,)))
    assert again.box.iou(face) > 0.7


def test_a_search_around_does_not_look_elsewhere(detector: HaarDetector, picture: Image, face: Box) -> None:
    """Where no face is known to be and nothing is due, none is found."""
    assert detector(picture, Look(share=0.0, around=(Box(0, 300, 100, 100),))) == []


def test_a_spread_search_finds_the_face_within_its_frames(detector: HaarDetector, picture: Image) -> None:
    """A search spread over 15 frames finds a new face in one of them."""
    found = [detector(picture, Look(share=1 / 15)) for _ in range(16)]
    assert any(found)


def test_a_spread_search_finds_what_a_full_one_finds(
    detector: HaarDetector, picture: Image, face: Box
) -> None:
    """The box that the pieces give is that of the full search."""
    found = [find for _ in range(16) for find in detector(picture, Look(share=1 / 15))]
    assert all(find.box.iou(face) > 0.6 for find in found)


def test_a_face_is_reported_once(detector: HaarDetector, picture: Image, face: Box) -> None:
    """A face found by the full search and known before is one face."""
    assert len(detector(picture, Look(share=1.0, around=(face,)))) == 1


def test_a_small_face_is_found_only_down_to_the_wanted_size(picture: Image, face: Box) -> None:
    """`smallest` above the face's share of the picture leaves it out."""
    assert HaarDetector(find_cascade(CASCADE), smallest=0.8)(picture, Look()) == []


def test_the_smallest_face_depends_on_the_width_searched() -> None:
    """The window of 24 pixels at 320 is 96 pixels of 1280."""
    assert HaarDetector(find_cascade(CASCADE), detect_width=320).smallest_face((1280, 720)) == 96


def test_a_change_of_size_is_survived(detector: HaarDetector, picture: Image) -> None:
    """A picture of another size in the middle of a spread search is searched all the same."""
    detector(picture, Look(share=1 / 15))
    small = picture[::2, ::2]
    assert any(detector(small, Look(share=1 / 15)) for _ in range(16))


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (20, 20)])
def test_a_picture_without_room_for_a_face_has_none(
    detector: HaarDetector, picture: Image, size: tuple[int, int]
) -> None:
    """Pictures smaller than the window are no error."""
    tiny = picture[: size[1], : size[0]]
    assert detector(tiny, Look()) == []
    assert detector(tiny, Look(share=0.5, around=(Box(0, 0, 10, 10),))) == []


def test_a_missing_cascade_names_where_it_was_looked_for() -> None:
    """The error names the file and the folders."""
    with pytest.raises(DetectorError, match=r"nothing\.xml not found; looked in .*haarcascade"):
        find_cascade("nothing.xml")


def test_a_cascade_beside_the_settings_comes_first(tmp_path: Path) -> None:
    """A file in one of the given folders wins over OpenCV's."""
    own = tmp_path / CASCADE
    own.write_text("mine")
    assert find_cascade(CASCADE, (tmp_path,)) == own


def test_a_cascade_for_something_else_is_refused() -> None:
    """A cascade whose window is no square looks for people or plates, not for faces."""
    with pytest.raises(DetectorError, match=r"14x28 pixels"):
        HaarDetector(find_cascade("haarcascade_fullbody.xml"))


def test_the_smallest_face_may_change_at_any_time(picture: Image, face: Box) -> None:
    """A detector that was told to leave small faces out finds them when told otherwise."""
    detector = HaarDetector(find_cascade(CASCADE), smallest=0.8)
    assert not any(detector(picture, Look(share=1 / 15)) for _ in range(16))
    detector.smallest = 0.1
    assert any(detector(picture, Look(share=1 / 15)) for _ in range(16))


@pytest.mark.parametrize("content", ["", "not xml", '<?xml version="1.0"?><opencv_storage></opencv_storage>'])
def test_a_file_that_is_no_cascade_is_refused(tmp_path: Path, content: str) -> None:
    """A wrong file is one clear error."""
    wrong = tmp_path / "wrong.xml"
    wrong.write_text(content)
    with pytest.raises(DetectorError, match=r"wrong\.xml: not a cascade"):
        HaarDetector(wrong)


@pytest.fixture
def nested(picture: Image, face: Box) -> Image:
    """A small face where the large one's forehead is: eyes and nostrils are found like that."""
    side = face.width // 3
    cut = picture[face.y : face.bottom, face.x : face.right]
    small = cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA)
    made = picture.copy()
    made[face.y + 10 : face.y + 10 + side, face.x + face.width // 3 :][:, :side] = small
    return made


def test_a_face_within_a_face_is_none(nested: Image, face: Box) -> None:
    """The small one is found alone, and not in the large one."""
    alone = nested.copy()
    alone[face.y + face.height // 2 :] = 128
    detector = HaarDetector(find_cascade(CASCADE), detect_width=640)
    assert [find.box.width < face.width // 2 for find in detector(alone, Look())] == [True]
    assert [find.box.width < face.width // 2 for find in detector(nested, Look())] == [False]


def test_what_is_found_on_a_resting_face_is_no_other_face(nested: Image, face: Box) -> None:
    """Neither by pieces nor by a search of everything; the face itself is not returned by pieces."""
    detector = HaarDetector(find_cascade(CASCADE), detect_width=640)
    pieces = [detector(nested, Look(share=1 / 15, resting=(face,))) for _ in range(32)]
    assert all(found == [] for found in pieces)
    hidden = nested.copy()
    hidden[face.y + face.height // 2 :] = 128
    assert detector(hidden, Look(resting=(face,))) == []


def test_a_find_is_confirmed_before_it_is_a_face() -> None:
    """A piece of the search takes any window for a find; on blurred noise none of them is a face."""
    for seed in range(12):
        noise = np.random.default_rng(seed).integers(0, 255, (24, 32), dtype=np.uint8)
        gray = cv2.resize(noise, (640, 480), interpolation=cv2.INTER_CUBIC)
        picture = np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), np.uint8)
        detector = HaarDetector(find_cascade(CASCADE))
        assert [detector(picture, Look(share=1 / 5)) for _ in range(6)] == [[]] * 6
