"""Frames that came near to a picture are kept, one for each smile that fired nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from smartselfie.deciding.moment import Moment
from smartselfie.outputs.near_misses import NearMiss, NearMisses, NearMissKeeper
from smartselfie.pipeline import Loop
from tests.fakes import KeepShots, analysis, frames

THRESHOLD = 0.6


def misses(numbers: Sequence[float | None], *, armed: bool = True) -> list[NearMiss]:
    """Run P(happy) at 10 frames a second through analysis and watch."""
    analyse, watch, found = analysis(), NearMisses(), []
    analyse.trigger.arm(armed)
    for frame in frames(numbers):
        faces, decision = analyse(frame)
        miss = watch.update(frame, faces, decision, THRESHOLD)
        if miss is not None:
            found.append(miss)
    return found


NOTHING = [0.1] * 10


def test_a_smile_below_the_threshold_is_a_near_miss() -> None:
    """Its broadest frame is kept once it has been over for half a second."""
    (miss,) = misses([*NOTHING, 0.51, 0.55, 0.52, *NOTHING])
    assert miss.frame.seq == 11
    assert miss.decided == pytest.approx(1.7)


def test_a_hold_that_is_too_short_is_a_near_miss() -> None:
    """Nine frames of smile are one frame short."""
    assert len(misses([*NOTHING, *[0.9] * 9, *NOTHING])) == 1


def test_a_smile_that_fires_is_none() -> None:
    """The picture was taken, and what follows while it rests is no miss either."""
    assert misses([*NOTHING, *[0.9] * 20, *[0.55] * 5, *NOTHING]) == []


def test_a_faint_smile_is_none() -> None:
    """Below two thirds of the threshold nobody came near, nor when happy is not the largest class."""
    assert misses([*NOTHING, *[0.39] * 9, *NOTHING]) == []
    assert misses([*NOTHING, *[0.45] * 9, *NOTHING]) == []


def test_a_pause_within_a_smile_makes_no_second_miss() -> None:
    """Less than half a second below is the same smile."""
    assert len(misses([*NOTHING, 0.55, 0.55, *[0.1] * 4, 0.55, 0.55, *NOTHING])) == 1


def test_near_misses_are_apart() -> None:
    """People who talk come near all the time: one in two seconds is kept."""
    assert len(misses([0.55, *[0.1] * 6] * 10)) == 4  # at 0, 2.1, 4.2 and 6.3 s


def test_a_disarmed_trigger_misses_nothing() -> None:
    """When no picture is wanted none is missed."""
    assert misses([*NOTHING, *[0.55] * 3, *NOTHING], armed=False) == []


def test_the_keeper_saves_the_clean_frame_with_its_time() -> None:
    """The saver gets the frame that came nearest, when it was taken, and why."""
    saver, other = KeepShots(), KeepShots()
    now = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
    keeper = NearMissKeeper(saver, now=lambda: now)
    numbers = [*NOTHING, 0.61, 0.65, 0.62, *NOTHING]
    Loop(analysis(), Moment(), other, viewers=[keeper]).run(frames(numbers))
    (shot,) = saver.shots
    assert (shot.seq, shot.by, shot.picked_at) == (11, "near miss", pytest.approx(1.1))
    assert (now - shot.taken).total_seconds() == pytest.approx(0.6)
    assert other.shots == []
    assert shot.image[0, 0, 0] == 1 + round(0.65 * 200)
