"""What a hang-up means: with a terminal the end of the program, without one new settings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from smartselfie.daemon import signals
from smartselfie.daemon.signals import Signals
from smartselfie.records import Quit, Reload

needs_hang_up = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system knows no hang-up")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the hang-up's handler as it was."""
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


@needs_hang_up
@pytest.mark.parametrize(("terminal", "meant"), [(True, Quit), (False, Reload)])
def test_a_hang_up_ends_what_had_a_terminal(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, meant: type[object]
) -> None:
    """A window that is closed ends the program in it; a service reads its settings again."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    monkeypatch.setattr(signals, "has_terminal", lambda: terminal)
    with Signals() as asked:
        asked.obey()
        os.kill(os.getpid(), signal.SIGHUP)
        assert [type(command) for command in asked()] == [meant]


@needs_hang_up
def test_nohup_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever started it so that it outlives its terminal is not overruled."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    monkeypatch.setattr(signals, "has_terminal", lambda: True)
    with Signals() as asked:
        asked.obey()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


@needs_hang_up
def test_a_controlling_terminal_is_noticed() -> None:
    """In a session of its own a process has one only when it was given one."""
    look = "from smartselfie.daemon.signals import has_terminal; print(has_terminal())"
    here = [sys.executable, "-c", look]
    assert (
        subprocess.run(here, start_new_session=True, capture_output=True, text=True, check=True).stdout
        == "False\n"
    )
    given = f"import pty, sys; sys.exit(pty.spawn([sys.executable, '-c', {look!r}]))"
    done = subprocess.run(
        [sys.executable, "-c", given], stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    assert done.stdout.strip() == b"True"
