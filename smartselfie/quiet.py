"""Keeps what libraries greet with off people's terminals."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

_one_at_a_time = threading.RLock()  # two that overlap would restore each other's file


@contextlib.contextmanager
def without_lines(pattern: bytes) -> Iterator[None]:
    """Drop the lines in which `pattern` is found from what is written to file descriptor 2 meanwhile.

    For libraries that write there from C++ and have no switch for it. Other lines are passed on afterwards.
    """
    with _one_at_a_time, tempfile.TemporaryFile() as kept:
        try:
            stderr = os.dup(2)
        except OSError:  # there is none to keep clean
            yield
            return
        _flush()
        os.dup2(kept.fileno(), 2)
        try:
            yield
        finally:
            _flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            kept.seek(0)
            lines = kept.read().splitlines(keepends=True)
            rest = b"".join(line for line in lines if not re.search(pattern, line))
            if rest:
                os.write(2, rest)


def set_opencv_log_level(level: int) -> int:
    """Let OpenCV log from `level` on (0: nothing, 3: warnings); returns what it was.

    The functions moved from `cv2` to `cv2.utils.logging` between 4.10 and 4.14.
    """
    import cv2

    where: Any = getattr(cv2.utils, "logging", cv2)
    before = int(where.getLogLevel())
    where.setLogLevel(level)
    return before


def _flush() -> None:
    if sys.stderr is not None:  # a daemon may have none
        sys.stderr.flush()
