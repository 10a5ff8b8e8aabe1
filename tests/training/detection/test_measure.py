"""Recall and false boxes."""

import numpy as np
import pytest

from smartselfie.training.detection.measure import Matched, match
from smartselfie.training.detection.pictures import Floats

NONE = np.empty((0, 4), np.float32)


def boxes(*rows: tuple[float, ...]) -> Floats:
    """Boxes as an array."""
    return np.array(rows, np.float32)


def one(found: Floats, labels: Floats, ignore: Floats = NONE) -> Matched:
    """Of one picture of 100 pixels."""
    return match([found], [labels], [ignore], [100.0])


def test_a_box_on_a_face_finds_it() -> None:
    """With its score, and is not false; at an overlap of 0.33 it is, and finds nothing."""
    assert one(boxes((12, 10, 40, 40, 0.8)), boxes((10, 10, 40, 40))).recall(0.8) == 1
    missed = one(boxes((30, 10, 40, 40, 0.8)), boxes((10, 10, 40, 40)))
    assert missed.recall() == 0
    assert missed.false_per_picture(0.5) == 1


def test_a_second_box_on_a_face_is_false() -> None:
    """The surer one has found it."""
    held = one(boxes((10, 10, 40, 40, 0.6), (12, 10, 40, 40, 0.9)), boxes((10, 10, 40, 40)))
    assert held.hit_scores == pytest.approx([0.9])
    assert held.falses[:, 5] == pytest.approx([0.6])


def test_boxes_on_what_is_ignored_are_not_false() -> None:
    """Nor those that lie within it by half."""
    free = boxes((50, 50, 40, 40))
    assert len(one(boxes((52, 52, 38, 38, 0.9), (55, 55, 10, 10, 0.9)), NONE, free).falses) == 0
    assert len(one(boxes((0, 0, 40, 40, 0.9)), NONE, free).falses) == 1


def test_small_faces_do_not_count_but_may_be_found() -> None:
    """Under a tenth of the shorter side."""
    held = one(boxes((10, 10, 9, 9, 0.9)), boxes((10, 10, 9, 9)))
    assert held.faces == 0
    assert len(held.falses) == 0
    assert np.isnan(held.recall())
    assert held.recall(low=0.05, high=0.1) == 1


def held_of(hits: list[float], falses: list[float], pictures: int) -> Matched:
    """A detector's finds by their scores alone."""
    rows = np.array([[0, 0, 0, 9, 9, score] for score in falses], np.float32).reshape(-1, 6)
    places = np.zeros((len(hits), 2), int)
    return Matched(np.array(hits, np.float32), np.ones(len(hits), np.float32), places, rows, pictures)


def test_the_threshold_is_the_lowest_with_so_many_false_boxes() -> None:
    """One in ten pictures may be false: the second surest one goes."""
    held = held_of([0.9, 0.5, 0.3, 0], [0.8, 0.4, 0.2], 10)
    assert held.threshold_for(0.1) == pytest.approx(0.4)
    assert held.false_per_picture(held.threshold_for(0.1)) == pytest.approx(0.1)
    assert held.recall_at(0.1) == 0.5
    assert held.recall_at(1) == 0.75


def test_precision_falls_where_false_boxes_come() -> None:
    """By hand: found at 0.9 with no false box, at 0.5 with one, at 0.3 with two."""
    recall, precision = held_of([0.9, 0.5, 0.3, 0], [0.8, 0.4, 0.2], 10).curve()
    assert recall == pytest.approx([0.25, 0.5, 0.75])
    assert precision == pytest.approx([1, 2 / 3, 3 / 5])
    assert held_of([0.9, 0.5, 0.3, 0], [0.8, 0.4, 0.2], 10).average_precision() == pytest.approx(
        0.25 * (1 + 2 / 3 + 3 / 5)
    )
    assert held_of([0, 0], [0.5], 1).average_precision() == 0
