"""Clients that are slow, many, silent or logged out: each costs itself alone."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from smartselfie.daemon.page_keeper import PageKeeper
from smartselfie.errors import BusyError, WebError
from smartselfie.viewing.newest import Newest
from smartselfie.web import live
from smartselfie.web.app import Parts
from smartselfie.web.deadlines import Deadlines
from smartselfie.web.gate import Gate, Listener
from smartselfie.web.live import Stream, Viewer
from smartselfie.web.server import WebServer
from smartselfie.web.sessions import KeptSessions
from tests.web.conftest import Serve
from tests.web.test_security import PASSWORD

QUICK = Deadlines(headers=0.2, body=0.2, whole_body=0.5, pause=0.3, reading=0.2)


def is_closed(connection: socket.socket) -> bool:
    """Whether the server lets go within its deadlines, with or without a last word."""
    connection.settimeout(10)
    with suppress(ConnectionError):
        while connection.recv(65536):
            pass
    return True


@pytest.mark.parametrize(
    "begins",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: 127.0",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET / HT",
        b"POST /api/v1/arm HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{",
        b"POST /api/v1/classify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999999\r\n\r\nabc",
        b"\x16\x03\x01\x02\x00",
    ],
    ids=["silent", "half a header", "half a second header", "half a body", "half an upload", "no HTTP"],
)
def test_whoever_does_not_go_on_is_let_go(serve: Serve, parts: Parts, begins: bytes) -> None:
    """Headers and bodies have deadlines; the page answers others all the while."""
    server = serve(parts, deadlines=QUICK)
    with socket.create_connection(server.address) as connection:
        connection.sendall(begins)
        assert httpx.get(server.url + "health").status_code == 200
        assert is_closed(connection)


def test_one_byte_now_and_then_is_no_progress(serve: Serve, parts: Parts) -> None:
    """A header that drips does not put its deadline off."""
    server = serve(parts, deadlines=QUICK)
    with socket.create_connection(server.address) as connection, suppress(ConnectionError):
        connection.settimeout(0.02)
        for _ in range(2000):
            connection.sendall(b"G")
            with suppress(TimeoutError):
                if not connection.recv(1):
                    break
        else:
            pytest.fail("it was let drip for ever")


def test_whoever_does_not_read_is_let_go(serve: Serve, parts: Parts) -> None:
    """A stream that nobody reads ends; it is not kept for a reader that may never come back."""
    server = serve(parts, deadlines=QUICK)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(server.address)
        connection.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        _until(lambda: server.gate.open == 1)
        _until(lambda: server.gate.open == 0)


def test_connections_have_a_limit_in_all_and_for_each(caplog: pytest.LogCaptureFixture) -> None:
    """Half are one client's at the most; what is turned away is said once a minute."""
    logging.getLogger("smartselfie").propagate = True
    now = 0.0
    gate = Gate(6, clock=lambda: now)
    assert [gate.enter("a") for _ in range(4)] == [True, True, True, False]
    assert [gate.enter("b") for _ in range(4)] == [True, True, True, False]
    assert not gate.enter("c")
    gate.leave("a")
    assert gate.enter("c")
    assert caplog.text.count("turned away") == 1
    now = 61.0
    assert not gate.enter("d")
    assert "3 times" in caplog.text
    assert [Gate(4, per_client=False).enter("proxy") for _ in range(4)] == [True] * 4


def test_a_thousand_half_headers_leave_room_for_others(serve: Serve, parts: Parts) -> None:
    """Those beyond the limit are closed at once; another client is served, and `close` is quick."""
    server = serve(parts, most=20)
    with ExitStack() as stack:
        for _ in range(60):
            connection = stack.enter_context(socket.create_connection(server.address))
            with suppress(ConnectionError):
                connection.sendall(b"GET / HTTP/1.1\r\nHost:")
        assert server.gate.open <= 10
        with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as other:
            assert other.get(server.url + "health").status_code == 200
        server.close()


