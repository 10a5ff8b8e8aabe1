"""An output that leaves the machine: what it is told waits on the disk, a thread of its own brings it there.

A far side that is slow, dead or never answers holds up that thread alone. A kind writes a `Sender`; order,
retries, dead letters, the rate and what becomes of it at the end are here.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from smartselfie.errors import OutputError, RefusedError
from smartselfie.outputs import BaseOutput, OutputSettings
from smartselfie.outputs.delivery_queue import FOLDER, WAITING, DeadLetter, Delivery, DeliveryQueue
from smartselfie.outputs.pace import Pace
from smartselfie.records import Event
from smartselfie.schema.fields import setting
from smartselfie.schema.values import Duration, Integer, Text, Texts
from smartselfie.seams import Surroundings

log = logging.getLogger(__name__)

TRIES = 5
"""Answers of "not this one, not now" after which a delivery is given up."""
LINGER = 2.0
"""Seconds without an arrival after which the end waits no longer: the rest is on the disk."""
AT_THE_END = 4.0
"""Seconds that deliveries have at the end at the most."""
LOOK_AGAIN = 10.0
"""Seconds after which the disk is looked at again: another process may have revived dead letters."""
SHOWN = 5
"""Dead letters that the status shows."""


class Sender(Protocol):
    """Brings deliveries to the far side, in one thread, one at a time."""

    def __call__(self, delivery: Delivery) -> None:
        """Return once the far side has it. `RefusedError`: not this one; `OutputError`: nothing now.

        It may take as long as its time-out says, and is called again with the same delivery when the program
        ended in between: the delivery's `key` tells.
        """
        ...

    def test(self) -> str:
        """Send something harmless; returns what was reached, in words. Raises `OutputError`."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class DeliverySettings(OutputSettings):
    """What every output that leaves the machine has."""

    only: Texts = setting(
        ("shot",), "Names of the events that are sent; []: every event.", example=["shot", "camera_lost"]
    )
    name: Text | None = setting(
        None, "What it is called in the log and in status; null: its kind and its place in the list."
    )
    timeout: Duration = setting(
        10.0, "How long the far side may take for one delivery; longer counts as away.", gt=0, le=600
    )
    rate: Integer | None = setting(None, "Most deliveries in a minute; null: no limit.", gt=0, le=6000)
    keep: Duration = setting(
        7 * 86400.0,
        "How long a delivery waits on the disk for a far side that is away; then it is a dead letter.",
        gt=0,
    )
    max_waiting: Integer = setting(
        WAITING,
        "Deliveries that wait at the most; beyond, the oldest become dead letters.",
        gt=0,
        le=100_000,
    )


