"""The copy of a picture that the network searches."""

import cv2
import numpy as np
import pytest

from smartselfie.detectors.network import MULTIPLE, fitted
from smartselfie.sources.demo import DemoSource


@pytest.mark.parametrize(
    "size", [(320, 240), (640, 480), (1280, 720), (1920, 1080), (720, 1280), (4000, 3000)]
)
def test_it_is_the_picture_made_small(size: tuple[int, int]) -> None:
    """Near to what averaging all pixels gives, its longer side as asked, filled up with black."""
    frame = DemoSource(size).read()
    assert frame is not None
    small, scale = fitted(frame.image, 256)
    wide, high = round(size[0] * scale), round(size[1] * scale)
    assert max(wide, high) == 256
    assert [side % MULTIPLE for side in small.shape[:2]] == [0, 0]
    truth = cv2.resize(frame.image, (wide, high), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(small[:high, :wide] - truth).mean() < 1
    assert not small[high:].any()
    assert not small[:, wide:].any()
