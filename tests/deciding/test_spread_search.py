"""Where the cascade is to look next."""

import itertools

import pytest

from smartselfie.deciding.spread_search import SpreadSearchTracker
from tests.deciding.test_tracking import box, finds


def test_the_next_search_is_around_where_the_face_will_be() -> None:
    """The place to look runs ahead of a moving face."""
    tracker = SpreadSearchTracker()
    for n in range(10):
        tracker.update(finds(box(100 + 10 * n)), at=n / 30)
    (around,) = tracker.look(10 / 30).around
    assert abs(around.x - 200) <= 2


def test_without_a_face_every_search_is_full_while_something_moves() -> None:
    """Nobody known and something moves: look everywhere at once."""
    tracker = SpreadSearchTracker()
    tracker.update([], at=0)
    assert tracker.look(0.03).full


def test_without_a_face_and_movement_the_picture_is_searched_once_a_second() -> None:
    """The shares of a second's frames add up to one search."""
    tracker = SpreadSearchTracker(full_every=1.0)
    tracker.update([], at=0)
    shares = []
    for n in range(1, 31):
        shares.append(tracker.look(n / 30, moved=False).share)
        tracker.update([], at=n / 30)
    assert round(sum(shares), 6) == 1


def test_while_something_moves_a_search_is_spread_over_rescan_frames() -> None:
    """With a known face each frame's share is one over `rescan`."""
    tracker = SpreadSearchTracker(rescan=15)
    tracker.update(finds(box(100)), at=0)
    assert tracker.look(1 / 100).share == 1 / 15


def test_a_search_is_complete_once_a_second_at_any_rate() -> None:
    """At two frames a second half the picture is due each frame, whatever `rescan` says."""
    tracker = SpreadSearchTracker(rescan=15)
    tracker.update(finds(box(100)), at=0)
    assert tracker.look(0.5).share == 0.5


def test_a_lost_face_is_searched_everywhere_at_once() -> None:
    """When a known face was not found around its place, the next search is full."""
    tracker = SpreadSearchTracker()
    tracker.update(finds(box(100)), at=0)
    assert not tracker.look(0.03).full
    tracker.update([], at=0.03)
    assert tracker.look(0.06, moved=False).full


def test_a_face_that_stays_lost_is_not_searched_everywhere_for_ever() -> None:
    """After three searches of the whole picture a still one is searched once a second again."""
    tracker = SpreadSearchTracker(leave_after=5)
    tracker.update(finds(box(100)), at=0)
    full = []
    for n in range(1, 8):
        full.append(tracker.look(n / 30, moved=False).full)
        tracker.update([], at=n / 30)
    assert full == [False, True, True, True, False, False, False]


def test_five_faces_are_searched_in_turn() -> None:
    """Of five known faces at most three are searched in each frame, and each at least in every third."""
    tracker = SpreadSearchTracker()
    places = {number: box(100 * number) for number in range(1, 6)}
    tracker.update(finds(*places.values()), at=0)
    searched: list[set[int]] = []
    for n in range(1, 10):
        look = tracker.look(n / 30)
        found = [place for place in places.values() if any(place.iou(near) > 0.9 for near in look.around)]
        searched.append({place.x // 100 for place in found})
        tracker.update(finds(*found), at=n / 30)
    assert all(1 <= len(turn) <= 3 for turn in searched)
    for start in range(len(searched) - 2):
        assert set.union(*searched[start : start + 3]) == set(places)


def test_a_face_whose_turn_it_is_not_is_there_all_the_same() -> None:
    """Faces that are only predicted are among the faces of the frame, with their ids."""
    tracker = SpreadSearchTracker()
    places = [box(100 * number) for number in range(1, 6)]
    tracker.update(finds(*places), at=0)
    look = tracker.look(1 / 30)
    faces = tracker.update(finds(*look.around), at=1 / 30)
    assert sorted(face.track for face in faces) == [1, 2, 3, 4, 5]


def searches(*steps: int, rate: float = 30, frames: int = 10) -> list[list[int]]:
    """By frame, which faces are searched that move so many pixels a frame; each is 80 pixels wide."""
    tracker = SpreadSearchTracker()
    searched = []
    for n in range(frames):
        places = [box(100 + step * n, 100 + 200 * row) for row, step in enumerate(steps)]
        look = tracker.look(n / rate, moved=False)
        due = [row for row, place in enumerate(places) if any(place.iou(near) > 0.5 for near in look.around)]
        searched.append(list(range(len(steps))) if look.full else due)
        faces = tracker.update(finds(*(places[row] for row in searched[-1])), at=n / rate)
        assert sorted(face.track for face in faces) == [1 + row for row in range(len(steps))]
        assert look.full or len(look.around) + len(look.resting) == len(steps)
    return searched


def test_a_face_that_stands_still_is_searched_every_third_frame() -> None:
    """At 30 frames a second, from its second find on; in between it is there, as predicted."""
    assert searches(0) == [[0], [0], [], [], [0], [], [], [0], [], []]


def test_a_face_that_moves_is_searched_in_every_frame() -> None:
    """A speed of two sizes a second is too much to predict."""
    assert all(searches(5))


@pytest.mark.parametrize(("rate", "apart"), [(60, 3), (25, 3), (15, 2), (10, 1)])
def test_a_still_face_rests_for_two_frames_and_for_a_tenth_of_a_second_at_the_most(
    rate: float, apart: int
) -> None:
    """The slower the frames come, the more can happen between two of them."""
    when = [n for n, due in enumerate(searches(0, rate=rate, frames=100)) if due][1:]
    assert {later - earlier for earlier, later in itertools.pairwise(when)} == {apart}


def test_still_faces_do_not_take_the_turns_of_one_that_moves() -> None:
    """Of three, listed last, it is searched at least in every second frame."""
    later = searches(0, 0, 5, frames=30)
    assert all(2 in one or 2 in other for one, other in itertools.pairwise(later))


def test_still_faces_are_not_all_searched_in_one_frame() -> None:
    """Five that were found together take turns from then on."""
    later = searches(0, 0, 0, 0, 0, frames=30)[3:]
    assert {len(due) for due in later} == {1, 2}
