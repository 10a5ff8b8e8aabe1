"""Deliveries that wait on the disk: in their order, bounded, there again after a SIGKILL or a power cut."""

from __future__ import annotations

import json
import logging
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from smartselfie.errors import OutputError
from smartselfie.records import Event

log = logging.getLogger(__name__)

FOLDER = ".outputs"
"""Where the queues are, in the folder of the pictures, which has one writer."""
WAITING = 10_000
"""Deliveries that wait at the most; then the oldest become dead letters."""
DEAD = 1000
"""Dead letters that are kept; then the oldest are forgotten."""

_TABLES = """
CREATE TABLE IF NOT EXISTS waiting
    (number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT, event TEXT, added REAL, tries INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS dead
    (number INTEGER PRIMARY KEY, key TEXT, event TEXT, added REAL, tries INTEGER, why TEXT, died REAL);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, value INTEGER);
CREATE TABLE IF NOT EXISTS pictures (name TEXT PRIMARY KEY, written INTEGER);
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that has to reach the far side."""

    number: int
    """Its place in the order."""
    key: str
    """The same at every try, also after a restart: by it the far side knows a second one for the first."""
    event: Event
    added: float
    """When it was put into the queue, in seconds since 1970."""
    tries: int = 0
    """How often the far side has answered that it cannot take this one."""

    @property
    def file(self) -> Path | None:
        """The picture it is about; None where there is none."""
        file = self.event.get("file")
        return Path(file) if isinstance(file, str) and file else None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery that was given up."""

    delivery: Delivery
    why: str
    died: float
    """When, in seconds since 1970."""


class DeliveryQueue:
    """A queue in one SQLite file, safe for threads and for a second process that looks or revives.

    Every change is on the disk when its method returns. Opened on first use; methods raise `OutputError` when
    the disk does not take it. A file that is damaged is put aside, and said.
    """

    def __init__(self, path: Path, *, waiting: int = WAITING, dead: int = DEAD) -> None:
        self.path = path
        self._most_waiting, self._most_dead = waiting, dead
        self._lock = threading.Lock()  # guards the connection
        self._database: sqlite3.Connection | None = None
        self._owner = FileLock(path.with_suffix(".lock"), blocking=False, thread_local=False)

    def put(self, event: Event, *, now: float) -> list[Delivery]:
        """Add an event at the end; returns what had to give way to it: the oldest, now dead letters."""
        text = json.dumps(event, ensure_ascii=False)
        with self._change() as database:
            database.execute(
                "INSERT INTO waiting (key, event, added) VALUES (?, ?, ?)", (secrets.token_hex(16), text, now)
            )
            if event.get("event") == "shot":
                _remember(database, Path(str(event.get("file"))))
            (count,) = database.execute("SELECT count(*) FROM waiting").fetchone()
            over = max(0, count - self._most_waiting)
            rows = database.execute(
                "SELECT number, key, event, added, tries FROM waiting ORDER BY number LIMIT ?", (over,)
            ).fetchall()
            gone = [_delivery(row) for row in rows]
            for each in gone:
                self._bury(database, each, f"more than {self._most_waiting} were waiting", now)
        return gone

    def first(self) -> Delivery | None:
        """Return the oldest that waits; it stays until `done`, `again` or `bury`."""
        with self._change() as database:
            row = database.execute(
                "SELECT number, key, event, added, tries FROM waiting ORDER BY number LIMIT 1"
            ).fetchone()
        return None if row is None else _delivery(row)

    def done(self, delivery: Delivery) -> None:
        """It has arrived."""
        with self._change() as database:
            database.execute("DELETE FROM waiting WHERE number = ?", (delivery.number,))
            _count(database, "delivered")

    def again(self, delivery: Delivery) -> int:
        """The far side could not take this one; returns how often that was so."""
        with self._change() as database:
            database.execute("UPDATE waiting SET tries = tries + 1 WHERE number = ?", (delivery.number,))
        return delivery.tries + 1

    def bury(self, delivery: Delivery, why: str, *, now: float) -> None:
        """Give it up."""
        with self._change() as database:
            self._bury(database, delivery, why, now)

    def revive(self, *, now: float) -> int:
        """Let every dead letter wait again, behind what waits; returns how many."""
        with self._change() as database:
            count = database.execute(
                "INSERT INTO waiting (key, event, added) SELECT key, event, ? FROM dead ORDER BY number",
                (now,),
            ).rowcount
            database.execute("DELETE FROM dead")
        return count

    def forget_dead(self) -> int:
        """Throw every dead letter away; returns how many."""
        with self._change() as database:
            return database.execute("DELETE FROM dead").rowcount

    def dead(self, most: int = 20) -> list[DeadLetter]:
        """Return the newest dead letters, the newest first."""
        with self._change() as database:
            rows = database.execute(
                "SELECT number, key, event, added, tries, why, died FROM dead "
                "ORDER BY died DESC, number DESC LIMIT ?",
                (most,),
            ).fetchall()
        return [DeadLetter(_delivery(row[:5]), row[5], row[6]) for row in rows]

    def counts(self) -> dict[str, int]:
        """Return how many are `waiting` and `dead`, and how many ever were `delivered` and `given_up`."""
        with self._change() as database:
            (waiting,) = database.execute("SELECT count(*) FROM waiting").fetchone()
            (dead,) = database.execute("SELECT count(*) FROM dead").fetchone()
            told = dict(database.execute("SELECT name, value FROM counts").fetchall())
        return {
            "waiting": waiting,
            "dead": dead,
            "delivered": told.get("delivered", 0),
            "given_up": told.get("given_up", 0),
        }

    def pictures(self) -> dict[str, int]:
        """Return the newest pictures that were put into it: name -> when its file was written, in ns."""
        with self._change() as database:
            return dict(database.execute("SELECT name, written FROM pictures").fetchall())

    def remember(self, picture: Path) -> None:
        """Note a picture as one that was put into it: older ones are nobody's business."""
        with self._change() as database:
            _remember(database, picture)

    def own(self) -> bool:
        """Whether this process alone may deliver from it, from now until `close`."""
        try:
            self._owner.acquire()
        except Timeout:
            return False
        except OSError as error:
            raise OutputError(f"{self._owner.lock_file}: {error.strerror}") from error
        return True

    def close(self) -> None:
        """Give the file back; harmless when repeated."""
        with self._lock:
            database, self._database = self._database, None
            if database is not None:
                database.close()
            self._owner.release(force=True)

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """Give the database for one change: all of it happens, or nothing."""
        with self._lock:
            try:
                if self._database is None:
                    self._database = self._open()
                with self._database:
                    yield self._database
            except sqlite3.OperationalError as error:  # full, locked, or gone
                raise OutputError(f"{self.path}: {error}") from error
            except sqlite3.DatabaseError as error:
                self._put_aside(error)
                raise OutputError(f"{self.path} was damaged") from error

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)  # never in place of a disk that is gone
        except OSError as error:
            raise OutputError(f"{self.path.parent}: {error.strerror}") from error
        database = sqlite3.connect(self.path, timeout=5.0, check_same_thread=False)
        try:
            database.execute("PRAGMA synchronous = FULL")
            database.executescript(_TABLES)
        except BaseException:
            database.close()
            raise
        with suppress(OSError):
            self.path.chmod(0o600)
        return database

    def _put_aside(self, error: sqlite3.DatabaseError) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()
        aside = self.path.with_suffix(".damaged")
        with suppress(OSError):
            self.path.replace(aside)
        log.error(
            "%s is damaged (%s): put aside as %s, what waited in it is lost", self.path, error, aside.name
        )

    def _bury(self, database: sqlite3.Connection, delivery: Delivery, why: str, now: float) -> None:
        text = json.dumps(delivery.event, ensure_ascii=False)
        values = (delivery.number, delivery.key, text, delivery.added, delivery.tries, why, now)
        database.execute("INSERT OR REPLACE INTO dead VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        database.execute("DELETE FROM waiting WHERE number = ?", (delivery.number,))
        database.execute(
            "DELETE FROM dead WHERE number NOT IN "
            "(SELECT number FROM dead ORDER BY died DESC, number DESC LIMIT ?)",
            (self._most_dead,),
        )
        _count(database, "given_up")


def _delivery(row: tuple[int, str, str, float, int]) -> Delivery:
    number, key, event, added, tries = row
    return Delivery(number, key, json.loads(event), added, tries)


def _count(database: sqlite3.Connection, name: str) -> None:
    database.execute(
        "INSERT INTO counts VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1", (name,)
    )


def _remember(database: sqlite3.Connection, picture: Path) -> None:
    with suppress(OSError):
        database.execute(
            "INSERT OR REPLACE INTO pictures VALUES (?, ?)", (picture.name, picture.stat().st_mtime_ns)
        )
        database.execute(
            "DELETE FROM pictures WHERE name NOT IN "
            "(SELECT name FROM pictures ORDER BY written DESC LIMIT 1000)"
        )
