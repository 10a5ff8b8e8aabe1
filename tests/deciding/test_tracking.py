"""Which face is which over time."""

import numpy as np
import pytest

from smartselfie.deciding.face_patch import Patch
from smartselfie.deciding.tracking import Tracker
from smartselfie.records import Box, Face, Look


def box(x: int, y: int = 100, side: int = 80) -> Box:
    """A square box."""
    return Box(x, y, side, side)


def finds(*boxes: Box) -> list[Face]:
    """Faces as a detector finds them."""
    return [Face(each) for each in boxes]


def test_a_face_keeps_its_id_while_it_moves() -> None:
    """A face that moves 20 pixels a frame stays track 1."""
    tracker = Tracker()
    ids = [tracker.update(finds(box(100 + 20 * n)), at=n / 30)[0].track for n in range(20)]
    assert set(ids) == {1}


def test_two_faces_have_two_ids_whatever_their_order() -> None:
    """The ids follow the places, not the order of the boxes."""
    tracker = Tracker()
    first = tracker.update(finds(box(100), box(400)), at=0)
    second = tracker.update(finds(box(402), box(103)), at=0.03)
    assert [face.track for face in first] == [1, 2]
    assert [face.track for face in second] == [2, 1]


def test_a_short_loss_keeps_the_id() -> None:
    """A face undetected for less than leave_after comes back as itself."""
    tracker = Tracker(leave_after=1.0)
    tracker.update(finds(box(100)), at=0)
    for n in range(1, 25):
        tracker.update([], at=n / 30)
    assert tracker.update(finds(box(105)), at=0.9)[0].track == 1


def test_a_face_that_left_comes_back_with_a_new_id() -> None:
    """After leave_after a face at the same place is a new one."""
    tracker = Tracker(leave_after=1.0)
    tracker.update(finds(box(100)), at=0)
    assert tracker.update(finds(box(100)), at=1.5)[0].track == 2


def test_a_far_or_much_larger_box_is_another_face() -> None:
    """A box more than 0.7 face sizes away, or twice as large, is no match."""
    tracker = Tracker()
    tracker.update(finds(box(100)), at=0)
    assert tracker.update(finds(box(170)), at=0.03)[0].track == 2
    tracker = Tracker()
    tracker.update(finds(box(100)), at=0)
    assert tracker.update(finds(box(60, 60, 160)), at=0.03)[0].track == 2


def test_two_faces_that_cross_keep_their_ids() -> None:
    """Velocities tell faces apart that pass each other at different heights."""
    tracker = Tracker()
    for n in range(20):
        faces = tracker.update(finds(box(100 + 15 * n, 100), box(400 - 15 * n, 150)), at=n / 30)
    assert [face.track for face in faces] == [1, 2]


def patch(pattern: int) -> Patch:
    """A face that looks like this number, and like no other."""
    return np.random.default_rng(pattern).normal(size=(32, 32)).astype(np.float32)


def test_a_track_ends_when_the_face_on_it_changes() -> None:
    """Another face at the very place of the last is a new one; the same a little changed is the same."""
    tracker = Tracker()
    tracker.update(finds(box(100)), at=0, patches=[patch(1)])
    (same,) = tracker.update(finds(box(100)), at=0.03, patches=[patch(1) + 0.3 * patch(2)])
    (other,) = tracker.update(finds(box(100)), at=0.06, patches=[patch(3)])
    assert (same.track, other.track) == (1, 2)


def test_tracks_end_at_a_cut() -> None:
    """After a hard cut even a somewhat similar face at the same place is another, the very same is not."""
    for mixed, track in ((1.5, 2), (0.1, 1)):
        tracker = Tracker()
        tracker.update(finds(box(100)), at=0, patches=[patch(1)])
        after = tracker.update(finds(box(100)), at=0.03, patches=[patch(1) + mixed * patch(2)], cut=True)
        assert [face.track for face in after] == [track]


def test_nobody_is_expected_beyond_a_cut() -> None:
    """A face that was there before the cut and is not found after it has left at once."""
    tracker = Tracker(leave_after=1.0)
    tracker.update(finds(box(100)), at=0, patches=[patch(1)])
    assert tracker.update([], at=0.03, patches=[], cut=True) == []
    (back,) = tracker.update(finds(box(100)), at=0.06, patches=[patch(1)])
    assert back.track == 2


def test_the_whole_picture_is_searched_in_every_frame() -> None:
    """That is what a detector of a millisecond or two is for."""
    tracker = Tracker()
    for n in range(5):
        assert tracker.look(n / 30) == Look()
        tracker.update(finds(box(100)), at=n / 30)


def test_between_searches_faces_are_predicted_with_their_landmarks() -> None:
    """With a search in every second frame the face is there in the others, moved on, and says so."""
    tracker = Tracker(every=2)
    points = ((110.0, 120.0), (150.0, 120.0), (130.0, 140.0), (115.0, 160.0), (145.0, 160.0))
    predicted = []
    for n in range(6):
        look = tracker.look(n / 30)
        shift = 4 * n
        moved = tuple((x + shift, y) for x, y in points)
        found = [Face(box(100 + shift), landmarks=moved)] if look.full else []  # type: ignore[arg-type]
        (face,) = tracker.update(found, at=n / 30)
        assert face.track == 1
        predicted.append(face)
    assert [face.predicted for face in predicted] == [False, True] * 3
    assert abs(predicted[5].box.x - 120) <= 1
    assert predicted[5].landmarks is not None
    assert abs(predicted[5].landmarks[0][0] - 130) <= 1


def test_a_search_once_in_no_frames_is_refused() -> None:
    """The rule and the value are named."""
    with pytest.raises(ValueError, match="need every >= 1, got 0"):
        Tracker(every=0)
