"""How many labelled faces the detector that ships finds: the truth is the data set's, not this program's."""

import cv2
import numpy as np
import pytest

from smartselfie.detectors.network import NetworkDetector, default_model
from smartselfie.errors import ModelError
from smartselfie.training.detection.measure import Matched, match
from smartselfie.training.detection.pictures import Picture
from smartselfie.training.detection.readers import read_part
from tests.shared import shared_path

DATA = "data/faces_detection.zip"
STEP = 4
"""Every fourth picture of the split val: about 160."""


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    """Labelled pictures that nothing was chosen on."""
    return read_part(shared_path(DATA), "val", STEP)


@pytest.fixture(scope="module")
def detector() -> NetworkDetector:
    """The one that ships."""
    try:
        return NetworkDetector(default_model())
    except ModelError as error:
        pytest.skip(f"no detector ships yet: {error}")


def held(detector: NetworkDetector, pictures: list[Picture], light: float = 1.0) -> Matched:
    """What it finds at the score that ships, against the labels."""
    images = [cv2.convertScaleAbs(each.pixels(), alpha=light) for each in pictures]
    found = [detector.search(np.asarray(image, np.uint8), detector.min_score) for image in images]
    shorter = [float(min(image.shape[:2])) for image in images]
    return match(found, [each.faces for each in pictures], [each.ignore for each in pictures], shorter)


def test_labelled_faces_are_found_with_few_false_boxes(
    detector: NetworkDetector, pictures: list[Picture]
) -> None:
    """Nine of ten faces from a tenth of the shorter side on, one false box in 16 pictures at the most."""
    matched = held(detector, pictures)
    assert matched.faces > 100
    assert matched.recall() >= 0.9
    assert matched.false_per_picture(detector.min_score) <= 1 / 16


def test_faces_are_found_in_a_dim_room(detector: NetworkDetector, pictures: list[Picture]) -> None:
    """With a fifth of the light left."""
    assert held(detector, pictures, light=0.2).recall() >= 0.85


def test_landmarks_lie_where_the_labels_say(detector: NetworkDetector, pictures: list[Picture]) -> None:
    """Within a twelfth of the face's size, in the middle of all that are found."""
    away = []
    for each in (one for one in pictures if len(one.faces) == 1):
        found = detector.search(each.pixels(), detector.min_score)
        if len(found) == 1 and np.isfinite(each.faces[0]).all():
            size = float(np.sqrt(each.faces[0, 2] * each.faces[0, 3]))
            apart = found[0, 5:15].reshape(5, 2) - each.faces[0, 4:14].reshape(5, 2)
            away.append(np.hypot(*apart.T).mean() / size)
    assert len(away) > 30
    assert np.median(away) < 1 / 12
