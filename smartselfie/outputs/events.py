"""What happens: announced to whoever listens, from any thread; and written as JSON lines."""

from __future__ import annotations

import json
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from smartselfie.errors import UsageError
from smartselfie.outputs import BaseOutput, OutputSettings
from smartselfie.records import Event
from smartselfie.schema.fields import setting
from smartselfie.schema.values import PathSetting
from smartselfie.seams import Surroundings

log = logging.getLogger(__name__)


class Events:
    """Hands each event to the listeners and the subscribers.

    Calling it is announcing: `events("shot", at=1.37, file="...")`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: list[queue.Queue[Event]] = []
        self._listeners: list[Callable[[Event], None]] = []

    def __call__(self, event: str, /, **fields: object) -> None:
        """Announce `event`; the values of `fields` must be JSON-able."""
        record: Event = {"event": event, **fields}
        with self._lock:
            for listener in self._listeners:
                listener(record)
            for subscriber in self._subscribers:
                if subscriber.full():  # a reader that fell behind loses its oldest event, not the newest
                    subscriber.get_nowait()
                subscriber.put_nowait(record)

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with every event, in the announcing thread; it must be quick."""
        with self._lock:
            self._listeners.append(listener)

    def subscribe(self, size: int = 100) -> queue.Queue[Event]:
        """Return a bounded queue that gets every event from now on."""
        subscriber: queue.Queue[Event] = queue.Queue(size)
        with self._lock:
            self._subscribers.append(subscriber)
        return subscriber

    def unsubscribe(self, subscriber: queue.Queue[Event]) -> None:
        """Stop feeding a queue that `subscribe` gave."""
        with self._lock:
            self._subscribers.remove(subscriber)


class Settings(OutputSettings):
    """The settings of events: a file with one JSON object a line."""

    kind: Literal["events"] = "events"
    file: PathSetting = setting(
        "events.jsonl", "The file that lines are added to (also: --events, where - is standard output)."
    )


def build(settings: Settings, *, around: Surroundings) -> EventsFile:
    """Open the file. Raises `UsageError` when it cannot be written."""
    return EventsFile(settings.file)


class EventsFile(BaseOutput):
    """Adds each event as one line to a file; "-" is standard output.

    A reader that goes away (a closed pipe, a full disk) ends the lines, with one warning. Raises `UsageError`
    when the file cannot be opened.
    """

    def __init__(self, target: str | Path) -> None:
        self._owned = str(target) != "-"
        try:
            if self._owned:
                self._file = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            else:
                sys.stdout.flush()
                self._file = os.dup(sys.stdout.fileno())
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise UsageError(
                f"--events {target}: {reason}", remedy="name a file that can be written"
            ) from error
        self._works = True

    def event(self, event: Event) -> None:
        """Write a line; it is in the file, not in a buffer, when this returns."""
        if not self._works:
            return
        line = (json.dumps(event) + "\n").encode()
        try:
            while line:  # a pipe takes what it has room for
                line = line[os.write(self._file, line) :]
        except OSError as error:
            self._works = False
            log.warning("events cannot be written any more: %s", error)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