class Delivering(BaseOutput):
    """An output over a `Sender`. Owns the thread `delivery-NAME`, from `begin` or the first event to `close`.

    `keep` is how many seconds a delivery may wait. What is given up is logged and kept as a dead letter.
    """

    def __init__(
        self,
        send: Sender,
        queue: DeliveryQueue,
        name: str,
        *,
        pace: Pace | None = None,
        keep: float = 7 * 86400.0,
        missed: Callable[[DeliveryQueue], Iterable[Event]] = lambda queue: (),
        linger: float = LINGER,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self._send, self._queue, self._pace, self._keep = send, queue, pace or Pace(), keep
        self._missed, self._linger, self._clock, self._now = missed, linger, clock, now
        self._changed = threading.Condition()  # guards the pace and everything below
        self._thread: threading.Thread | None = None
        self._report: dict[str, object] = {"waiting": 0, "dead": 0, "delivered": 0, "given_up": 0}
        self._trouble = ""
        self._news = False
        self._arrived_at = float("-inf")
        self._stop_at: float | None = None

    def begin(self) -> None:
        """Send what an earlier run has left; also what was saved and never got as far as the queue."""
        try:
            for event in self._missed(self._queue):
                self._put(event)
        except OutputError as error:
            log.warning("output %s: %s", self.name, error)
        self._start()

    def event(self, event: Event) -> None:
        """Put an event onto the disk; raises `OutputError` when it does not take it."""
        self._put(event)
        self._start()

    def report(self) -> dict[str, object]:
        """Return what waits, what was given up and what is wrong; never waits."""
        return {**self._report, "trouble": self._trouble}

    def hurry(self) -> None:
        """The far side is said to be back."""
        with self._changed:
            self._pace.hurry()
            self._news = True
            self._changed.notify_all()

    def revive(self) -> int:
        """Let every dead letter wait again; returns how many. Raises `OutputError`."""
        count = self._queue.revive(now=self._now())
        self._look()
        self.hurry()
        return count

    def forget_dead(self) -> int:
        """Throw every dead letter away; returns how many. Raises `OutputError`."""
        count = self._queue.forget_dead()
        self._look()
        return count

    def test(self) -> str:
        """Send something harmless now; returns what was reached. Raises `OutputError`."""
        return self._send.test()

    def close(self) -> None:
        """Send on while that goes well, for a moment, and stop; what is left waits on the disk."""
        with self._changed:
            thread, ends = self._thread, self._clock() + AT_THE_END
            self._stop_at = ends
            self._arrived_at = self._clock()
            self._changed.notify_all()
        if thread is None:
            self._send.close()
            return
        while thread.is_alive() and self._clock() < min(ends, self._arrived_at + self._linger):
            thread.join(0.05)
        with self._changed:
            self._stop_at = float("-inf")
            self._changed.notify_all()
        if thread.is_alive():
            log.warning("output %s: the far side holds it up; it is sent again at the next start", self.name)
        if waiting := self._report["waiting"]:
            log.warning("output %s: %s wait on the disk for the next start", self.name, waiting)
        if not thread.is_alive():
            self._send.close()
        self._queue.close()

    def _put(self, event: Event) -> None:
        gone = self._queue.put(event, now=self._now())
        for delivery in gone:
            self._mourn(delivery, "too many wait")
        self._look()
        with self._changed:
            self._news = True
            self._changed.notify_all()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"delivery-{self.name}", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (delivery := self._next()) is not None:
            self._deliver(delivery)
            self._look()
        if self._stop_at == float("-inf"):  # it was abandoned, and has come to itself
            self._queue.close()

    def _next(self) -> Delivery | None:
        """Wait for a delivery that may be tried now; None: the end."""
        while True:
            with self._changed:
                self._news = False
                if self._stop_at == float("-inf"):
                    return None
            delivery = self._first()
            with self._changed:
                at = self._clock()
                wait = self._pace.wait(at) if delivery is not None else LOOK_AGAIN
                if self._stop_at is not None and (
                    delivery is None or self._pace.failures or at + wait > self._stop_at
                ):
                    return None
                if delivery is not None and wait <= 0:
                    self._pace.begin(at)
                    return delivery
                if not self._news and self._stop_at is None:
                    self._changed.wait(wait)

    def _first(self) -> Delivery | None:
        try:
            return self._queue.first() if self._queue.own() else None
        except (OutputError, OSError) as error:
            self._complain(str(error))
            return None

    def _deliver(self, delivery: Delivery) -> None:
        try:
            if self._now() - delivery.added > self._keep:
                self._give_up(delivery, self._trouble or "it is too old")
                return
            try:
                self._send(delivery)
            except RefusedError as error:
                self._refused(delivery, str(error), again=error.again)
            except OutputError as error:
                self._away(str(error), error.pause)
            except Exception as error:  # a fault of a sender must not cost more than this one
                log.debug("output %s", self.name, exc_info=True)
                self._refused(delivery, str(error) or type(error).__name__, again=True)
            else:
                self._queue.done(delivery)
                self._works()
        except OutputError as error:  # the disk: what has arrived may be sent once more
            self._away(str(error), 0.0)

    def _works(self) -> None:
        with self._changed:
            self._pace.succeed()
            self._arrived_at = self._clock()
        if self._trouble:
            log.info("output %s works again", self.name)
            self._trouble = ""

    def _away(self, why: str, wish: float) -> None:
        with self._changed:
            self._pace.fail(self._clock(), wish)
        self._complain(why)

    def _refused(self, delivery: Delivery, why: str, *, again: bool) -> None:
        if again and self._queue.again(delivery) < TRIES:
            self._away(why, 0.0)
        else:
            self._give_up(delivery, why)
            self._works()  # it is there, and may take the next

    def _give_up(self, delivery: Delivery, why: str) -> None:
        self._queue.bury(delivery, why, now=self._now())
        self._mourn(delivery, why)

    def _mourn(self, delivery: Delivery, why: str) -> None:
        log.error("output %s: given up: %s: %s", self.name, what_of(delivery), why)

    def _complain(self, why: str) -> None:
        if not self._trouble:
            log.warning("output %s: %s; trying again", self.name, why)
        self._trouble = why

    def _look(self) -> None:
        """Note how the queue is, for whoever asks: they must not wait for the disk."""
        try:
            self._report = {
                **self._queue.counts(),
                "dead_letters": [_told(each) for each in self._queue.dead(SHOWN)],
            }
        except OutputError as error:
            log.debug("output %s: %s", self.name, error)


def delivering(
    send: Sender, settings: DeliverySettings, around: Surroundings, *, to: str, pace: Pace | None = None
) -> Delivering:
    """Return the output that settings describe; `to` names the far side, and with it its queue."""
    from smartselfie.outputs.missed import missed_shots

    shots = not settings.only or "shot" in settings.only
    return Delivering(
        send,
        DeliveryQueue(queue_path(around.folder, settings, to), waiting=settings.max_waiting),
        settings.name or around.name or settings.kind,
        pace=pace or Pace(per_minute=settings.rate),
        keep=settings.keep,
        missed=(lambda queue: missed_shots(queue, around.folder)) if shots else lambda queue: (),
    )


def queue_path(folder: Path, settings: DeliverySettings, to: str) -> Path:
    """Return the queue's file: the same whatever the place in the list, another for another far side."""
    what = "\n".join((settings.kind, to, *settings.only))
    digest = hashlib.blake2b(what.encode(), digest_size=6).hexdigest()
    return folder / FOLDER / f"{settings.kind}-{digest}.queue"


def what_of(delivery: Delivery) -> str:
    """Return what a delivery is about, for people: the event, and its picture by name."""
    name = str(delivery.event.get("event"))
    return f"{name} {delivery.file.name}" if delivery.file is not None else name


def _told(letter: DeadLetter) -> dict[str, object]:
    died = datetime.fromtimestamp(letter.died).astimezone().isoformat(timespec="seconds")
    return {"what": what_of(letter.delivery), "why": letter.why, "time": died}
