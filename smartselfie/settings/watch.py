"""Notices that a config file changed, without a thread of its own."""

from __future__ import annotations

from pathlib import Path

_Signature = tuple[int, int, int, int] | None


class ConfigWatch:
    """Looks at a file now and then; the loop asks `changed(now)` as often as it likes.

    A change counts once the file has stayed the same for one more look: an editor that truncates and writes
    is not caught in between. A file that is missing is no change (editors remove and rename); it is one when
    it is back.
    """

    def __init__(self, path: Path, *, every: float = 0.5) -> None:
        self._path = path
        self._every = every
        self._next = float("-inf")
        self._known = self._pending = self._look()

    def changed(self, now: float) -> bool:
        """Return whether the file has another content since the last True; `now` is monotonic seconds."""
        if now < self._next:
            return False
        self._next = now + self._every
        seen = self._look()
        settled = seen == self._pending
        self._pending = seen
        if seen is None or not settled or seen == self._known:
            return False
        self._known = seen
        return True

    def expect(self) -> None:
        """Take the file as it is now for known: the program has just written it itself."""
        self._known = self._pending = self._look()

    def _look(self) -> _Signature:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
