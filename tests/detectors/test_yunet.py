"""The YuNet detector: squares like the cascade's, and clear words for a wrong file."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from smartselfie.detectors.cascades import find_cascade, has_cascades
from smartselfie.detectors.haar import HaarDetector
from smartselfie.detectors.yunet import YuNetDetector
from smartselfie.errors import DetectorError
from smartselfie.records import Box, Image, Look
from tests.shared import shared_path

NETWORK = "peers/face_detection_yunet_2023mar.onnx"


@pytest.fixture(scope="module")
def detect() -> YuNetDetector:
    """The detector with the file that users bring."""
    return YuNetDetector(shared_path(NETWORK))


@pytest.fixture(scope="module")
def portrait() -> Image:
    """The first frame of a clip of one person."""
    capture = cv2.VideoCapture(str(shared_path("videos/pf_single_face.mp4")))
    ok, image = capture.read()
    capture.release()
    assert ok
    return np.asarray(image, np.uint8)


@pytest.mark.skipif(not has_cascades(), reason="OpenCV 5 has no cascades")
def test_its_box_is_the_cascades(detect: YuNetDetector, portrait: Image) -> None:
    """One face, framed by a square that the cascade would have given too."""
    (face,) = detect(portrait, Look())
    haar = HaarDetector(find_cascade("haarcascade_frontalface_default.xml"))(portrait, Look())[0]
    assert face.box.width == face.box.height
    assert face.box.iou(haar.box) > 0.75


def test_its_landmarks_lie_in_the_box_in_their_order(detect: YuNetDetector, portrait: Image) -> None:
    """Eyes above the nose above the mouth, left of the picture first; and it says how sure it is."""
    (face,) = detect(portrait, Look())
    assert face.landmarks is not None
    eye, other_eye, nose, corner, other_corner = face.landmarks
    assert eye[0] < nose[0] < other_eye[0]
    assert corner[0] < nose[0] < other_corner[0]
    assert max(eye[1], other_eye[1]) < nose[1] < min(corner[1], other_corner[1])
    assert all(
        face.box.x < x < face.box.right and face.box.y < y < face.box.bottom for x, y in face.landmarks
    )
    assert face.score is not None
    assert 0.8 <= face.score <= 1


def test_a_large_picture_is_searched_small_and_answered_large(detect: YuNetDetector, portrait: Image) -> None:
    """Boxes are in pixels of the picture that was given."""
    (small,) = detect(portrait, Look())
    (large,) = detect(np.asarray(cv2.resize(portrait, None, fx=3, fy=3), np.uint8), Look())
    assert (
        Box(*(3 * side for side in (small.box.x, small.box.y, small.box.width, small.box.height))).iou(
            large.box
        )
        > 0.8
    )


def test_a_face_on_its_side_is_found(detect: YuNetDetector, portrait: Image) -> None:
    """That is what one brings the file for."""
    turned = cv2.warpAffine(portrait, cv2.getRotationMatrix2D((301, 194), 40, 1), portrait.shape[1::-1])
    assert len(detect(np.asarray(turned, np.uint8), Look())) == 1


def test_nothing_is_searched_without_a_reason(detect: YuNetDetector, portrait: Image) -> None:
    """No search due and no known face: no work, no boxes; a known face or shares that add up are enough."""
    assert detect(portrait, Look(share=0)) == []
    assert [len(detect(portrait, Look(share=0.5))) for _ in range(4)] == [0, 1, 0, 1]
    assert len(detect(portrait, Look(share=0, around=(Box(200, 90, 190, 190),)))) == 1


def test_small_faces_can_be_left_out(portrait: Image) -> None:
    """`smallest` is a share of the shorter side."""
    network = shared_path(NETWORK)
    assert len(YuNetDetector(network, smallest=0.5)(portrait, Look())) == 1
    assert YuNetDetector(network, smallest=0.6)(portrait, Look()) == []


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (700, 3), (48, 48)])
def test_pictures_of_any_size_are_searched(detect: YuNetDetector, size: tuple[int, int]) -> None:
    """Tiny and narrow ones have no face, and raise nothing."""
    assert detect(np.zeros((*size, 3), np.uint8), Look()) == []


def test_it_says_how_small_a_face_may_be(detect: YuNetDetector) -> None:
    """Ten pixels of the searched picture."""
    assert (detect.smallest_face((1280, 720)), detect.smallest_face((160, 120))) == (40, 10)


BAD: dict[str, tuple[Callable[[Path], bytes | None], str]] = {
    "missing": (lambda network: None, "no such file"),
    "empty": (lambda network: b"", "not a YuNet network"),
    "text": (lambda network: b"nothing of the kind", "not a YuNet network"),
    "cut off": (lambda network: network.read_bytes()[:100_000], "not a YuNet network"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_in_one_line(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The error names the file and the matter, and OpenCV adds nothing of its own to the terminal."""
    make, message = BAD[case]
    path = tmp_path / "network.onnx"
    data = make(shared_path(NETWORK)) if case == "cut off" else make(path)
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(DetectorError, match=f"^{path}: {message}"):
        YuNetDetector(path)
    assert capfd.readouterr() == ("", "")
