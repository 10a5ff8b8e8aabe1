"""SIGINT and SIGTERM end the loop, and so does the end of its terminal; without one SIGHUP reloads."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from smartselfie.records import Command, Quit, Reload

SIGNALS: dict[int, Command] = {signal.SIGINT: Quit(), signal.SIGTERM: Quit()}
if hasattr(signal, "SIGHUP"):
    SIGNALS[signal.SIGHUP] = Reload()


def has_terminal() -> bool:
    """Whether this process has a controlling terminal, whose end is then its own."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


class Signals:
    """A tick that asks for what signals mean, from `obey` until it is closed; then all is as before it.

    Until it is closed a second Ctrl-C does not keep what is queued from being written.
    """

    def __init__(self) -> None:
        self._asked: list[Command] = []  # no lock may be taken in a handler, the loop may hold it
        self._meant = dict(SIGNALS)
        hang_up = getattr(signal, "SIGHUP", None)
        if hang_up is not None and signal.getsignal(hang_up) is signal.SIG_IGN:
            del self._meant[hang_up]  # nohup: neither
        elif hang_up is not None and has_terminal():
            self._meant[hang_up] = Quit()
        self._stack = ExitStack()
        for number in self._meant:
            self._stack.callback(signal.signal, number, signal.getsignal(number))

    def obey(self) -> None:
        """Take the signals over."""
        for number in self._meant:
            signal.signal(number, self._note)

    def __call__(self) -> Iterable[Command]:
        """Return what was asked for since the last time."""
        while self._asked:
            yield self._asked.pop(0)

    def _note(self, number: int, stack: object) -> None:
        self._asked.append(self._meant[number])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
