"""The loop: frames in, shots and views out, commands obeyed."""

import logging
import queue
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from smartselfie.deciding.moment import Moment
from smartselfie.deciding.rules import Rules
from smartselfie.pipeline import Loop
from smartselfie.records import (
    Arm,
    Box,
    Change,
    Command,
    Face,
    Frame,
    Quit,
    Reload,
    Scores,
    Shutter,
    State,
    View,
)
from tests.fakes import EVERYBODY, KeepShots, analysis, frames, happy_frame

SMILE = [0.1] * 5 + [0.9] * 15 + [0.1] * 5


class Watcher:
    """A viewer that remembers views and asks for things at given frames."""

    def __init__(self, asks: dict[int, Command] | None = None) -> None:
        self.views: list[View] = []
        self.asks = asks or {}

    def __call__(self, view: View) -> None:
        """Remember."""
        self.views.append(view)

    def tick(self) -> Iterable[Command]:
        """Ask for what is due at the newest frame."""
        command = self.asks.get(self.views[-1].frame.seq)
        return [] if command is None else [command]


def test_a_smile_of_ten_frames_is_saved() -> None:
    """The tenth smiling frame goes to the saver, clean and with its faces."""
    saver = KeepShots()
    Loop(analysis(), None, saver).run(frames(SMILE))
    (shot,) = saver.shots
    assert shot.seq == 14
    assert shot.faces[0].scores is not None
    assert round(shot.faces[0].scores.happy, 2) == 0.9
    assert np.array_equal(shot.image, happy_frame(0.9, 14).image)


def asking(asks: dict[int, Command]) -> dict[str, Any]:
    """What a loop takes to be asked for things at given frames."""
    watcher = Watcher(asks)
    return {"viewers": [watcher], "ticks": [watcher.tick]}


def test_every_frame_is_seen_by_the_viewers() -> None:
    """A viewer gets a view of each frame with its faces and decision."""
    watcher = Watcher()
    Loop(analysis(), None, KeepShots(), viewers=[watcher]).run(frames(SMILE))
    assert [view.frame.seq for view in watcher.views] == list(range(len(SMILE)))
    assert watcher.views[9].decision.state is State.HOLDING
    assert watcher.views[14].last_shot is not None


def test_the_shutter_takes_the_next_frame() -> None:
    """A shutter command saves a frame without any smile and says who asked."""
    saver = KeepShots()
    Loop(analysis(), None, saver, **asking({2: Shutter("key")})).run(frames([0.1] * 6))
    assert [(shot.seq, shot.by) for shot in saver.shots] == [(3, "key")]


def test_quit_ends_the_loop() -> None:
    """After a quit no further frame is taken."""
    watcher = Watcher({3: Quit()})
    Loop(analysis(), None, KeepShots(), viewers=[watcher], ticks=[watcher.tick]).run(frames(SMILE))
    assert len(watcher.views) == 4


def test_a_disarmed_trigger_takes_no_picture() -> None:
    """Arm(None) toggles, and a disarmed trigger does not fire."""
    saver = KeepShots()
    Loop(analysis(), None, saver, **asking({0: Arm()})).run(frames(SMILE))
    assert saver.shots == []


def test_commands_come_from_the_queue_too() -> None:
    """Changes and reloads from other threads reach their handlers before the next frame."""
    commands: queue.Queue[Command] = queue.Queue()
    change = Change({"trigger.threshold": 0.5})
    commands.put(change)
    commands.put(Reload())
    seen: list[object] = []
    Loop(
        analysis(),
        None,
        KeepShots(),
        commands=commands,
        change=seen.append,
        reload=lambda: seen.append("reload"),
    ).run(frames([0.1]))
    assert seen == [change, "reload"]


def test_a_tick_without_a_frame_still_serves_viewers() -> None:
    """While a camera is lost viewers go on and see the notices."""
    watcher = Watcher()
    Loop(analysis(), None, KeepShots(), viewers=[watcher], notices=lambda: ("camera lost",)).run([None, None])
    assert [view.notices for view in watcher.views] == [("camera lost",)] * 2


def test_a_live_shot_has_the_time_its_frame_had() -> None:
    """A shot decided one second after its frame carries the frame's wall-clock time."""
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    saver = KeepShots()
    loop = Loop(
        analysis(Rules(rule="frames", hold_frames=1, **EVERYBODY)),
        None,
        saver,
        live=True,
        clock=lambda: 11.0,
        now=lambda: noon,
    )
    loop.run([Frame(happy_frame(0.9, 0).image, 0, 10.0)])
    assert saver.shots[0].taken == noon - timedelta(seconds=1)


