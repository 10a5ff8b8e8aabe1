"""What happens, as JSON lines for programs and to whoever subscribes; safe from any thread."""

from __future__ import annotations

import json
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from smartselfie.errors import UsageError

log = logging.getLogger(__name__)

Event = dict[str, object]


class Events:
    """Writes each event as one line and hands it to the subscribers.

    Calling it is announcing: `events("shot", at=1.37, file="...")`. `target` is a file to append to, "-" for
    standard output, None for no file. A reader that goes away (a closed pipe, a full disk) ends the lines,
    with one warning, and never the program.
    """

    def __init__(self, target: str | Path | None = None) -> None:
        self._lock = threading.Lock()
        self._subscribers: list[queue.Queue[Event]] = []
        self._listeners: list[Callable[[Event], None]] = []
        self._file: TextIO | None = None
        self._owned = False
        if target is None:
            return
        if str(target) == "-":
            self._file = sys.stdout
        else:
            try:
                self._file = Path(target).open("a", encoding="utf-8")  # noqa: SIM115 (closed in close)
            except OSError as error:
                raise UsageError(
                    f"--events {target}: {error.strerror}; name a file that can be written"
                ) from error
            self._owned = True

    def __call__(self, event: str, /, **fields: object) -> None:
        """Announce `event`; the values of `fields` must be JSON-able."""
        record: Event = {"event": event, **fields}
        with self._lock:
            if self._file is not None:
                try:
                    self._file.write(json.dumps(record) + "\n")
                    self._file.flush()
                except (OSError, ValueError) as error:
                    log.warning("events cannot be written any more: %s", error)
                    if not self._owned:
                        _lead_nowhere(self._file)
                    self._file = None
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

    def close(self) -> None:
        """Close the file; later events reach subscribers only."""
        with self._lock:
            if self._file is not None and self._owned:
                self._file.close()
            self._file = None


def _lead_nowhere(stream: TextIO) -> None:
    """What is left in its buffer would fail once more when the interpreter ends, and be its exit code."""
    with suppress(OSError, ValueError):  # a stream that is no file has no such end
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
