"""Libraries' greetings stay off the terminal, everything else gets there."""

import os
import threading

import pytest

from smartselfie.quiet import without_lines


def test_only_the_lines_that_match_are_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    """What else is written meanwhile comes afterwards, also when something is raised."""

    def fail() -> None:
        with without_lines(rb"^INFO: "):
            os.write(2, b"INFO: hello\nERROR: no memory\n")
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fail()
    assert capfd.readouterr().err == "ERROR: no memory\n"


def test_one_inside_another_restores_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """Each hands on to the one around it."""
    with without_lines(rb"a"), without_lines(rb"b"):
        os.write(2, b"a\nb\nc\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "c\nafter\n"


def test_two_threads_that_meet_leave_the_terminal_as_it_was() -> None:
    """The second waits for the first, so that it does not restore the first one's file."""
    before = os.fstat(2)
    inside, leave = threading.Event(), threading.Event()

    def second() -> None:
        with without_lines(rb"x"):
            inside.set()
            leave.wait(30)

    thread = threading.Thread(target=second)
    with without_lines(rb"x"):
        thread.start()
        assert not inside.wait(0.2)
    leave.set()
    thread.join(30)
    after = os.fstat(2)
    assert (after.st_dev, after.st_ino) == (before.st_dev, before.st_ino)


def test_a_process_without_stderr_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that closed it still loads its network."""
    monkeypatch.setattr("sys.stderr", None)
    with without_lines(rb"x"):
        done = True
    assert done
