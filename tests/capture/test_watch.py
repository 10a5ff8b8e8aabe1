"""The judgement over a camera, as lists of numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartselfie.capture.watch import CameraStatus, FrameStatistics, Watch, backoff


def feed(
    watch: Watch, start: float, stop: float, *, light: float = 120, changed: bool = True
) -> list[CameraStatus]:
    """Ten frames a second; what the watch said after each."""
    said = []
    for tenth in range(round(start * 10), round(stop * 10)):
        watch.frame(tenth / 10, light=light, changed=changed)
        said.append(watch.status)
    return said


def running() -> Watch:
    """A watch over a camera that is well at 0."""
    watch = Watch(stall_after=3, frozen_after=20, black_after=2)
    watch.opened(-0.5)
    feed(watch, -0.5, 0.1)
    assert watch.status is CameraStatus.OK
    return watch


def test_it_starts_by_waiting() -> None:
    """Before anything has happened nothing is wrong, and no time makes it so: opening may take long."""
    watch = Watch()
    watch.tick(100.0)
    assert watch.status is CameraStatus.STARTING


def test_the_first_frame_has_a_patience_of_its_own() -> None:
    """A camera that opens and gives no frame is stalled after `first_after`, whatever `stall_after` is."""
    watch = Watch(stall_after=3, first_after=2)
    watch.opened(10.0)
    watch.tick(11.99)
    assert watch.status is CameraStatus.STARTING
    watch.tick(12.0)
    assert watch.status is CameraStatus.STALLED


def test_a_frame_that_stays_away_is_a_stall() -> None:
    """Without a frame for `stall_after` the camera is stalled, since then."""
    watch = running()
    watch.tick(2.99)
    assert watch.status is CameraStatus.OK
    watch.tick(3.0)
    assert watch.status is CameraStatus.STALLED
    assert watch.since == 3.0


def test_a_failed_read_is_a_loss_at_once() -> None:
    """A read that fails is `unplugged` at once, since the first failure."""
    watch = running()
    watch.failed(0.5)
    watch.failed(1.5)
    assert watch.status is CameraStatus.LOST
    assert watch.status.value == "unplugged"
    assert watch.since == 0.5


def test_a_stall_that_ends_in_an_error_stays_a_stall() -> None:
    """What went wrong first is what is said."""
    watch = running()
    watch.tick(3.0)
    watch.failed(3.3)
    assert watch.status is CameraStatus.STALLED


def test_nothing_is_due_while_nothing_is_open() -> None:
    """Between a loss and the next opening no stall can begin."""
    watch = running()
    watch.failed(1.0)
    watch.tick(60.0)
    assert watch.status is CameraStatus.LOST
    assert watch.deadline is None


@pytest.mark.parametrize("trouble", ["lost", "stalled"])
def test_a_frame_ends_a_loss(trouble: str) -> None:
    """With its first frame the camera is back."""
    watch = running()
    if trouble == "lost":
        watch.failed(1.0)
    else:
        watch.tick(9.0)
    watch.opened(10.0)
    assert watch.status is not CameraStatus.OK
    watch.frame(10.5, light=120, changed=True)
    assert watch.status is CameraStatus.OK
    assert watch.since is None


def test_a_loss_does_not_count_as_frozen_or_black() -> None:
    """After a loss the same picture is not frozen at once, nor a dark one black at once."""
    watch = running()
    watch.frame(0.2, light=0, changed=True)
    watch.failed(1.0)
    watch.opened(40.0)
    assert feed(watch, 40.0, 41.0, light=0, changed=False)[-1] is CameraStatus.OK


def test_identical_pictures_are_frozen_after_a_while() -> None:
    """Pictures that do not change for `frozen_after` are frozen, not a moment before."""
    watch = running()
    assert set(feed(watch, 0.1, 20.0, changed=False)) == {CameraStatus.OK}
    assert set(feed(watch, 20.1, 21.0, changed=False)) == {CameraStatus.FROZEN}


def test_a_frozen_camera_is_opened_anew_once() -> None:
    """One reconnect is asked for; if the pictures stay the same after it, there is only the warning."""
    watch = running()
    feed(watch, 0.1, 20.2, changed=False)
    assert watch.reconnect
    watch.reconnect = False
    watch.closed()
    watch.opened(20.4)
    said = feed(watch, 20.5, 300.0, changed=False)
    assert set(said) == {CameraStatus.FROZEN}
    assert not watch.reconnect


def test_a_picture_that_changes_thaws() -> None:
    """The first different picture ends `frozen`."""
    watch = running()
    feed(watch, 0.1, 25.0, changed=False)
    watch.frame(25.0, light=120, changed=True)
    assert watch.status is CameraStatus.OK
    assert not watch.reconnect


def test_a_slide_show_is_not_opened_again_and_again() -> None:
    """A picture that changes only now and then costs one reconnect in ten minutes."""
    watch = running()
    asked = 0
    for tenth in range(1, 6000):
        watch.frame(tenth / 10, light=120, changed=tenth % 300 == 0)
        asked += watch.reconnect
        watch.reconnect = False
    assert asked == 1


def test_black_pictures_are_black_after_two_seconds() -> None:
    """Black from the very first frame is said after `black_after`."""
    watch = Watch(black_after=2)
    watch.opened(0.0)
    assert set(feed(watch, 0.0, 2.0, light=3)) == {CameraStatus.OK}
    assert set(feed(watch, 2.0, 2.5, light=3)) == {CameraStatus.BLACK}


def test_black_wins_over_frozen() -> None:
    """A camera that sends the same black picture for ever is black."""
    watch = running()
    said = feed(watch, 0.1, 60.0, light=0, changed=False)
    assert CameraStatus.FROZEN not in said
    assert said[-1] is CameraStatus.BLACK


def test_a_flicker_in_the_dark_is_no_news() -> None:
    """Light for less than a second does not end `black`; light that stays does."""
    watch = running()
    feed(watch, 0.1, 3.0, light=0)
    assert set(feed(watch, 3.0, 3.9, light=100)) == {CameraStatus.BLACK}
    feed(watch, 3.9, 4.0, light=0)
    assert set(feed(watch, 4.0, 4.9, light=100)) == {CameraStatus.BLACK}
    assert feed(watch, 4.9, 5.2, light=100)[-1] is CameraStatus.OK


def test_dusk_changes_its_mind_once() -> None:
    """Light that hovers around the limit between dark and light is one change, not many."""
    watch = running()
    feed(watch, 0.1, 3.0, light=31)
    said = (
        feed(watch, 3.0, 10.0, light=36)
        + feed(watch, 10.0, 20.0, light=31)
        + feed(watch, 20.0, 25.0, light=39)
    )
    assert set(said) == {CameraStatus.BLACK}


def test_a_black_camera_is_opened_anew_once() -> None:
    """After a while in the dark one reconnect is asked for: some cameras wake from it."""
    watch = running()
    asked = []
    for tenth in range(1, 3000):
        watch.frame(tenth / 10, light=0, changed=True)
        if watch.reconnect:
            asked.append(tenth / 10)
        watch.reconnect = False
    assert asked == [pytest.approx(22.1)]  # black since 2.1, for as long as frozen pictures take


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["frame", "tick", "failed", "opened", "closed", "stuck"]),
            st.floats(0, 30),
            st.booleans(),
            st.floats(0, 255),
        ),
        max_size=60,
    )
)
def test_trouble_always_has_a_beginning(events: list[tuple[str, float, bool, float]]) -> None:
    """Whatever happens in whatever order, `since` is set just when something is wrong."""
    watch, now = Watch(), 0.0
    for what, step, changed, light in events:
        now += step
        match what:
            case "frame":
                watch.frame(now, light=light, changed=changed)
            case "closed":
                watch.closed()
            case _:
                getattr(watch, what)(now)
        wrong = watch.status not in (CameraStatus.OK, CameraStatus.STARTING)
        assert (watch.since is not None) == wrong
        assert watch.since is None or watch.since <= now


@pytest.mark.parametrize("attempt", range(12))
@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_the_wait_between_attempts_is_bounded(attempt: int, chance: float) -> None:
    """Half a second at least, two at most, longer with each failure, never the same for two programs."""
    assert 0.5 <= backoff(attempt, chance) <= 2.0
    assert backoff(attempt + 1, chance) >= backoff(attempt, chance)
    assert backoff(attempt, 1.0) > backoff(attempt, 0.0)


def picture(value: int = 120, noise: int = 40, shape: tuple[int, int] = (480, 640)) -> np.ndarray:
    """A noisy gray picture."""
    rng = np.random.default_rng(1)
    return rng.integers(value, value + noise + 1, (*shape, 3)).astype(np.uint8)


def test_a_glance_sees_whether_pictures_differ() -> None:
    """The same picture twice has not changed; sensor noise alone is a change."""
    statistics = FrameStatistics()
    statistics(picture())
    assert statistics.changed
    statistics(picture())
    assert not statistics.changed
    statistics(picture(121))
    assert statistics.changed


def test_a_glance_survives_a_new_resolution() -> None:
    """A picture of another size is a change."""
    statistics = FrameStatistics()
    statistics(picture())
    statistics(picture(shape=(720, 1280)))
    assert statistics.changed


@pytest.mark.parametrize(
    ("image", "light"),
    [
        (picture(0, 12), False),  # a lens cap, with the sensor's noise
        (np.full((480, 640, 3), 130, np.uint8), False),  # one even colour: nothing is seen
        (picture(30, 60), True),  # a dim room
        (
            np.pad(picture(180, 60, (100, 200)), ((100, 280), (200, 240), (0, 0))),
            True,
        ),  # a lit face in the dark
    ],
    ids=["cap", "even", "dim", "face"],
)
def test_a_glance_tells_black_from_dim(image: np.ndarray, light: bool) -> None:
    """Dark or even pictures have no light; a dim room and a lit face in the dark have."""
    statistics = FrameStatistics()
    statistics(image)
    assert (statistics.light > 40) == light
    assert light or statistics.light < 32


def test_a_glance_is_cheap() -> None:
    """It looks at a few thousand pixels, whatever the size of the picture."""
    for shape in [(1, 1), (240, 320), (720, 1280), (2160, 3840)]:
        statistics = FrameStatistics()
        statistics(picture(shape=shape))
        assert statistics._sample is not None
        assert statistics._sample.size <= 8000
