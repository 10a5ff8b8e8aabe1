"""The socket, the thread, and how both end."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from smartselfie.errors import WebError
from smartselfie.web.app import Parts
from smartselfie.web.server import WebServer
from tests.shared import missing
from tests.web.conftest import Serve


def test_a_port_in_use_is_one_line() -> None:
    """The address and the remedy are named; the exit code is 1."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(WebError) as refused:
            WebServer(f"127.0.0.1:{port}", Parts())
    assert str(refused.value) == (
        f"cannot listen on 127.0.0.1:{port}: the port is in use; choose another with --listen HOST:PORT"
    )
    assert refused.value.exit_code == 1


def test_two_servers_never_share_a_port() -> None:
    """The socket listens as soon as it is bound, so that a second program sees it."""
    first = WebServer("127.0.0.1:0", Parts())
    try:
        with pytest.raises(WebError):
            WebServer(f"127.0.0.1:{first.address[1]}", Parts())
    finally:
        first.close()


@pytest.mark.parametrize(
    ("listen", "reason"),
    [
        ("192.0.2.1:8000", "does not have that address"),
        ("no-such-host.invalid:80", "no address of this machine"),
    ],
)
def test_an_address_that_is_not_here_is_one_line(listen: str, reason: str) -> None:
    """Neither another machine's address nor an unknown name can be listened on."""
    with pytest.raises(WebError, match=reason):
        WebServer(listen, Parts())


def test_close_ends_every_thread_and_lets_go_the_viewers(serve: Serve, parts: Parts) -> None:
    """With a viewer, an event listener and an MJPEG reader connected, the server still ends at once."""
    server = serve(parts)
    with (
        connect(server.url.replace("http", "ws") + "api/v1/live") as live,
        httpx.stream("GET", server.url + "api/v1/events") as events,
        httpx.stream("GET", server.url + "stream.mjpg") as pictures,
    ):
        live.send("next")
        assert any(isinstance(live.recv(timeout=5), bytes) for _ in range(5))
        next(events.iter_lines())
        next(pictures.iter_raw())
        server.close(timeout=5)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("web")]
    server.close()


def test_a_closed_port_is_free_again() -> None:
    """After `close` the next start gets the same port."""
    first = WebServer("127.0.0.1:0", Parts())
    port = first.address[1]
    first.start()
    assert httpx.get(first.url + "health").json() == {"status": "ok"}
    first.close()
    again = WebServer(f"127.0.0.1:{port}", Parts())
    again.close()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    try:
        subprocess.run(
            [*command, "-out", str(files[0]), "-keyout", str(files[1])], check=True, capture_output=True
        )
    except FileNotFoundError:
        missing("openssl is not installed; run: sudo apt install openssl")
    return files


def test_tls_serves_https_with_a_secure_cookie(
    serve: Serve, parts: Parts, certificate: tuple[Path, Path]
) -> None:
    """With web.tls the page is https and the session's cookie is Secure."""
    server = serve(parts, password="smile", tls=certificate)
    assert server.url.startswith("https://")
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    with httpx.Client(base_url=server.url, verify=trust) as asking:
        answer = asking.post("/api/v1/session", json={"password": "smile"})
    assert answer.status_code == 204
    assert "secure" in answer.headers["set-cookie"].lower()


def test_a_broken_certificate_is_one_line(tmp_path: Path) -> None:
    """What is no certificate is refused before anything listens."""
    (tmp_path / "cert.pem").write_text("nothing")
    with pytest.raises(WebError, match=r"web\.tls"):
        WebServer("127.0.0.1:0", Parts(), tls=(tmp_path / "cert.pem", tmp_path / "cert.pem"))
    with pytest.raises(WebError, match=r"web\.tls"):
        WebServer("127.0.0.1:0", Parts(), tls=(tmp_path / "none.pem", tmp_path / "none.pem"))