def test_the_saved_picture_is_the_full_resolution_still() -> None:
    """Where a camera gives a still, that is what is saved."""
    large = np.full((960, 1280, 3), 7, np.uint8)
    frame = Frame(happy_frame(0.9, 0).image, 0, 0.0, take_still=lambda: large)
    saver = KeepShots()
    Loop(analysis(Rules(rule="frames", hold_frames=1, **EVERYBODY)), None, saver).run([frame])
    assert saver.shots[0].image is large
    assert saver.shots[0].size == (640, 480)


def test_the_annotated_picture_is_made_on_request_only() -> None:
    """With save_overlay the shot carries the drawn view, and its clean picture stays clean."""
    saver = KeepShots()
    loop = Loop(
        analysis(Rules(rule="frames", hold_frames=1, **EVERYBODY)),
        None,
        saver,
        annotate=lambda view, image: np.zeros_like(image),
    )
    loop.run(frames([0.9]))
    (shot,) = saver.shots
    assert shot.annotated is not None
    assert shot.annotated.max() == 0
    assert shot.image.max() > 0


def test_frame_rate_is_that_of_the_analysed_frames() -> None:
    """Frames that are analysed every 50 ms are 20 a second."""
    ticks = iter(n * 0.05 for n in range(1000))
    watcher = Watcher()
    Loop(analysis(), None, KeepShots(), viewers=[watcher], clock=lambda: next(ticks)).run(frames([0.1] * 10))
    assert round(watcher.views[-1].fps, 3) == 20


def test_a_shot_is_taken_when_the_frames_end_within_its_moment() -> None:
    """A source that ends before the window closes costs no picture."""
    saver = KeepShots()
    Loop(analysis(), Moment(after=5.0), saver).run(frames(SMILE[:16]))
    assert len(saver.shots) == 1


def test_a_shot_is_taken_when_the_frames_break_off_with_an_error() -> None:
    """A source that fails within the window costs no picture either, and its error goes on."""

    def broken() -> Iterator[Frame]:
        yield from frames(SMILE[:16])
        raise OSError("unplugged")

    saver = KeepShots()
    with pytest.raises(OSError, match="unplugged"):
        Loop(analysis(), Moment(after=5.0), saver).run(broken())
    assert len(saver.shots) == 1


def test_a_lost_camera_does_not_hold_a_shot_back() -> None:
    """When no frame comes any more the window closes by the clock."""
    saver = KeepShots()
    clock = iter([*(n / 10 for n in range(16)), 9.0, 9.0, 9.0])
    counts = []

    def count(view: View) -> None:
        counts.append(len(saver.shots))

    loop = Loop(
        analysis(),
        Moment(after=0.5),
        saver,
        viewers=[count],
        live=True,
        clock=lambda: next(clock, 9.0),
    )
    loop.run([*frames(SMILE[:16]), None])
    assert counts[-2:] == [0, 1]


def test_a_change_of_the_moment_takes_what_waits() -> None:
    """Settings that change within the window do not lose the shot."""
    saver = KeepShots()
    loop = Loop(analysis(), Moment(after=5.0), saver)

    def change(view: View) -> None:
        if view.frame.seq == 15:
            loop.replace_moment(None)

    loop.viewers.append(change)
    loop.run(frames(SMILE))
    assert [shot.at for shot in saver.shots] == [1.4]


def test_blocked_takes_no_picture(caplog: pytest.LogCaptureFixture) -> None:
    """While there is a reason against it no picture is taken, and the reason is said."""
    saver = KeepShots()
    logging.getLogger("smartselfie").propagate = True
    Loop(analysis(), None, saver, blocked=lambda: "the folder is full").run(frames(SMILE))
    assert saver.shots == []
    assert "the folder is full" in caplog.text


def test_what_the_scores_say_of_a_smile_comes_to_stand_in_the_face() -> None:
    """And of a hidden mouth only where the detector does not say."""
    scores = Scores((0.0,) * 3 + (1.0,) + (0.0,) * 3, smiling=0.7, covered=0.2)
    box = Box(0, 0, 9, 9)
    assert Face(box).scored(scores) == Face(box, scores=scores, smiling=0.7, covered=0.2)
    assert Face(box, covered=0.9).scored(scores).covered == 0.9
