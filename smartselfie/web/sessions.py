"""The sessions that a right password opens: they end with a log-out, and outlive a restart."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from smartselfie import atomic
from smartselfie.errors import ConfigError
from smartselfie.web import passwords

log = logging.getLogger(__name__)


class Sessions:
    """Who has given the password: random tokens, of which only the hash is kept. Not for several threads.

    `ends` are those that are known already, hash to the time of their end by `clock`; `keep` is told all of
    them when one begins or ends.
    """

    def __init__(
        self,
        *,
        lifetime: float = 30 * 86400,
        most: int = 500,
        clock: Callable[[], float] = time.time,
        ends: Mapping[str, float] | None = None,
        keep: Callable[[Mapping[str, float]], None] = lambda ends: None,
    ) -> None:
        self.lifetime = lifetime
        self._most = most
        self._clock = clock
        self._keep = keep
        latest = clock() + lifetime  # a clock that was wrong must not make a session last for years
        self._ends = OrderedDict((digest, min(end, latest)) for digest, end in (ends or {}).items())
        self._streams: defaultdict[str, set[Callable[[], object]]] = defaultdict(set)

    def open(self) -> str:
        """Return the token of a new session; the oldest one ends when there are too many."""
        token = secrets.token_urlsafe(32)
        now = self._clock()
        for digest in [digest for digest, end in self._ends.items() if end <= now]:
            self._drop(digest)
        self._ends[_digest(token)] = now + self.lifetime
        while len(self._ends) > self._most:
            self._drop(next(iter(self._ends)))
        self._keep(self._ends)
        return token

    def known(self, token: str) -> bool:
        """Whether `token` is of a session that has not ended."""
        ends = self._ends.get(_digest(token))
        return ends is not None and self._clock() < ends

    def left(self, token: str) -> float:
        """Return the seconds that the session has left."""
        return max(0.0, self._ends.get(_digest(token), 0.0) - self._clock())

    def end(self, token: str) -> None:
        """Forget the session and end what was opened with it; harmless when there is none."""
        if self._drop(_digest(token)):
            self._keep(self._ends)

    @contextmanager
    def on_end(self, token: str, stop: Callable[[], object]) -> Iterator[None]:
        """Have `stop` called when the session ends, while the context lasts."""
        digest = _digest(token)
        self._streams[digest].add(stop)
        try:
            yield
        finally:
            streams = self._streams.get(digest, set())
            streams.discard(stop)
            if not streams:
                self._streams.pop(digest, None)

    def _drop(self, digest: str) -> bool:
        for stop in tuple(self._streams.get(digest, ())):
            stop()
        return self._ends.pop(digest, None) is not None


class KeptSessions:
    """A password's hash and the sessions that were opened with it, kept in a file that only its owner reads.

    With another password the sessions of the file are void. `folder` None: nothing is kept.
    """

    def __init__(self, folder: Path | None, port: int, password: str) -> None:
        self._path = None if folder is None or not port else folder / f"sessions-{port}.json"
        ends: dict[str, float] = {}
        told = self._read()
        before = told.get("password")
        if isinstance(before, str) and _same(password, before):
            self.password_hash = before
            found = told.get("sessions")
            if isinstance(found, dict):
                ends = {str(key): float(end) for key, end in found.items() if isinstance(end, int | float)}
        else:
            self.password_hash = (
                password if passwords.is_hash(password) else passwords.hash_password(password)
            )
        self.sessions = Sessions(ends=ends, keep=self._write)

    def _read(self) -> dict[str, object]:
        try:
            told = json.loads(self._path.read_text(encoding="utf-8")) if self._path is not None else {}
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def _write(self, ends: Mapping[str, float]) -> None:
        if self._path is None:
            return
        told = {"password": self.password_hash, "sessions": {key: round(end) for key, end in ends.items()}}
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            atomic.write_private(self._path, json.dumps(told).encode())
        except OSError as error:
            log.warning("%s: %s: a restart will ask for the password again", self._path, error.strerror)
            self._path = None


def _same(password: str, stored: str) -> bool:
    if passwords.is_hash(password):
        return password == stored
    try:
        return passwords.verify(password, stored)
    except ConfigError:
        return False


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