def test_without_descriptors_a_connection_is_refused_and_not_awaited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The reserve takes it off the queue, and is there again afterwards."""
    listener = Listener.of(socket.create_server(("127.0.0.1", 0)), Gate(4))
    listener.setblocking(False)
    real = listener._accept
    calls = iter([OSError(24, "Too many open files")])

    def short() -> object:
        for error in calls:
            raise error
        return real()

    monkeypatch.setattr(listener, "_accept", short)
    with socket.create_connection(listener.getsockname()) as connection:
        with pytest.raises(BlockingIOError):
            listener.accept()
        assert is_closed(connection)
    assert listener._reserve is not None
    listener.close()


def test_only_those_who_asked_lately_share_the_rate() -> None:
    """A hundred who are merely connected take nothing from the one who looks."""
    stream = Stream(Newest())
    with ExitStack() as stack:
        viewers = [stack.enter_context(stream.viewer(str(number))) for number in range(live.VIEWERS - 1)]
        viewers[0].asked_at = 100.0
        viewers[1].asked_at = 90.0
        assert stream.sharing(101.0) == 1


@pytest.mark.parametrize(("clients", "most"), [(1, live.VIEWERS_EACH), (live.VIEWERS, live.VIEWERS)])
def test_viewers_have_a_limit(clients: int, most: int) -> None:
    """For one client and for all; who leaves makes room."""
    stream = Stream(Newest())
    with ExitStack() as stack:
        for number in range(most):
            stack.enter_context(stream.viewer(str(number % clients)))
        with pytest.raises(BusyError), stream.viewer("0"):
            pass
    with stream.viewer("0") as viewer:
        assert isinstance(viewer, Viewer)


@pytest.fixture
def logged_in(serve: Serve, parts: Parts) -> Iterator[tuple[WebServer, httpx.Client]]:
    """A page with a password, and a browser that has given it."""
    server = serve(parts, password=PASSWORD, require_password=True)
    with httpx.Client(base_url=server.url, timeout=10) as client:
        assert client.post("/api/v1/session", json={"password": PASSWORD}).status_code == 204
        yield server, client


@pytest.mark.parametrize("path", ["stream.mjpg", "api/v1/events"])
def test_a_stream_ends_with_its_session(logged_in: tuple[WebServer, httpx.Client], path: str) -> None:
    """After the log-out it ends, in due form."""
    server, client = logged_in
    with client.stream("GET", "/" + path) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        assert httpx.delete(server.url + "api/v1/session", cookies=client.cookies).status_code == 204
        for _ in pieces:
            pass


def test_a_live_socket_ends_with_its_session(logged_in: tuple[WebServer, httpx.Client]) -> None:
    """No picture after the log-out."""
    server, client = logged_in
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    address = server.url.replace("http", "ws") + "api/v1/live"
    with connect(address, additional_headers={"cookie": cookie}) as socket_:
        socket_.recv(timeout=10)
        assert client.delete("/api/v1/session").status_code == 204
        with pytest.raises(ConnectionClosed):
            _drain(socket_)


def test_sessions_outlive_a_restart_and_end_with_the_password(tmp_path: Path) -> None:
    """Their hashes are in a file that only the owner reads; another password makes them void."""
    token = KeptSessions(tmp_path, 8000, "first").sessions.open()
    kept = tmp_path / "sessions-8000.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert token not in kept.read_text()
    again = KeptSessions(tmp_path, 8000, "first")
    assert again.sessions.known(token)
    assert not KeptSessions(tmp_path, 8001, "first").sessions.known(token)
    assert not KeptSessions(tmp_path, 8000, "second").sessions.known(token)
    again.sessions.end(token)
    assert not KeptSessions(tmp_path, 8000, "first").sessions.known(token)
    kept.write_bytes(b"\xff{")
    assert KeptSessions(tmp_path, 8000, "first").password_hash


@pytest.mark.parametrize(
    "path", ["/", "/health", "/api/v1/state", "/api/v1/shots", "/stream.mjpg", "/api/v1/events"]
)
def test_head_answers_as_get_without_a_body(client: httpx.Client, path: str) -> None:
    """Also of what never ends."""
    answer = client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")


def test_programs_are_asked_for_the_password_and_browsers_are_not(
    logged_in: tuple[WebServer, httpx.Client],
) -> None:
    """`/health` is open; 401 names Basic for programs that wait for it."""
    server, _ = logged_in
    assert httpx.get(server.url + "health").status_code == 200
    asked = httpx.get(server.url + "api/v1/state")
    assert asked.status_code == 401
    assert asked.headers["www-authenticate"].startswith("Basic")
    browser = httpx.get(
        server.url + "api/v1/state", headers={"sec-fetch-mode": "cors", "sec-fetch-site": "same-origin"}
    )
    assert "www-authenticate" not in browser.headers
    assert httpx.get(server.url + "api/v1/state", auth=("", PASSWORD)).status_code == 200


class FakeServer:
    """A web server as its keeper sees it."""

    generated = None

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self.launched = self.closed = False

    def start(self) -> None:
        self.launched = True

    launch = start

    def close(self) -> None:
        self.closed = True
        raise WebError("the web server did not stop within 8 s")


def test_the_camera_outlives_its_page() -> None:
    """A server that fails is replaced after a pause, as often as it takes; one that hangs is left behind."""
    now = 0.0
    made: list[FakeServer | None] = []

    def make() -> WebServer:
        if len(made) == 1:
            made.append(None)
            raise WebError("the port is in use")
        made.append(FakeServer())
        return made[-1]  # type: ignore[return-value]

    with PageKeeper(make, clock=lambda: now) as keeper:
        first = made[0]
        assert first is not None
        first.failure = OSError("no descriptors")
        assert list(keeper()) == []
        assert first.closed
        assert len(made) == 1
        now = 1.0
        keeper()
        now = 2.9
        keeper()
        now = 3.0
        keeper()
        assert len(made) == 3
        assert made[2] is not None
        assert made[2].launched
    assert made[2].closed


@pytest.mark.parametrize("name", [b"caf\xe9.jpg", b"\xff\xfe.png", "grün.jpg".encode()])
def test_a_name_that_is_no_text_costs_nobody(client: httpx.Client, daemon: object, name: bytes) -> None:
    """The gallery lists it, gives it, and puts it into the archive beside the others."""
    folder: Path = daemon.folder  # type: ignore[attr-defined]
    from tests.web.daemon import write_picture

    write_picture(folder / "good.jpg")
    os.rename(folder / "good.jpg", os.fsencode(folder) + b"/" + name)  # noqa: PTH104 - bytes
    write_picture(folder / "other.jpg")
    listed = client.get("/api/v1/shots").json()
    assert listed["total"] == 2
    for item in listed["items"]:
        assert client.get(f"/api/v1/shots/{item['id']}/picture?download=true").status_code == 200
    archive = client.get("/api/v1/archive").content
    assert archive.count(b"PK\x01\x02") == 2


def test_a_picture_that_makes_no_sense_costs_itself_alone(client: httpx.Client, daemon: object) -> None:
    """Numbers that JSON cannot carry, and files that cannot be opened, leave the others as they are."""
    from tests.web.daemon import write_picture

    folder: Path = daemon.folder  # type: ignore[attr-defined]
    write_picture(folder / "good.jpg")
    write_picture(folder / "odd.jpg")
    data = (folder / "odd.jpg").read_bytes()
    (folder / "odd.jpg").write_bytes(data.replace(b"0.9", b"NaN"))
    (folder / "cut.jpg").write_bytes(data[:300])
    (folder / "loop.jpg").symlink_to("loop.jpg")
    listed = client.get("/api/v1/shots")
    assert listed.status_code == 200
    assert listed.json()["total"] == 3
    assert client.get("/api/v1/archive").content.count(b"PK\x01\x02") == 3


def _drain(live_socket: ClientConnection) -> None:
    while True:
        live_socket.recv(timeout=10)


def _until(done: object, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
