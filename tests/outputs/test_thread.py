"""The thread of an output: the loop never waits for it, and what it cannot take comes again."""

from __future__ import annotations

import logging
import threading
from typing import Any

import numpy as np
import pytest

from smartselfie.errors import OutputError
from smartselfie.outputs import BaseOutput
from smartselfie.outputs.thread import OutputThread
from smartselfie.records import Decision, Event, Frame, State, View
from tests.waiting import until


class Listener(BaseOutput):
    """An output that remembers; it can be held up, and can refuse so many times."""

    view_every = 0.0

    def __init__(self, refuse: int = 0, error: type[Exception] = OutputError) -> None:
        self.free = threading.Event()
        self.free.set()
        self.heard: list[object] = []
        self.seen: list[int] = []
        self.tries = 0
        self.closed = False
        self._refuse, self._error = refuse, error

    def event(self, event: Event) -> None:
        """Wait until it is free, refuse, or remember."""
        self.free.wait()
        self.tries += 1
        if self.tries <= self._refuse:
            raise self._error("nobody listens")
        self.heard.append(event["event"])

    def view(self, view: View) -> None:
        """Remember the frame's number."""
        self.free.wait()
        self.seen.append(view.frame.seq)

    def close(self) -> None:
        """Remember."""
        self.closed = True


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> None:
    """The log of the package reaches the test."""
    logging.getLogger("smartselfie").propagate = True
    caplog.set_level(logging.INFO, "smartselfie")


def view(seq: int = 0) -> View:
    """What the loop shows."""
    frame = Frame(np.zeros((4, 4, 3), np.uint8), seq, float(seq))
    return View(frame, (), Decision(State.WATCHING, 0.0, False, ""), 0.9, 30.0)


def run(output: Listener, **options: Any) -> OutputThread:
    """A thread that tries again at once."""
    return OutputThread(output, "test", **{"pauses": (0.001, 0.001), **options})


def test_events_come_in_their_order() -> None:
    """What was announced first is told first, and all of it before the end."""
    output = Listener()
    with run(output) as thread:
        for number in range(50):
            thread.hear({"event": str(number)})
    assert output.heard == [str(number) for number in range(50)]
    assert output.closed


def test_an_output_that_hangs_holds_nobody_up() -> None:
    """While it stands still events and views are taken at once; the oldest events are lost, and counted."""
    output = Listener()
    output.free.clear()
    thread = run(output, size=10)
    for number in range(100):
        thread.hear({"event": str(number)})
        thread(view(number))
    assert thread.lost >= 89
    output.free.set()
    thread.close()
    assert output.heard[-1] == "99"
    assert len(output.heard) <= 11


def test_an_output_that_never_comes_back_is_left(caplog: pytest.LogCaptureFixture) -> None:
    """Closing does not wait longer than it was allowed to, and says what was lost."""
    output = Listener()
    output.free.clear()
    thread = run(output)
    thread.hear({"event": "a"})
    thread.hear({"event": "b"})
    thread.close(timeout=0.01)
    assert thread.lost
    assert "has not ended" in caplog.text
    output.free.set()


def test_what_cannot_be_told_now_is_told_later(caplog: pytest.LogCaptureFixture) -> None:
    """`OutputError` puts an event off, in its place; the trouble is said once, and that it is over."""
    output = Listener(refuse=3)
    with run(output) as thread:
        for name in ("a", "b"):
            thread.hear({"event": name})
        until(lambda: output.heard == ["a", "b"])
        assert thread.trouble == ""
    assert thread.lost == 0
    assert caplog.text.count("nobody listens; trying again") == 1
    assert caplog.text.count("works again") == 1


def test_a_bug_in_an_output_costs_one_event(caplog: pytest.LogCaptureFixture) -> None:
    """Any other exception loses the event that it was raised for, and no other."""
    output = Listener(refuse=1, error=KeyError)
    with run(output) as thread:
        thread.hear({"event": "a"})
        thread.hear({"event": "b"})
    assert (output.heard, thread.lost) == (["b"], 1)
    assert "events are lost" in caplog.text


def test_closing_asks_once_more_and_no_oftener() -> None:
    """What an output refuses at the end is lost: there will be nobody to try again."""
    output = Listener(refuse=10**9)
    thread = run(output, pauses=(60.0, 60.0))
    thread.hear({"event": "a"})
    until(lambda: output.tries == 1)
    thread.close()
    assert (output.tries, thread.lost) == (2, 1)


def test_only_the_newest_view_is_shown() -> None:
    """Views in between are left out; the last one is seen."""
    output = Listener()
    output.free.clear()
    with run(output) as thread:
        for seq in range(5):
            thread(view(seq))
        output.free.set()
    assert output.seen[-1] == 4
    assert len(output.seen) <= 2


def test_views_come_no_oftener_than_wanted() -> None:
    """Within `view_every` seconds of one view there is no other."""
    now = [0.0]
    output = Listener()
    output.view_every = 1.0
    with run(output, clock=lambda: now[0]) as thread:
        thread(view(1))
        until(lambda: output.seen == [1])
        now[0] = 0.9
        thread(view(2))
        now[0] = 1.0
        thread(view(3))
    assert output.seen == [1, 3]


def test_an_output_hears_only_what_it_asked_for() -> None:
    """With `only` other events pass it by."""
    output = Listener()
    with run(output, only=("shot",)) as thread:
        for name in ("started", "shot", "stopped"):
            thread.hear({"event": name})
    assert output.heard == ["shot"]
