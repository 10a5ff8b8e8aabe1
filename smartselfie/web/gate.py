"""How many may be connected: counted where they are accepted, so that silent ones count too."""

from __future__ import annotations

import errno
import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from smartselfie.web.rates import client_key

log = logging.getLogger(__name__)

MOST = 400
"""Connections at once; fewer where the system lends the process few descriptors."""
OTHERS = 128
"""Descriptors that are left to everything that is not a connection: camera, pictures, files."""
AGAIN = 60.0
"""Seconds between two lines of the log about the same trouble."""
UNREAD = 128 * 1024
"""Bytes that the system keeps for a reader who is slow: more would be old pictures."""
_AT_ONCE = 64
"""So many connections are turned away in one go before those that are there get their turn."""
_SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def most_connections() -> int:
    """Return how many connections this process can afford."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    except (ImportError, OSError):
        return MOST
    if limit < 0:  # no limit
        return MOST
    return max(16, min(MOST, limit - OTHERS if limit > 2 * OTHERS else limit // 2))


class Gate:
    """Counts connections, of all and of each client; half of them at the most are one client's.

    With `per_client` False (behind a proxy, which is every client) only all together are counted.
    """

    def __init__(
        self,
        most: int | None = None,
        *,
        per_client: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most = most_connections() if most is None else most
        self._each = max(1, self.most // 2) if per_client else self.most
        self._clock = clock
        self._open: Counter[str] = Counter()
        self._said: dict[str, float] = {}
        self._unsaid: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return self._open.total()

    def enter(self, client: str) -> bool:
        """Count a connection of `client`; False when it has to go."""
        if self.open >= self.most or self._open[client] >= self._each:
            self.complain(f"turned away: {self.open} are open")
            return False
        self._open[client] += 1
        return True

    def leave(self, client: str) -> None:
        """Take a connection off the count."""
        self._open[client] -= 1
        if self._open[client] <= 0:
            del self._open[client]

    def complain(self, what: str) -> None:
        """Log once a minute what happens to connections, and how often it did."""
        kind = what.partition(":")[0]
        self._unsaid[kind] += 1
        now = self._clock()
        if now - self._said.get(kind, -AGAIN) < AGAIN:
            return
        self._said[kind] = now
        log.warning("web: connections are %s (%d times since it was last said)", what, self._unsaid.pop(kind))


class Connection(socket.socket):
    """An accepted connection that is taken off its gate's count when it is closed."""

    gate: Gate | None = None
    client = ""

    def close(self) -> None:
        """Close it; counted once, however often it is called."""
        gate, self.gate = self.gate, None
        if gate is not None:
            gate.leave(self.client)
        super().close()


class Listener(socket.socket):
    """A listening socket behind a gate, with one descriptor in reserve.

    When the process has none left, the reserve lets a connection be taken and closed: else it would stay
    in the queue and keep the event loop busy.
    """

    gate: Gate
    _reserve: int | None = None

    @classmethod
    def of(cls, bound: socket.socket, gate: Gate) -> Listener:
        """Take over a bound socket."""
        listener = cls(bound.family, bound.type, bound.proto, fileno=bound.detach())
        listener.gate = gate
        listener._reserve = os.open(os.devnull, os.O_RDONLY)
        return listener

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection that may stay; raises `BlockingIOError` when there is none."""
        for _ in range(_AT_ONCE):
            try:
                number, address = self._accept()  # type: ignore[attr-defined]
            except OSError as error:
                if error.errno not in _SHORT or not self._turn_one_away():
                    raise BlockingIOError from error
                self.gate.complain(f"refused: {error.strerror}")
                continue
            connection = Connection(self.family, self.type, self.proto, fileno=number)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD)
            connection.client = client_key(str(address[0]))
            if self.gate.enter(connection.client):
                connection.gate = self.gate
                return connection, address
            connection.close()
        raise BlockingIOError

    def _turn_one_away(self) -> bool:
        if self._reserve is None:
            return False
        os.close(self._reserve)
        self._reserve = None
        try:
            os.close(self._accept()[0])  # type: ignore[attr-defined]
        except OSError:
            return False
        finally:
            try:
                self._reserve = os.open(os.devnull, os.O_RDONLY)
            except OSError:  # somebody else was quicker
                self._reserve = None
        return True

    def close(self) -> None:
        """Close it and its reserve."""
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None
        super().close()
