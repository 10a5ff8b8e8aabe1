"""The server: one socket, one thread, one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from smartselfie.errors import WebError
from smartselfie.settings import parse_listen
from smartselfie.web import passwords
from smartselfie.web.app import Parts, Site
from smartselfie.web.deadlines import Deadlines, WebLoop, protocol
from smartselfie.web.gate import Gate, Listener
from smartselfie.web.security import AccessPolicy, is_loopback
from smartselfie.web.sessions import KeptSessions

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Says when it listens, and ends its endless answers before it waits for them."""

    def __init__(self, config: uvicorn.Config, site: Site) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._site = site
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        with asyncio.Runner(loop_factory=WebLoop) as runner:
            runner.run(self.serve(sockets=sockets))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let everybody go: those who read have the grace to read to the end, the others have not."""
        assert self._loop is not None
        grace = float(self.config.timeout_graceful_shutdown or 0)
        self._loop.call_later(grace, self._abandon)
        await super().shutdown(sockets)
        self._abandon()

    def _abandon(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def stop(self) -> None:
        """Called from another thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._site.stop)
        self.should_exit = True


class WebServer:
    """Serves `parts` on `listen` (HOST:PORT) from the thread `web`, from `start` to `close`.

    The constructor binds the socket and raises `WebError` when it cannot. `password` is plain or a hash of
    `passwords.hash_password`; on an address that other machines reach one is made when there is none:
    `generated` is then that password, to be shown once, and `password_hash` what is worth keeping.
    `public` serves only the try-a-photo view, without a password. `state` is a folder in which sessions
    outlive a restart. `deadlines` and `most` say how slow clients may be and how many connections there are.
    """

    def __init__(
        self,
        listen: str,
        parts: Parts,
        *,
        password: str | None = None,
        require_password: bool = False,
        tls: tuple[Path, Path] | None = None,
        allowed_hosts: Sequence[str] = (),
        public_url: str | None = None,
        trust_proxy: bool = False,
        public: bool = False,
        state: Path | None = None,
        deadlines: Deadlines | None = None,
        most: int | None = None,
    ) -> None:
        host, port = parse_listen(listen)
        self.generated: str | None = None
        wanted = not public and bool(password or require_password or not is_loopback(host))
        if wanted and not password:
            password = self.generated = passwords.generate()
        kept = KeptSessions(state, port, password) if wanted and password else None
        self.password_hash = None if kept is None else kept.password_hash
        self._public_url = public_url
        named = urlsplit(public_url).hostname if public_url else None
        names = [*allowed_hosts, *([named] if named else [])]
        # A public page keeps no secret that a foreign name could be pointed at, and may have many names.
        policy = AccessPolicy(
            password_hash=self.password_hash,
            names=None if public else names,
            listens_on=host,
            sessions=None if kept is None else kept.sessions,
        )
        self._site = Site(parts, policy, public=public)
        config = uvicorn.Config(
            self._site.app,
            http=protocol(deadlines := deadlines or Deadlines()),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="on",
            ws_max_size=1_000_000,
            ws_per_message_deflate=False,  # JPEG does not get smaller, and it costs the loop its time
            proxy_headers=trust_proxy,
            forwarded_allow_ips="*" if trust_proxy else None,
            timeout_graceful_shutdown=2,
            timeout_keep_alive=deadlines.pause,  # type: ignore[arg-type]
            limit_concurrency=None,
            ssl_certfile=None if tls is None else str(tls[0]),
            ssl_keyfile=None if tls is None else str(tls[1]),
        )
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
            raise WebError(
                f"web.tls: cannot use this certificate and key ({reason})", remedy="give both as PEM files"
            ) from error
        self.gate = Gate(most, per_client=not trust_proxy)
        self._socket = Listener.of(bind(host, port), self.gate)
        self._host, self._port = host, int(self._socket.getsockname()[1])
        self._scheme = "http" if tls is None else "https"
        self._server = _Server(config, self._site)
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._failure: BaseException | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on; the port is the real one where 0 was asked for."""
        return self._host, self._port

    @property
    def url(self) -> str:
        """The address of the page, as a person types it."""
        if self._public_url:
            return self._public_url
        host = reachable_address() if self._host in ("0.0.0.0", "::") else self._host
        return f"{self._scheme}://{f'[{host}]' if ':' in host else host}:{self._port}/"

    @property
    def failure(self) -> BaseException | None:
        """What ended the server, or the encoding of its pictures, when that was no `close`."""
        stream = self._site.stream
        return self._failure or (stream.failure if stream is not None else None)

    def launch(self) -> None:
        """Begin to serve, without waiting until the page can be asked for."""
        self._thread.start()

    def start(self, timeout: float = 10.0) -> None:
        """Begin to serve; returns when the page can be asked for. Raises `WebError`."""
        self.launch()
        self._server.ready.wait(timeout)
        if self._failure is not None or not self._server.ready.is_set():
            raise WebError(f"the web server did not start: {self._failure or 'no answer in time'}")

    def close(self, timeout: float = 8.0) -> None:
        """Let go every viewer, stop and join; harmless when repeated. Raises `WebError` when it hangs."""
        if self._thread.ident is None:
            self._socket.close()
        elif self._thread.is_alive():
            self._server.stop()
            self._thread.join(timeout)
            if self._thread.is_alive():
                raise WebError(f"the web server did not stop within {timeout:g} s")

    def __enter__(self) -> WebServer:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        except BaseException as error:  # also SystemExit, with which uvicorn gives up
            self._failure = error
            log.error("the web server ended: %s", error)
        finally:
            self._server.ready.set()


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises `WebError` that says what is in the way."""
    told = f"{f'[{host}]' if ':' in host else host}:{port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise WebError(f"cannot listen on {told}: {host} is no address of this machine") from error
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(128)  # only a listening socket keeps a second program from the port
    except OSError as error:
        bound.close()
        raise WebError(f"cannot listen on {told}: {_reason(error)}") from error
    return bound


def _reason(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "the port is in use; choose another with --listen HOST:PORT"
        case errno.EACCES:
            return "only root may use a port below 1024; choose another with --listen HOST:PORT"
        case errno.EADDRNOTAVAIL:
            return "this machine does not have that address; 0.0.0.0 is every one it has"
        case _:
            return error.strerror or str(error)


def reachable_address() -> str:
    """The address by which other machines reach this one: that of the way out; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address of documentation, on no network
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
