"""Word to systemd, and its watchdog: the protocol of sd_notify(3)."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping

from smartselfie.records import View

log = logging.getLogger(__name__)

TELL_EVERY = 1.0
"""Shortest time between two messages in words, in seconds."""


class Watchdog:
    """A viewer that tells systemd how it goes, over `NOTIFY_SOCKET`: ready, alive, in words, stopping.

    It is fed by the loop's progress alone: a camera that is gone is no reason for a restart, a loop that
    stands still is. `usec` is `WATCHDOG_USEC`, what systemd allows between two signs of life; None: it does
    not wait for any.
    """

    def __init__(
        self,
        address: str,
        *,
        usec: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._every = usec / 2e6 if usec is not None else 0.0
        self._clock = clock
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._due = float("-inf" if usec is not None else "inf")
        self._words_due = float("-inf")
        self._words = ""
        self._ready = self._said = False

    def __call__(self, view: View) -> None:
        """Give the signs that are due."""
        now = self._clock()
        signs = []
        if not self._ready:
            self._ready = True
            signs.append("READY=1")
        if now >= self._due:
            self._due = now + self._every
            signs.append("WATCHDOG=1")
        words = "; ".join((*view.notices, f"{view.decision.state.value}, {_pictures(view.shots)}"))
        if words != self._words and now >= self._words_due:
            self._words, self._words_due = words, now + TELL_EVERY
            signs.append("STATUS=" + words.replace("\n", " "))
        if signs:
            self._send("\n".join(signs))

    def close(self) -> None:
        """Say that the program is about to end. Harmless when repeated."""
        if self._socket.fileno() != -1:
            self._send("STOPPING=1")
            self._socket.close()

    def _send(self, text: str) -> None:
        try:
            self._socket.sendto(text.encode(), self._address)
        except OSError as error:  # a full queue gets the next sign of life
            if not self._said and not isinstance(error, BlockingIOError):
                self._said = True
                log.warning("systemd cannot be told how it goes: %s", error)


def open_watchdog(environment: Mapping[str, str] = os.environ) -> Watchdog | None:
    """Return a watchdog; None when nobody supervises this process."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
        return None
    usec, meant = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    waits = usec.isdigit() and int(usec) > 0 and meant in ("", str(os.getpid()))
    return Watchdog(address, usec=int(usec) if waits else None)


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"
