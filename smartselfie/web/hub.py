"""Carries the daemon's events from its threads into the web server's event loop."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from smartselfie.errors import BusyError
from smartselfie.outputs.events import Events
from smartselfie.records import Event
from smartselfie.web.wire import Json, event_json

_STOP: Event = {}
LISTENERS = 128
"""Clients that are told of events at once."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event with its place in the row, so that a client can ask for what it missed."""

    number: int
    event: Json


@dataclass(slots=True, eq=False)
class Listener:
    """One client's bounded queue."""

    queue: asyncio.Queue[Numbered | None] = field(default_factory=lambda: asyncio.Queue(50))

    def put(self, item: Numbered | None) -> None:
        """Add; a client that fell behind loses its oldest event."""
        if self.queue.full():
            self.queue.get_nowait()
        self.queue.put_nowait(item)

    async def __aiter__(self) -> AsyncIterator[Numbered]:
        while (item := await self.queue.get()) is not None:
            yield item


class Hub:
    """Owns the thread `web-events`, from `start` to `close`."""

    def __init__(self, events: Events | None) -> None:
        self._events = events
        self._source: queue.Queue[Event] | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: set[Listener] = set()
        self._number = 0
        self.recent: deque[Numbered] = deque(maxlen=100)
        self.camera: Json = {"ok": True, "reason": None}
        """Whether the camera gives pictures, as its events say."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to carry; call inside `loop`."""
        if self._events is None:
            return
        self._loop = loop
        self._source = self._events.subscribe()
        self._thread = threading.Thread(target=self._carry, name="web-events", daemon=True)
        self._thread.start()

    def close(self, timeout: float = 2.0) -> None:
        """End the thread and every listener; call inside the loop."""
        for listener in self._listeners:
            listener.put(None)
        if self._thread is None or self._events is None or self._source is None:
            return
        self._events.unsubscribe(self._source)
        if self._source.full():
            self._source.get_nowait()
        self._source.put_nowait(_STOP)
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise RuntimeError("the thread web-events did not stop")
        self._thread = None

    def check_room(self) -> None:
        """Raise `BusyError` when too many listen."""
        if len(self._listeners) >= LISTENERS:
            raise BusyError("too many listen at once", remedy="try again later")

    @contextmanager
    def listener(self, after: int | None = None) -> Iterator[Listener]:
        """Give a queue of the events from now on, or of those known after the number `after`.

        Raises `BusyError` when too many listen.
        """
        self.check_room()
        listener = Listener()
        if after is not None:
            for item in self.recent:
                if item.number > after:
                    listener.put(item)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def _carry(self) -> None:
        assert self._source is not None
        assert self._loop is not None
        while (event := self._source.get()) is not _STOP:
            try:
                self._loop.call_soon_threadsafe(self._publish, event_json(event))
            except RuntimeError:  # the loop has ended
                return

    def _publish(self, event: Json) -> None:
        self._number += 1
        item = Numbered(self._number, event)
        self.recent.append(item)
        match event.get("event"):
            case "camera_lost" if event.get("reason") not in ("frozen", "black"):
                self.camera = {"ok": False, "reason": event.get("reason")}
            case "camera_lost":
                self.camera = {"ok": True, "reason": event.get("reason")}
            case "camera_back" | "started":
                self.camera = {"ok": True, "reason": None}
        for listener in self._listeners:
            listener.put(item)
