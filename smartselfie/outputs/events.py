"""What happens: announced to whoever listens, from any thread; and written as JSON lines."""

from __future__ import annotations

import errno
import json
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from smartselfie.errors import OutputError, UsageError
from smartselfie.outputs import BaseOutput, OutputSettings
from smartselfie.records import Event
from smartselfie.redact import redacted
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
        record: Event = {"event": event, **{name: redacted(value) for name, value in fields.items()}}
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

    A file that was moved away is opened anew under its name, so that logs can be rotated. A pipe that nobody
    reads is tried again, and so is a full disk (`OutputError`); a reader of standard output that goes away
    ends the lines, with one warning. Raises `UsageError` when the file cannot be opened.
    """

    def __init__(self, target: str | Path) -> None:
        self._path = None if str(target) == "-" else Path(target).expanduser()
        self._file: int | None = None
        self._begun: tuple[Event | None, bytes] = None, b""
        """The event of which a part was written, and the rest of its line."""
        self._over = False
        try:
            if self._path is None:
                sys.stdout.flush()
                self._file = os.dup(sys.stdout.fileno())
            else:
                self._file = _open(self._path)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno == errno.ENXIO:  # a pipe without a reader
                log.info("%s: nobody reads this pipe yet; events wait", target)
                return
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise UsageError(
                f"--events {target}: {reason}", remedy="name a file that can be written"
            ) from error

    def event(self, event: Event) -> None:
        """Write a line; it is in the file, not in a buffer, when this returns. Raises `OutputError`."""
        if self._over:
            return
        begun, line = self._begun
        if begun is not event:
            line += (json.dumps(event) + "\n").encode()
        size = len(line)
        try:
            if self._path is not None:
                self._follow(self._path)
            assert self._file is not None
            while line:  # a pipe takes what it has room for
                line = line[os.write(self._file, line) :]
        except BrokenPipeError as error:
            self.close()
            if self._path is None:
                self._over = True
                log.warning("nobody reads the events any more")
                return
            raise OutputError(f"{self._path}: nobody reads this pipe") from error
        except OSError as error:
            if len(line) < size or begun is event:
                self._begun = event, line
            why = "nobody reads this pipe" if error.errno == errno.ENXIO else error.strerror
            raise OutputError(f"{self._path or 'standard output'}: {why}") from error
        self._begun = None, b""

    def reopen(self) -> None:
        """Close the file; the next event opens it under its name. Standard output has none and stays."""
        if self._path is not None:
            self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file, self._begun = None, (None, b"")

    def _follow(self, path: Path) -> None:
        """Open the file where it is not open, or not any more the one that its name means."""
        if self._file is not None:
            opened = os.fstat(self._file)
            try:
                named = path.stat()
            except FileNotFoundError:
                self.reopen()
            else:
                if (named.st_dev, named.st_ino) != (opened.st_dev, opened.st_ino):
                    self.reopen()
        if self._file is None:
            self._file = _open(path)


def _open(path: Path) -> int:
    """Open a file to add to it; a pipe without a reader is an error instead of a wait."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o666)
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(handle, True)  # from here on only the output's own thread waits
    return handle
