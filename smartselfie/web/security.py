"""Who may ask: Host, Origin, password and size, checked before any route, and the headers of every answer."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smartselfie.web.passwords import verify
from smartselfie.web.problems import problem
from smartselfie.web.rates import Rates, client_key
from smartselfie.web.sessions import Sessions

COOKIE = "smartselfie_session"
SMALL_BODY = 256 * 1024
"""What a request may carry that uploads no picture, in bytes."""

_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
}

# What the log-in form needs, and whoever asks whether the server lives; no more without a password.
_OPEN = frozenset(
    {
        "/health",
        "/api/v1/session",
        "/static/login.js",
        "/static/login.css",
        "/static/tokens.css",
        "/static/icon.svg",
    }
)


class AccessPolicy:
    """Knows the names this server answers to and its password; `password_hash` None: it asks for none."""

    def __init__(
        self,
        *,
        password_hash: str | None = None,
        names: Iterable[str] | None = None,
        listens_on: str = "127.0.0.1",
        sessions: Sessions | None = None,
    ) -> None:
        self.password_hash = password_hash
        self.sessions = sessions or Sessions()
        self._names = None if names is None else _names(listens_on, names)
        self._any_address = not is_loopback(listens_on)
        self._tries = Rates(burst=5, per_second=1 / 15)
        self._all_tries = Rates(burst=40, per_second=1, clients=1)
        self._proof_key = secrets.token_bytes(32)
        self._proven: bytes | None = None

    def host_known(self, host: str) -> bool:
        """Whether a Host header names this server, so that no foreign name was pointed at its address."""
        if self._names is None:
            return True
        name = _host_name(host)
        if name in self._names:
            return True
        return self._any_address and _is_address(name)

    async def try_password(self, client: str, password: str) -> int | None:
        """Return None when `password` is right, else the seconds to wait before the next try (0: none)."""
        assert self.password_hash is not None
        proof = hmac.digest(self._proof_key, password.encode("utf-8", "surrogatepass"), hashlib.sha256)
        if self._proven is not None and hmac.compare_digest(proof, self._proven):
            return None
        wait = self._tries.take(client) or self._all_tries.take("all")
        if wait:
            return wait
        if await asyncio.to_thread(verify, password, self.password_hash):
            self._proven = proof
            self._tries.give_back(client)
            return None
        return 0

    async def admits(self, headers: Headers, client: str) -> int | None:
        """Return None when the request carries a session or the right password (Basic), else the wait."""
        if self.password_hash is None or self.sessions.known(session_of(headers)):
            return None
        scheme, _, told = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return 0
        try:
            _, _, password = base64.b64decode(told, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return 0
        return await self.try_password(client, password)


class AccessMiddleware:
    """The middleware: refuses what `AccessPolicy` does not admit and gives every answer its headers."""

    def __init__(
        self, app: ASGIApp, policy: AccessPolicy, login_page: Path, upload_paths: frozenset[str]
    ) -> None:
        self._app = app
        self._policy = policy
        self._login_page = login_page
        self._upload_paths = upload_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = await self._refusal(scope)
        app: ASGIApp = self._app if refusal is None else refusal
        if scope["type"] == "http" and scope["method"] == "HEAD" and not scope["path"].startswith("/static/"):
            scope = {**scope, "method": "GET"}
            await head_only(app, scope, receive, send_with_headers)
        elif refusal is not None:
            await refusal(scope, receive, send_with_headers)
        elif scope["type"] == "websocket" or scope["path"] in ENDLESS:
            token = session_of(Headers(scope=scope))
            if self._policy.password_hash is not None and self._policy.sessions.known(token):
                await while_logged_in(app, self._policy.sessions, token)(scope, receive, send_with_headers)
            else:
                await app(scope, receive, send_with_headers)
        elif scope["path"] in self._upload_paths:
            await app(scope, receive, send_with_headers)
        else:
            await app(scope, _counted(receive), send_with_headers)

    async def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self._policy.host_known(host):
            return problem(
                403, "this server does not answer to that Host; web.allowed_hosts takes more names"
            )
        if (reason := _foreign(scope, headers, host)) is not None:
            return problem(403, reason)
        length = headers.get("content-length", "0")
        small = length.isdecimal() and int(length) <= SMALL_BODY
        if not small and scope["type"] == "http" and scope["path"] not in self._upload_paths:
            told = f"the body of this request may have {SMALL_BODY} bytes"
            return problem(413, told, {"connection": "close"})
        if scope["type"] == "http" and scope["path"] in _OPEN:
            return None
        wait = await self._policy.admits(headers, client_of(scope))
        if wait is None:
            return None
        if wait:
            return problem(
                429, f"too many wrong passwords; try again in {wait} s", {"retry-after": str(wait)}
            )
        wants_page = (
            scope["type"] == "http" and scope["method"] == "GET" and "text/html" in headers.get("accept", "")
        )
        if wants_page:
            return HTMLResponse(self._login_page.read_text(encoding="utf-8"), 401)
        # Programs wait to be asked; a browser would put a form of its own over the page's.
        asked = {} if "sec-fetch-mode" in headers else {"www-authenticate": 'Basic realm="smartselfie"'}
        told = "this needs the password: log in on the page, or send it by HTTP Basic (curl -u :PASSWORD)"
        return problem(401, told, asked)


ENDLESS = frozenset({"/stream.mjpg", "/api/v1/events"})
"""Answers that go on until somebody ends them."""


def while_logged_in(app: ASGIApp, sessions: Sessions, token: str) -> ASGIApp:
    """Return `app`, ended in due form as soon as its session is."""

    async def ended_with_session(scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.ensure_future(app(scope, receive, send))
        ended = False

        def stop() -> None:
            nonlocal ended
            ended = True
            task.cancel()

        with sessions.on_end(token, stop):
            timer = asyncio.get_running_loop().call_later(sessions.left(token), stop)
            try:
                await task
            except asyncio.CancelledError:
                task.cancel()
                if not ended:
                    raise
            finally:
                timer.cancel()
        if ended:
            last: Message = (
                {"type": "websocket.close", "code": 1008, "reason": "the session has ended"}
                if scope["type"] == "websocket"
                else {"type": "http.response.body", "body": b"", "more_body": False}
            )
            with contextlib.suppress(
                RuntimeError, OSError, TimeoutError
            ):  # it may not have begun, or be over
                await asyncio.wait_for(send(last), 1.0)

    return ended_with_session


async def head_only(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as `app` would, without the body; an endless answer is ended at once."""
    begun = asyncio.Event()

    async def without_body(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            begun.set()

    task = asyncio.ensure_future(app(scope, receive, without_body))
    waiting = asyncio.ensure_future(begun.wait())
    try:
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        if not task.done():
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if not begun.is_set() and not task.cancelled() and (error := task.exception()) is not None:
        raise error


def _foreign(scope: Scope, headers: Headers, host: str) -> str | None:
    origin = headers.get("origin")
    if origin is not None:
        scheme, separator, authority = origin.partition("://")
        if not separator or scheme not in ("http", "https") or authority.lower() != host.lower():
            return "the request comes from a page of another origin"
    elif headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        navigates = (
            headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        )
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or not navigates:
            return "the request comes from a page of another site"
    return None


def _counted(receive: Receive) -> Receive:
    """Cut off a body that was sent without its length and grows too large."""
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > SMALL_BODY:
            return {"type": "http.disconnect"}
        return message

    return counting


def client_of(scope: Scope) -> str:
    """Who sends this, for the limits."""
    client = scope.get("client")
    return client_key(client[0]) if client else "unknown"


def session_of(headers: Headers) -> str:
    """The session's token, or an empty text."""
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


def is_loopback(host: str) -> bool:
    """Whether only this machine's own programs reach `host` by its usual name (127.0.0.2 is not it)."""
    return host in ("127.0.0.1", "localhost", "::1")


def _names(listens_on: str, more: Iterable[str]) -> frozenset[str]:
    names = {"localhost", "127.0.0.1", "::1", listens_on.lower(), *(name.lower() for name in more)}
    if not is_loopback(listens_on):
        own = socket.gethostname().lower()
        names |= {own, own.partition(".")[0], own.partition(".")[0] + ".local"}
    return frozenset(names - {""})


def _host_name(host: str) -> str:
    """`[::1]:8000` -> `::1`, `Pi.local:8000` -> `pi.local`."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
