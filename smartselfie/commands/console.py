"""What people read on stderr: the log, and one line for each error."""

from __future__ import annotations

import errno
import logging
import os
import sys

from smartselfie.errors import SmartSelfieError
from smartselfie.redact import redact

_PRIORITIES = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3}
"""Syslog's, which the journal understands at the beginning of a line."""


def start_logging(verbose: int, quiet: bool) -> None:
    """Log to stderr in words for people; into the journal with priorities and without times, which it has."""
    level = logging.WARNING if quiet else logging.DEBUG if verbose > 1 else logging.INFO
    handler = logging.StreamHandler(sys.stderr)
    if _writes_to_journal():
        handler.setFormatter(logging.Formatter("<%(priority)d>%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname_lower)s%(message)s", "%H:%M:%S"))
    handler.addFilter(_name_level)
    handler.addFilter(_redact)
    logger = logging.getLogger("smartselfie")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


def _writes_to_journal() -> bool:
    """Whether stderr is systemd's journal: a terminal may have inherited the variable from its session."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):  # stderr is closed, or no file
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _name_level(record: logging.LogRecord) -> bool:
    """Name the level where it says something: information needs no label."""
    record.levelname_lower = "" if record.levelno == logging.INFO else record.levelname.lower() + ": "
    record.priority = _PRIORITIES.get(record.levelname, 2)
    return True


def _redact(record: logging.LogRecord) -> bool:
    """Cut the secrets out of a line, wherever in the program it was written."""
    record.msg, record.args = redact(record.getMessage()), None
    return True


def one_line(error: Exception, traceback_shown: bool) -> str:
    """Return what to say of an error: what, where and what to do."""
    match error:
        case SmartSelfieError():
            return str(error)
        case ImportError():
            return explain_import(error)
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            return "too many open files; raise the limit: ulimit -n 1024"
        case _:
            hint = "" if traceback_shown else "; -v shows where, please report it"
            return f"internal error: {type(error).__name__}: {error}{hint}"


def explain_import(error: ImportError) -> str:
    """Return one line that says what is missing and how to install it."""
    text = str(error)
    for library in ("libGL.so.1", "libgthread-2.0.so.0", "libglib-2.0.so.0"):
        if library in text:
            return f"the system library {library} is missing; run: sudo apt install libgl1 libglib2.0-0"
    missing = error.name or ""
    if missing.split(".")[0] == "smartselfie":
        return f"smartselfie is not whole: {text}; install it again"
    return f"{text}; run: pip install '{_extra_of(missing)}'"


def _extra_of(module: str) -> str:
    extras = {
        "web": ("fastapi", "uvicorn", "websockets", "multipart", "python_multipart", "starlette"),
        "train": ("tensorflow", "keras", "matplotlib", "sklearn"),
        "pi": ("gpiozero",),
        "mqtt": ("paho",),
        "notify": ("apprise",),
        "upload": ("obstore",),
        "metrics": ("prometheus_client",),
    }
    for extra, modules in extras.items():
        if module.split(".")[0] in modules:
            return f"smartselfie[{extra}]"
    return "smartselfie"
