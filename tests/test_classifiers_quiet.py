"""Libraries' greetings stay off the terminal, everything else gets there."""

import os
import threading

import pytest

from smartselfie.classifiers.quiet import without_lines


def test_only_the_lines_that_match_are_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    """What else is written meanwhile comes afterwards, also when something is raised."""
    with pytest.raises(ValueError, match="inside"), without_lines(rb"^INFO: "):
        os.write(2, b"INFO: hello\nERROR: no memory\n")
        raise ValueError("inside")
    assert capfd.readouterr().err == "ERROR: no memory\n"


def test_one_inside_another_restores_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """Each hands on to the one around it."""
    with without_lines(rb"a"), without_lines(rb"b"):
        os.write(2, b"a\nb\nc\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "c\nafter\n"


def test_threads_that_meet_leave_the_terminal_as_it_was() -> None:
    """File descriptor 2 is the same file after many threads have quietened it at once."""
    before = os.fstat(2)

    def work() -> None:
        for _ in range(50):
            with without_lines(rb"x"):
                os.write(2, b"x\n")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    after = os.fstat(2)
    assert (after.st_dev, after.st_ino) == (before.st_dev, before.st_ino)


def test_a_process_without_stderr_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that closed it still loads its network."""
    monkeypatch.setattr("sys.stderr", None)
    with without_lines(rb"x"):
        done = True
    assert done
