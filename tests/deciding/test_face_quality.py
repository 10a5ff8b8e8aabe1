"""What is measured of a face: sharpness, motion, whether it is inside, whether its eyes are open."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from smartselfie.deciding.eyes import EYE_CASCADE, EyeMeter
from smartselfie.deciding.face_quality import FaceQualityMeter, inside, sharpness, stillness
from smartselfie.deciding.frame_quality import OPEN
from smartselfie.detectors.cascades import find_cascade, has_cascades
from smartselfie.errors import DetectorError
from smartselfie.records import Box, Face, Image, Landmarks
from smartselfie.sources.demo import Actor, DemoScript, draw_scene
from tests.fakes import scores

SIZE = (640, 480)


def scene(**actor: object) -> Image:
    """The demo's person, looking into the camera."""
    return draw_scene(DemoScript((Actor(**actor),), 10), SIZE, 1.0)  # type: ignore[arg-type]


BOX = Box(224, 125, 192, 192)
"""Where the cascade finds that face."""
LANDMARKS = ((288.5, 198.7), (355.3, 202.5), (322.0, 241.4), (292.0, 270.2), (350.0, 270.2))
"""Its eyes, nose and corners of the mouth."""


def test_a_blurred_face_is_less_sharp() -> None:
    """The more it is blurred the smaller the number."""
    sharp = scene()
    values = [sharpness(sharp, BOX)] + [
        sharpness(np.asarray(cv2.GaussianBlur(sharp, (0, 0), blur), np.uint8), BOX) for blur in (1.0, 3.0)
    ]
    assert values[0] > 1.5 * values[1] > 3 * values[2]


def test_sharpness_does_not_depend_on_the_size_of_the_picture() -> None:
    """The same face, twice as large and as sharp, measures about the same."""
    large = scene()
    small = np.asarray(cv2.resize(large, (320, 240), interpolation=cv2.INTER_AREA), np.uint8)
    larger = np.asarray(cv2.resize(small, SIZE, interpolation=cv2.INTER_LINEAR), np.uint8)
    half = Box(BOX.x // 2, BOX.y // 2, BOX.width // 2, BOX.height // 2)
    assert sharpness(small, half) == pytest.approx(sharpness(larger, BOX), rel=0.5)


def test_a_face_over_the_border_is_partly_inside() -> None:
    """The share is that of the box's area, 0 for a box that is wholly outside."""
    assert inside(Box(10, 10, 100, 100), SIZE) == 1
    assert inside(Box(-50, 10, 100, 100), SIZE) == 0.5
    assert inside(Box(590, 430, 100, 100), SIZE) == 0.25
    assert inside(Box(700, 10, 100, 100), SIZE) == 0
    assert inside(Box(700, 500, 100, 100), SIZE) == 0


def test_a_moving_face_is_less_still() -> None:
    """The same picture is wholly still; the faster the face moves the less."""
    now = scene(x=0.5)
    values = [stillness(now, scene(x=0.5 + step), BOX) for step in (0.0, 0.01, 0.05)]
    assert values[0] == 1
    assert 1 > values[1] > values[2] > 0


def test_a_change_of_the_pictures_size_says_nothing_of_motion() -> None:
    """After a reconnect the frame before may have another size."""
    assert stillness(scene(), np.zeros((10, 10, 3), np.uint8), BOX) == 0.5


CASCADE = find_cascade(EYE_CASCADE) if has_cascades() else None
needs_cascade = pytest.mark.skipif(CASCADE is None, reason="OpenCV 5 has no cascades")


@pytest.mark.parametrize(
    ("cascade", "landmarks"),
    [
        pytest.param(CASCADE, None, marks=needs_cascade),
        pytest.param(CASCADE, LANDMARKS, marks=needs_cascade),
        (None, LANDMARKS),
    ],
)
def test_a_closed_eye_is_told_from_an_open_one(cascade: Path | None, landmarks: Landmarks | None) -> None:
    """The demo's person has open eyes, and closed ones when blinking; cascade or landmarks are enough."""
    eyes = EyeMeter(cascade)
    shut, awake = (eyes(image, Face(BOX, landmarks=landmarks)) for image in (scene(blinks=(1.0,)), scene()))
    assert shut is not None
    assert awake is not None
    assert shut < OPEN <= awake


@pytest.mark.parametrize("cascade", [pytest.param(CASCADE, marks=needs_cascade), None])
def test_eyes_are_judged_where_the_landmarks_are(cascade: Path | None) -> None:
    """A head that lies on its side has its eyes elsewhere in the box."""
    turned = cv2.rotate(scene(), cv2.ROTATE_90_CLOCKWISE)
    height = SIZE[1]
    eye, other, nose, corner, last = ((height - y, x) for x, y in LANDMARKS)
    box = Box(height - BOX.bottom, BOX.x, BOX.height, BOX.width)
    face = Face(box, landmarks=(eye, other, nose, corner, last))
    value = EyeMeter(cascade)(np.asarray(turned, np.uint8), face)
    assert value is not None
    assert value >= OPEN


def test_without_cascade_and_landmarks_eyes_are_unknown() -> None:
    """With OpenCV 5 and a detector that gives boxes only: all else is measured."""
    quality = FaceQualityMeter(EyeMeter(None))(scene(), Face(BOX, 1, scores(0.5)), None)
    assert quality.eyes is None
    assert quality.smile == 0.5


@needs_cascade
@pytest.mark.parametrize("box", [Box(-100, -100, 150, 150), Box(600, 440, 200, 200), Box(300, 300, 1, 1)])
def test_faces_at_the_border_can_be_measured(box: Box) -> None:
    """Wherever a box lies, there is a quality of it."""
    meter = FaceQualityMeter(EyeMeter(CASCADE))
    quality = meter(scene(), Face(box, 1, scores(0.5)), None)
    assert quality.eyes == 0
    assert quality.smile == 0.5


def test_a_portrait_has_everything() -> None:
    """Without an eye meter the eyes are unknown, all else is measured."""
    quality = FaceQualityMeter()(scene(), Face(BOX, 1, scores(0.7)), scene())
    assert (quality.smile, quality.eyes, quality.inside, quality.stillness) == (0.7, None, 1.0, 1.0)
    assert quality.area == BOX.area


@needs_cascade
def test_a_file_that_is_no_cascade_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / "eye.xml").write_text("<x/>")
    with pytest.raises(DetectorError, match=r"eye\.xml"):
        EyeMeter(tmp_path / "eye.xml")
