"""HTTP/1.1 with an end to everything a client can be slow about: headers, bodies, and reading."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds after which a client that is slow is let go."""

    headers: float = 10.0
    """For a whole request line and its headers, and for the TLS handshake."""
    body: float = 15.0
    """Without one more byte of a body."""
    whole_body: float = 120.0
    """For all of a body."""
    pause: float = 15.0
    """Between two requests."""
    reading: float = 20.0
    """Without reading anything of an answer that waits."""


def protocol(deadlines: Deadlines) -> type[H11Protocol]:
    """Return the class of connections that keep to these deadlines."""

    class Impatient(_Impatient):
        limits = deadlines

    return Impatient


class _Impatient(H11Protocol):
    limits = Deadlines()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._phase: Any = None  # one of h11's states
        self._body_since = 0.0
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._phase = h11.IDLE
        self._limit(self.limits.headers)

    def data_received(self, data: bytes) -> None:
        waited = self.timeout_keep_alive_task is not None
        super().data_received(data)
        self._watch(began=waited)

    def on_response_complete(self) -> None:
        unread = self.conn.their_state is h11.SEND_BODY  # answered before the body had come
        super().on_response_complete()
        if not unread:
            self._phase = None  # the pause between requests has a limit of its own
            self._limit(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._limit(None)
        self.resume_writing()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._limit(None)
        super().handle_websocket_upgrade(event)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self.limits.reading, self.transport.abort)

    def resume_writing(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        if self.flow is not None:
            super().resume_writing()

    def _watch(self, began: bool) -> None:
        """Set the deadline of what is awaited now; one that runs for headers is never put off."""
        before, self._phase = self._phase, self.conn.their_state
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            self._limit(None)
        elif self._phase is h11.IDLE:
            if before is not h11.IDLE or began:
                self._limit(self.limits.headers)
        elif self._phase is h11.SEND_BODY:
            now = self.loop.time()
            if before is not h11.SEND_BODY:
                self._body_since = now
            self._limit(min(self.limits.body, self._body_since + self.limits.whole_body - now))
        else:
            self._limit(None)

    def _limit(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if seconds is not None:
            self._deadline = self.loop.call_later(max(0.0, seconds), self.transport.abort)


class WebLoop(asyncio.SelectorEventLoop):
    """An event loop whose TLS handshakes end, and that does not fill the log when it is short of anything."""

    handshake = Deadlines().headers

    async def create_server(self, *arguments: Any, **named: Any) -> Any:
        """Do as asyncio does, with a limit to the handshake."""
        if named.get("ssl") is not None:
            named |= {"ssl_handshake_timeout": self.handshake, "ssl_shutdown_timeout": 3.0}
        return await super().create_server(*arguments, **named)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Leave out what clients do; report the rest."""
        if not isinstance(context.get("exception"), (ConnectionError, TimeoutError, ssl.SSLError)):
            super().call_exception_handler(context)
