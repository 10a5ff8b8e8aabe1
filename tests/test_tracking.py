"""Which face is which over time, and where to look next."""

from smartselfie.records import Box
from smartselfie.tracking import Tracker


def box(x: int, y: int = 100, side: int = 80) -> Box:
    """A square box."""
    return Box(x, y, side, side)


def test_a_face_keeps_its_id_while_it_moves() -> None:
    """A face that moves 20 pixels a frame stays track 1."""
    tracker = Tracker()
    ids = [tracker.update([box(100 + 20 * n)], at=n / 30)[0].track for n in range(20)]
    assert set(ids) == {1}


def test_two_faces_have_two_ids_whatever_their_order() -> None:
    """The ids follow the places, not the order of the boxes."""
    tracker = Tracker()
    first = tracker.update([box(100), box(400)], at=0)
    second = tracker.update([box(402), box(103)], at=0.03)
    assert [face.track for face in first] == [1, 2]
    assert [face.track for face in second] == [2, 1]


def test_a_short_loss_keeps_the_id() -> None:
    """A face undetected for less than leave_after comes back as itself."""
    tracker = Tracker(leave_after=1.0)
    tracker.update([box(100)], at=0)
    for n in range(1, 25):
        tracker.update([], at=n / 30)
    assert tracker.update([box(105)], at=0.9)[0].track == 1


def test_a_face_that_left_comes_back_with_a_new_id() -> None:
    """After leave_after a face at the same place is a new one."""
    tracker = Tracker(leave_after=1.0)
    tracker.update([box(100)], at=0)
    assert tracker.update([box(100)], at=1.5)[0].track == 2


def test_a_far_or_much_larger_box_is_another_face() -> None:
    """A box more than 0.7 face sizes away, or twice as large, is no match."""
    tracker = Tracker()
    tracker.update([box(100)], at=0)
    assert tracker.update([box(170)], at=0.03)[0].track == 2
    tracker = Tracker()
    tracker.update([box(100)], at=0)
    assert tracker.update([box(60, 60, 160)], at=0.03)[0].track == 2


def test_two_faces_that_cross_keep_their_ids() -> None:
    """Velocities tell faces apart that pass each other at different heights."""
    tracker = Tracker()
    for n in range(20):
        faces = tracker.update([box(100 + 15 * n, 100), box(400 - 15 * n, 150)], at=n / 30)
    assert [face.track for face in faces] == [1, 2]


def test_the_next_search_is_around_where_the_face_will_be() -> None:
    """The place to look runs ahead of a moving face."""
    tracker = Tracker()
    for n in range(10):
        tracker.update([box(100 + 10 * n)], at=n / 30)
    (around,) = tracker.look(10 / 30).around
    assert abs(around.x - 200) <= 2


def test_without_a_face_every_search_is_full() -> None:
    """Nobody known: look everywhere."""
    tracker = Tracker()
    tracker.update([], at=0)
    assert tracker.look(0.03).full


def test_a_full_search_is_due_every_rescan_frames() -> None:
    """With a known face every fifteenth search is a full one."""
    tracker = Tracker(rescan=15)
    full = []
    for n in range(46):
        look = tracker.look(n / 100)
        full.append(look.full)
        tracker.update([box(100)], at=n / 100, full=look.full)
    assert [n for n, due in enumerate(full) if due] == [0, 15, 30, 45]


def test_a_full_search_is_due_once_a_second() -> None:
    """At two frames a second the full search does not wait for fifteen frames."""
    tracker = Tracker(rescan=15)
    full = []
    for n in range(7):
        look = tracker.look(n / 2)
        full.append(look.full)
        tracker.update([box(100)], at=n / 2, full=look.full)
    assert full == [True, False, True, False, True, False, True]


def test_a_lost_face_is_searched_everywhere_at_once() -> None:
    """When a known face was not found around its place, the next search is full."""
    tracker = Tracker()
    tracker.update([box(100)], at=0)
    assert not tracker.look(0.03).full
    tracker.update([], at=0.03, full=False)
    assert tracker.look(0.06).full
