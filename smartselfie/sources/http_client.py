"""Asks a camera over HTTP: logins, redirects and certificates as cameras have them."""

from __future__ import annotations

import http.client
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from smartselfie._version import __version__
from smartselfie.errors import NoCameraError, UsageError
from smartselfie.redact import redact
from smartselfie.sources.devices import CHOICES
from smartselfie.sources.http_login import Login
from smartselfie.sources.trust import Trust

ENCODE = "in a login write / as %2F, # as %23, ? as %3F, @ as %40, [ as %5B, and put the address in quotes"
_REDIRECTS = 5
_TRIES = 6
"""Requests to one address, with what it asks for."""


@dataclass(slots=True, eq=False)
class Answer:
    """What a camera answered; its body is still to be read."""

    response: http.client.HTTPResponse
    socket: socket.socket
    address: str
    """Where it came from in the end, without a login."""
    notes: list[str]
    """What was done to get it."""

    def close(self) -> None:
        """Close the connection."""
        self.response.close()
        with suppress(OSError):
            self.socket.close()


def split_address(url: str) -> SplitResult:
    """Split an address that a person gave; raises `UsageError` when it is none."""
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError as error:
        raise UsageError(f"{redact(url)} is no address", remedy=ENCODE) from error
    if not parts.hostname or not port_ok:
        raise UsageError(f"{redact(url)} is no address", remedy=ENCODE)
    return parts


def ask(url: str, *, timeout: float, trust: Trust) -> Answer:
    """GET `url`, whose login may stand in it, and follow where it leads.

    `timeout` is that of each step, in seconds. Raises `NoCameraError` that says what the camera answered,
    `UsageError` when `url` is no address.
    """
    parts = split_address(url)
    login = Login.of(parts)
    first = parts
    notes: list[str] = []
    for _ in range(_REDIRECTS + 1):
        answer = _ask_one(parts, login, timeout, trust, notes)
        status, location = answer.response.status, answer.response.getheader("location")
        if status not in (301, 302, 303, 307, 308) or not location:
            break
        answer.close()
        try:
            there = split_address(urljoin(_bare(parts), location))
        except ValueError as error:  # UsageError is one
            raise NoCameraError(
                f"{_bare(parts)} leads to {redact(location)[:200]}, which is no address"
            ) from error
        if there.scheme not in ("http", "https"):
            raise NoCameraError(f"{_bare(parts)} leads to {_bare(there)}, which is not read over HTTP")
        if _origin(there) != _origin(parts):  # a login is told to nobody else
            login = Login.of(there)
        notes.append(f"follows to {_bare(there)}")
        parts = there
    else:
        raise NoCameraError(f"{_bare(first)} leads on and on; give the address where it ends")
    if answer.response.status == 200:
        return answer
    answer.close()
    raise NoCameraError(f"{_bare(parts)} does not answer: {_refusal(answer, first, parts, Login.of(first))}")


def _ask_one(
    parts: SplitResult, login: Login | None, timeout: float, trust: Trust, notes: list[str]
) -> Answer:
    """Ask one address, again with a login for as long as it offers another way to give it."""
    target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    address, sent, tried = _bare(parts), "", set[str]()
    for _ in range(_TRIES):
        answer = _request(parts, target, sent, timeout, trust)
        if answer.response.status != 401 or login is None:
            break
        way = login.next_way(answer.response.headers.get_all("www-authenticate") or [], tried)
        if way is None:
            break
        answer.close()
        tried.add(way.name)
        sent = login.answer(way, "GET", target)
        notes[:] = [*(note for note in notes if not note.startswith("logs in")), f"logs in by {way.words}"]
    answer.address, answer.notes = address, notes
    return answer


def _request(parts: SplitResult, target: str, authorization: str, timeout: float, trust: Trust) -> Answer:
    assert parts.hostname is not None
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=timeout, context=trust.context()
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    headers = {"User-Agent": f"smartselfie/{__version__}", "Accept": "*/*", "Connection": "close"}
    if authorization:
        headers["Authorization"] = authorization
    try:
        connection.connect()
        if isinstance(connection.sock, ssl.SSLSocket):
            trust.check(connection.sock)
        kept = connection.sock
        connection.request("GET", target, headers=headers)
        return Answer(connection.getresponse(), kept, "", [])
    except ssl.SSLCertVerificationError as error:
        connection.close()
        raise NoCameraError(
            f"{_bare(parts)}: its certificate is not trusted ({error.verify_message})",
            remedy=trust.remedy(parts.hostname, parts.port or 443, timeout),
        ) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        connection.close()
        hint = ENCODE if "@" in parts.path + parts.query + parts.fragment else CHOICES
        raise NoCameraError(f"{_bare(parts)} does not answer: {reason(error)}", remedy=hint) from error


def reason(error: Exception) -> str:
    """Say in words why a connection failed."""
    match error:
        case TimeoutError():
            return "no answer in time"
        case http.client.BadStatusLine() | http.client.UnknownProtocol():
            return "it does not speak HTTP"
        case ssl.SSLError(reason=str(words)):
            return words.lower().replace("_", " ")
        case OSError(strerror=str(words)):
            return words
        case _:
            return str(error) or type(error).__name__


def _refusal(answer: Answer, first: SplitResult, last: SplitResult, login: Login | None) -> str:
    words = f"{answer.response.status} {answer.response.reason}"
    if answer.response.status != 401:
        return words
    if login is None:
        return f"{words}; put user:password@ before the address"
    if _origin(first) != _origin(last):
        return f"{words}; it leads from {_bare(first)} to another place, so give that address with its login"
    offered = answer.response.headers.get_all("www-authenticate") or ["no way to log in"]
    if not login.knows(offered):
        return f"{words}; it offers only {', '.join(way.split()[0] for way in offered)}"
    return f"{words}; the user or the password is wrong ({ENCODE})"


def _bare(parts: SplitResult) -> str:
    """Return an address without its login and without what is secret by its name."""
    return redact(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
