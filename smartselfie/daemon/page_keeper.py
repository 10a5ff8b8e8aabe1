"""The page may fail, the pictures go on: a web server that ended is started again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from smartselfie.errors import SmartSelfieError
from smartselfie.records import Command

if TYPE_CHECKING:
    from smartselfie.web.server import WebServer

log = logging.getLogger(__name__)

PAUSES = (1.0, 60.0)
"""Seconds before a new server is tried: the first time, and at the most."""
WELL = 300.0
"""A server that has worked for so long was no failure: the pauses begin anew."""


class PageKeeper:
    """Owns the page's server, from `start` to `close`; a tick that replaces one that has ended.

    `make` makes a server; what it raises at the first time is the caller's.
    """

    def __init__(self, make: Callable[[], WebServer], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._make, self._clock = make, clock
        self.server: WebServer | None = make()
        self._pause, self._due, self._since = PAUSES[0], 0.0, clock()

    def __enter__(self) -> Self:
        assert self.server is not None
        try:
            self.server.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the server; one that hangs is left behind, and said. Harmless when repeated."""
        server, self.server = self.server, None
        if server is not None:
            try:
                server.close()
            except SmartSelfieError as error:
                log.warning("%s; it is left behind", error)

    def __call__(self) -> Iterable[Command]:
        """Look after the server; never asks for anything."""
        now = self._clock()
        if self.server is not None and self.server.failure is not None:
            log.error("the page has failed (%s); pictures go on, it is started again", self.server.failure)
            if now - self._since >= WELL:
                self._pause = PAUSES[0]
            self.close()
            self._due = now + self._pause
            self._pause = min(PAUSES[1], 2 * self._pause)
        if self.server is None and now >= self._due:
            self._start(now)
        return ()

    def _start(self, now: float) -> None:
        self._since = now
        try:
            server = self._make()
        except SmartSelfieError as error:
            log.warning("the page: %s; trying again in %g s", error, self._pause)
            self._due = now + self._pause
            self._pause = min(PAUSES[1], 2 * self._pause)
            return
        self.server = server
        with suppress(RuntimeError):
            server.launch()
