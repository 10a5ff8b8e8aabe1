"""One HTTP request with a deadline for the whole of it, and what an answer means for a delivery."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from smartselfie._version import __version__
from smartselfie.errors import OutputError, RefusedError

MOST_READ = 64 * 1024
"""Bytes of an answer that are read."""
_LATER = {408, 425, 429, 502, 503, 504}
"""The far side is busy or half there: nothing is wrong with the delivery."""
_WRONG_PLACE = {301, 302, 303, 307, 308, 401, 402, 403, 404, 405, 407, 410}
"""Address or password are wrong: every delivery would fare the same, so that it waits for its owner."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the far side answered."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def far_side(url: str) -> str:
    """Return an address as it may be shown: without user, password, path and query, where secrets are."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return url.partition(":")[0]
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


def check_url(url: str, schemes: Iterable[str] = ("http", "https")) -> str:
    """Return the address when it is one of these. Raises ValueError in words that do not show it."""
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"must be an address such as {next(iter(schemes))}://host/path")
    _ = parts.port  # raises for one that is no number
    return url


def request(
    method: str,
    url: str,
    *,
    body: bytes | Iterable[bytes] | None = None,
    headers: Mapping[str, str] = {},
    timeout: float = 10.0,
    ca: str | None = None,
) -> Reply:
    """Send a request and read the answer within `timeout` seconds, however slowly the far side speaks.

    Redirects are answers like any other: a signed body goes nowhere but where its owner said. Raises
    `OutputError` when there is no whole answer.
    """
    parts = urlsplit(url)
    place = parts.hostname or "", parts.port
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            *place, timeout=timeout, context=ssl.create_default_context(cafile=ca)
        )
    else:
        connection = http.client.HTTPConnection(*place, timeout=timeout)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    late = threading.Event()
    alarm = threading.Timer(timeout, _hang_up, (connection, late))
    alarm.daemon = True
    alarm.start()
    try:
        sent = {"User-Agent": f"smartselfie/{__version__}", **headers}
        connection.request(method, path, body=body, headers=sent)
        answer = connection.getresponse()
        reply = Reply(answer.status, answer.read(MOST_READ), {k.lower(): v for k, v in answer.getheaders()})
        if late.is_set():  # cut off in the middle of its headers, which looks like their end
            raise TimeoutError
        return reply
    except (OSError, http.client.HTTPException) as error:
        late_already = late.is_set() or isinstance(error, TimeoutError)
        why = f"no answer within {timeout:g} s" if late_already else _words(error)
        raise OutputError(f"{far_side(url)}: {why}") from error
    finally:
        alarm.cancel()
        connection.close()


def judge(reply: Reply, url: str) -> None:
    """Return when the answer says that it has arrived. Raises `OutputError`, `RefusedError` by its kind."""
    status = reply.status
    if 200 <= status < 300:
        return
    words = f"{far_side(url)} answered {status} {http.client.responses.get(status, '')}".rstrip()
    if status in _LATER:
        error = OutputError(words)
        asked = reply.headers.get("retry-after", "")
        error.pause = float(asked) if re.fullmatch(r"[0-9]{1,6}", asked, re.ASCII) else 0.0
        raise error
    if status in _WRONG_PLACE:
        raise OutputError(words, remedy="look at its address and its password")
    raise RefusedError(words, again=status >= 500 or status == 409)


def _hang_up(connection: http.client.HTTPConnection, late: threading.Event) -> None:
    late.set()
    sock = connection.sock
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _words(error: Exception) -> str:
    """Say what went wrong, without the address."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, OSError):
        return str(error.strerror or error).lower()
    return "it speaks no HTTP or broke off"
