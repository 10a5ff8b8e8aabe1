"""Faces seen twice are one."""

import numpy as np

from smartselfie.detectors.maps import without_doubles


def row(x: float, width: float, score: float) -> list[float]:
    """A find of some width, 40 pixels high."""
    return [x, 10, width, 40, score]


def test_the_surer_of_two_boxes_on_a_face_stays() -> None:
    """And one beside it does too."""
    kept = without_doubles(np.array([row(12, 40, 0.6), row(10, 40, 0.9), row(80, 40, 0.5)], np.float32))
    assert kept[:, 0].tolist() == [10, 80]


def test_boxes_without_area_end_the_search_too() -> None:
    """Other networks give such; each is looked at once."""
    odd = np.array([row(10, 0, 0.9), row(10, 40, 0.8), row(np.nan, 40, 0.7)], np.float32)
    assert len(without_doubles(odd)) == 3
