"""The thread of an output: whatever it waits for, the loop does not."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Self

from smartselfie.errors import OutputError
from smartselfie.records import Event, View
from smartselfie.seams import Output

log = logging.getLogger(__name__)

SIZE = 1000
"""Events that wait for an output that does not keep up; then the oldest are lost."""
PAUSES = (1.0, 60.0)
"""Shortest and longest pause in seconds before an output is told again what it could not take."""


class OutputThread:
    """Owns the thread `output-NAME`: hands events on in their order, and of the views the newest.

    Nothing here ever waits for the output. What it cannot take now (`OutputError`) it is told again after a
    pause; whatever else it raises costs that event alone. Losses are logged, not raised. It is a `Viewer`,
    and hears events by `hear`.
    """

    def __init__(
        self,
        output: Output,
        name: str,
        *,
        only: Collection[str] = (),
        size: int = SIZE,
        pauses: tuple[float, float] = PAUSES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.output = output
        self.lost = 0
        """Events that it was not told."""
        self._only, self._size, self._pauses, self._clock = frozenset(only), size, pauses, clock
        self._changed = threading.Condition()  # guards everything below
        self._events: deque[Event] = deque()
        self._view: View | None = None
        self._work: Callable[[], None] | None = None
        self._view_due = float("-inf")
        self._pause, self._retry_at = pauses[0], float("-inf")
        self._trouble = ""
        self._complained = self._closing = self._begin = False
        self._thread = threading.Thread(target=self._run, name=f"output-{name}", daemon=True)
        self._thread.start()

    @property
    def wants_views(self) -> bool:
        """Whether the output looks at views at all."""
        return self.output.view_every is not None

    @property
    def trouble(self) -> str:
        """Why it cannot be told anything now; empty while it can."""
        return self._trouble

    def report(self) -> dict[str, object]:
        """Return how the output is, for the status; never waits."""
        return {
            "name": self.name,
            "waiting": len(self._events),
            "lost": self.lost,
            "trouble": self._trouble,
            **{key: value for key, value in self.output.report().items() if value or key != "trouble"},
        }

    def begin(self) -> None:
        """Let the output begin what it does by itself, in its thread."""
        with self._changed:
            self._begin = True
            self._changed.notify_all()

    def hear(self, event: Event) -> None:
        """Take an event, in any thread; never waits."""
        if self._only and event.get("event") not in self._only:
            return
        with self._changed:
            if len(self._events) >= self._size:
                self._events.popleft()
                self._lose(1, "it does not keep up")
            self._events.append(event)
            self._changed.notify_all()

    def do(self, work: Callable[[], None]) -> None:
        """Have something done in the output's thread, between two events."""
        with self._changed:
            self._work = work
            self._changed.notify_all()

    def __call__(self, view: View) -> None:
        """Take the newest view, where one is due; never waits."""
        every = self.output.view_every
        if every is None or self._clock() < self._view_due:
            return
        with self._changed:
            self._view, self._view_due = view, self._clock() + every
            self._changed.notify_all()

    def stop(self) -> None:
        """Tell it what waits and stop, without waiting for that: many outputs can end at the same time."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def close(self, timeout: float = 5.0) -> None:
        """Tell it what waits and stop; what it does not take within `timeout` seconds is lost, and said."""
        self.stop()
        self._thread.join(timeout)
        if self._thread.is_alive():  # blocked: it is abandoned, the program ends
            log.warning("output %s has not ended within %g s", self.name, timeout)
        with self._changed:
            left, self._events = len(self._events), deque()
            if left:
                self._lose(left, self._trouble or "it has not taken them in time")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                while (wait := self._wait_for()) is None or wait > 0:
                    self._changed.wait(wait)
                told = self._closing or self._clock() >= self._retry_at
                event = self._events[0] if self._events and told else None
                view, self._view = self._view, None
                begin, self._begin = self._begin, False
                work, self._work = self._work, None
            if begin:
                self._try(self.output.begin)
            if work is not None:
                self._try(work)
            if not begin and work is None and view is None and event is None:
                break
            if view is not None:
                self._try(lambda shown=view: self.output.view(shown))  # type: ignore[misc]
            if event is not None:
                self._tell(event)
        self._try(self.output.close)

    def _wait_for(self) -> float | None:
        """Seconds until there is something to do; None: until something comes."""
        if self._closing or self._begin or self._view is not None or self._work is not None:
            return 0.0
        return max(0.0, self._retry_at - self._clock()) if self._events else None

    def _tell(self, event: Event) -> None:
        try:
            self.output.event(event)
        except OutputError as error:
            with self._changed:
                if self._closing:  # nobody will be there to try again
                    self._lose(len(self._events), str(error))
                    self._events.clear()
                else:
                    self._put_off(str(error))
            return
        except Exception as error:
            log.debug("output %s", self.name, exc_info=True)
            problem = str(error) or type(error).__name__
        else:
            problem = ""
        with self._changed:
            if problem:
                self._lose(1, problem)
            elif self._trouble:
                log.info("output %s works again", self.name)
                self._trouble, self._pause = "", self._pauses[0]
            if self._events and self._events[0] is event:
                self._events.popleft()

    def _put_off(self, trouble: str) -> None:
        if not self._trouble:
            log.warning("output %s: %s; trying again", self.name, trouble)
        self._trouble = trouble
        self._retry_at = self._clock() + self._pause
        self._pause = min(self._pauses[1], self._pause * 2)

    def _lose(self, count: int, why: str) -> None:
        if not self.lost:
            log.warning("output %s: %s; events are lost", self.name, why)
        self.lost += count

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            if not self._complained:
                self._complained = True
                log.warning("output %s: %s", self.name, str(error) or type(error).__name__)
            log.debug("output %s", self.name, exc_info=True)
