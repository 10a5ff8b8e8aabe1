"""When a delivery may be tried: lists of numbers, no clock."""

from __future__ import annotations

import pytest

from smartselfie.outputs.pace import Pace


def test_pauses_double_up_to_the_longest() -> None:
    """Each failure waits twice as long as the one before, and never longer than the longest pause."""
    pace, at, waits = Pace(pauses=(1, 30), jitter=lambda: 0), 0.0, []
    for _ in range(7):
        pace.fail(at)
        waits.append(pace.wait(at))
        at += waits[-1]
        assert pace.wait(at) == 0
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_jitter_shortens_by_up_to_a_half() -> None:
    """Two cameras that failed together do not come back together."""
    pace = Pace(pauses=(8, 8), jitter=lambda: 1)
    pace.fail(0)
    assert pace.wait(0) == 4


def test_a_success_ends_the_pause() -> None:
    """After it the next pause is the shortest again."""
    pace = Pace(pauses=(1, 30), jitter=lambda: 0)
    for _ in range(5):
        pace.fail(0)
    pace.succeed()
    assert (pace.wait(0), pace.failures) == (0, 0)
    pace.fail(0)
    assert pace.wait(0) == 1


def test_the_far_sides_wish_counts_within_bounds() -> None:
    """Retry-After is obeyed, but nobody can ask for a week."""
    pace = Pace(pauses=(1, 30), jitter=lambda: 0)
    pace.fail(0, wish=20)
    assert pace.wait(0) == 20
    pace.fail(0, wish=1e6)
    assert pace.wait(0) == 300


def test_the_rate_lets_a_burst_through_and_then_one_at_a_time() -> None:
    """Six a minute: six at once, the seventh ten seconds later; a clock that stands still waits no less."""
    pace, at = Pace(per_minute=6), 100.0
    for _ in range(6):
        assert pace.wait(at) == 0
        pace.begin(at)
    assert pace.wait(at) == pytest.approx(10)
    assert pace.wait(at + 4) == pytest.approx(6)
    assert pace.wait(at + 10) == 0


def test_hurry_ends_the_pause_and_not_the_rate() -> None:
    """A far side that is back is told at once, yet no faster than allowed."""
    pace = Pace(pauses=(30, 30), per_minute=1, jitter=lambda: 0)
    pace.begin(0)
    pace.fail(0)
    pace.hurry()
    assert pace.wait(0) == pytest.approx(60)
    assert pace.wait(60) == 0


def test_pauses_that_make_no_sense_are_refused() -> None:
    """The error says the rule and the value."""
    with pytest.raises(ValueError, match=r"0 < shortest <= longest pause, got \(2, 1\)"):
        Pace(pauses=(2, 1))
