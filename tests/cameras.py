"""One stand-in for many kinds of network cameras, a path each, on 127.0.0.1.

    python -m tests.cameras                  prints the address of each kind and serves until Ctrl-C
    smartselfie check -v --source ADDRESS    says what a camera sends, this one or yours, and what is forgiven

In tests: `with Cameras() as cameras: MjpegStream(cameras.url("no-type"))`. The login is `me:se/cret`.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image as Pillow

USER, PASSWORD = "me", "se/cret"
LOGIN = "me:se%2Fcret"
NONCE = "c2FtcGxl"
SIZE = (64, 48)


def jpeg(number: int, **options: Any) -> bytes:
    """A small picture that differs from its neighbours."""
    pixels = np.random.default_rng(number % 8).integers(0, 255, (SIZE[1] // 8, SIZE[0] // 8, 3), np.uint8)
    image = Pillow.fromarray(pixels).resize(SIZE, Pillow.Resampling.BICUBIC)
    if options.pop("gray", False):
        image = image.convert("L")
    target = io.BytesIO()
    image.save(target, "JPEG", **options)
    return target.getvalue()


PLAIN = [jpeg(number) for number in range(8)]
TYPE = "multipart/x-mixed-replace; boundary=frame"


def part(picture: bytes, *, boundary: str = "--frame", length: int | None = None, eol: str = "\r\n") -> bytes:
    """A picture with a boundary and headers before it."""
    told = "" if length is None else f"Content-Length: {length}{eol}"
    return f"{boundary}{eol}Content-Type: image/jpeg{eol}{told}{eol}".encode() + picture + eol.encode()


def filled(picture: bytes) -> bytes:
    """Fill bytes before a marker, which JPEG allows."""
    at = picture.index(b"\xff\xda")
    return picture[:at] + b"\xff\xff\xff" + picture[at:]


def with_thumbnail(picture: bytes) -> bytes:
    """A whole JPEG inside the header of another."""
    inner = b"Exif\0\0" + PLAIN[1]
    return picture[:2] + b"\xff\xe1" + (len(inner) + 2).to_bytes(2, "big") + inner + picture[2:]


SHAPES: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda it: part(it, length=len(it)),
    "no-length": part,
    "short-length": lambda it: part(it, length=len(it) // 2),
    "long-length": lambda it: part(it, length=len(it) * 2),
    "other-boundary": lambda it: part(it, boundary="--something-else"),
    "bare-boundary": lambda it: part(it, boundary="frame"),
    "line-feeds": lambda it: part(it, eol="\n"),
    "no-end-marker": lambda it: part(it[:-2]),
    "no-end-marker-no-parts": lambda it: it[:-2],
    "padded": lambda it: part(it + bytes(-len(it) % 512 or 512)),
    "fill-bytes": lambda it: part(filled(it)),
    "thumbnail": lambda it: part(with_thumbnail(it)),
    "no-parts": lambda it: it,
    "xml-between": lambda it: part(it) + b"--frame\r\nContent-Type: text/xml\r\n\r\n<motion>1</motion>\r\n",
}
"""What is around each picture."""
ENCODED = {
    "progressive": {"progressive": True},
    "gray": {"gray": True},
    "restart-markers": {"restart_marker_blocks": 1},
    "full-chroma": {"subsampling": 0},
}
"""How each picture is encoded."""
SAID = {
    "no-type": None,
    "text-type": "text/plain",
    "html-type": "text/html; charset=utf-8",
    "octet-type": "application/octet-stream",
    "jpeg-type": "image/jpeg",
    "no-boundary-named": "multipart/x-mixed-replace",
    "dashes-in-boundary": "multipart/x-mixed-replace; boundary=--frame",
    "video-type": "video/x-motion-jpeg",
}
"""What the answer says that it is."""
CHALLENGES = {
    "basic": ['Basic realm="camera"'],
    "digest-md5": [f'Digest realm="camera", nonce="{NONCE}", qop="auth"'],
    "digest-sha256": [f'Digest realm="camera", nonce="{NONCE}", qop="auth", algorithm=SHA-256'],
    "digest-sha256-then-md5": [
        f'Digest realm="camera", nonce="{NONCE}", qop="auth", algorithm=SHA-256',
        f'Digest realm="camera", nonce="{NONCE}", qop="auth", algorithm=MD5',
    ],
    "digest-unknown-then-md5": [
        f'Digest realm="camera", nonce="{NONCE}", algorithm=SHA-512-256, qop="auth"',
        f'Digest realm="camera", nonce="{NONCE}", algorithm=MD5, qop="auth"',
    ],
    "digest-sess": [f'Digest realm="camera", nonce="{NONCE}", qop="auth", algorithm=MD5-sess'],
    "digest-no-qop": [f'Digest realm="camera", nonce="{NONCE}", opaque="op"'],
    "digest-auth-int": [f'Digest realm="cam, \\"one\\"", nonce="{NONCE}", qop="auth-int, auth"'],
    "one-header-for-all": [f'Negotiate, Basic realm="x", Digest realm="camera", nonce="{NONCE}", qop="auth"'],
}
"""Ways to log in that the camera offers."""
MD5_ONLY = {"digest-sha256-then-md5"}
"""Those of which only the second way works."""
REFUSED = {
    "page": "sends a web page",
    "picture": "sends one picture, not a stream",
    "json": "says application/json and sends no pictures",
    "nothing": "answers and sends nothing",
    "gone": "404 Not Found",
    "redirect-away": "401 Unauthorized; it leads from",
    "redirect-for-ever": "leads on and on",
    "redirect-nowhere": "which is no address",
    "wrong-password": "the user or the password is wrong",
    "unknown-login": "it offers only Kerberos",
}
"""Kinds that give no pictures, and what is said of each."""
VIDEO = ("transport-stream", "transport-stream-as-text")
"""Kinds that only FFmpeg reads."""
DELAYS = ("slow-headers", "slow-first-picture")
TOLD = {"redirect": "/plain", "redirect-login": "/basic", "redirect-relative": "plain"}


def names() -> list[str]:
    """Every kind that gives pictures."""
    return [*SHAPES, *ENCODED, *SAID, *CHALLENGES, *TOLD, *DELAYS, "chunked", "old-http", "tiny-pieces"]


class Cameras:
    """The server, from `start` (or the beginning of `with`) to `stop`; `delay` is that of the slow ones."""

    def __init__(self, *, delay: float = 0.3, fps: float = 50.0, tls: ssl.SSLContext | None = None) -> None:
        self.delay, self.pause, self.tls = delay, 1 / fps, tls
        self.asked: list[tuple[str, str]] = []
        """Path and login of each request."""
        self._stopped = threading.Event()
        cameras = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    connection = self.request
                    if cameras.tls is not None:
                        connection = cameras.tls.wrap_socket(connection, server_side=True)
                    with connection:
                        cameras._serve(connection)
                except OSError:  # it has seen enough
                    pass

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self.elsewhere = f"http://localhost:{self.port}"
        """The same camera for people, another origin for programs."""

    def url(self, kind: str, login: str = "") -> str:
        """The address of a kind of camera."""
        login = login or (LOGIN if kind in {*CHALLENGES, "redirect-login", "redirect-away"} else "")
        return f"http{'s' if self.tls else ''}://{login + '@' if login else ''}127.0.0.1:{self.port}/{kind}"

    def start(self) -> None:
        """Begin to serve."""
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="cameras", daemon=True
        ).start()

    def stop(self) -> None:
        """End every stream."""
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _serve(self, connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            if not (data := connection.recv(4096)):
                return
            request += data
        target = request.split(b" ")[1].decode()
        found = re.search(rb"\r\nAuthorization: ([^\r]*)", request)
        login = found[1].decode() if found else ""
        kind = target.lstrip("/").partition("?")[0]
        self.asked.append((kind, login))
        for piece in self._answer(kind, target, login):
            connection.sendall(piece)
        connection.close()

    def _answer(self, kind: str, target: str, login: str) -> Iterator[bytes]:
        if kind in {*CHALLENGES, "wrong-password", "unknown-login"}:
            offered = CHALLENGES.get(kind, ['Basic realm="x"' if kind == "wrong-password" else "Kerberos"])
            if not self._lets_in(kind, target, login, offered):
                lines = "".join(f"WWW-Authenticate: {each}\r\n" for each in offered)
                yield f"HTTP/1.1 401 Unauthorized\r\n{lines}Content-Length: 0\r\n\r\n".encode()
                return
        away = {
            "redirect-away": f"{self.elsewhere}/basic",
            "redirect-for-ever": "/redirect-for-ever",
            "redirect-nowhere": "http://[",
        } | TOLD
        if kind in away:
            yield f"HTTP/1.1 302 Found\r\nLocation: {away[kind]}\r\nContent-Length: 0\r\n\r\n".encode()
        elif kind in REFUSED or kind in VIDEO:
            yield from self._other(kind)
        elif kind in names():
            yield from self._stream(kind)
        else:
            yield b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

    def _other(self, kind: str) -> Iterator[bytes]:
        if kind in VIDEO:
            told = "text/plain" if kind.endswith("text") else "application/octet-stream"
            yield f"HTTP/1.1 200 OK\r\nContent-Type: {told}\r\n\r\n".encode()
            while not self._stopped.wait(self.pause):
                yield (b"\x47\x40\x11\x10" + bytes(184)) * 7
        body, told = {
            "page": (b"<!DOCTYPE html><title>camera</title>", "text/html"),
            "picture": (PLAIN[0], "image/jpeg"),
            "json": (b'{"error": "busy"}', "application/json"),
            "nothing": (b"", "text/plain"),
        }.get(kind, (b"", ""))
        status = "200 OK" if told else "404 Not Found"
        yield (
            f"HTTP/1.1 {status}\r\nContent-Type: {told}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )

    def _stream(self, kind: str) -> Iterator[bytes]:
        if kind == "slow-headers":
            self._stopped.wait(self.delay)
        told = SAID.get(kind, TYPE)
        lines = "" if told is None else f"Content-Type: {told}\r\n"
        chunked = kind == "chunked"
        version = "HTTP/1.0" if kind == "old-http" else "HTTP/1.1"
        lines += "Transfer-Encoding: chunked\r\n" if chunked else ""
        yield f"{version} 200 OK\r\n{lines}\r\n".encode()
        if kind == "slow-first-picture":
            self._stopped.wait(self.delay)
        pictures = [jpeg(n, **ENCODED[kind]) for n in range(8)] if kind in ENCODED else PLAIN
        shape = SHAPES.get(kind, part)
        number = 0
        while not self._stopped.wait(self.pause):
            data = shape(pictures[number % 8])
            number += 1
            if chunked:
                half = len(data) // 2
                yield b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (data[:half], data[half:]))
            elif kind == "tiny-pieces":
                yield from (data[at : at + 97] for at in range(0, len(data), 97))
            else:
                yield data

    def _lets_in(self, kind: str, target: str, login: str, offered: list[str]) -> bool:
        scheme, _, told = login.partition(" ")
        if kind in ("wrong-password", "unknown-login"):
            return False
        if scheme == "Basic":
            return base64.b64decode(told).decode() == f"{USER}:{PASSWORD}" and "Basic" in "".join(offered)
        fields = {
            name: quoted.replace('\\"', '"') or bare
            for name, quoted, bare in re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))', told)
        }
        if scheme != "Digest" or fields.get("uri") != target or fields.get("nonce") != NONCE:
            return False
        algorithm = fields.get("algorithm", "MD5")
        if kind in MD5_ONLY and algorithm != "MD5":
            return False
        make = hashlib.sha256 if algorithm.startswith("SHA-256") else hashlib.md5

        def hashed(*texts: str) -> str:
            return make(":".join(texts).encode()).hexdigest()

        secret = hashed(USER, fields["realm"], PASSWORD)
        if algorithm.endswith("-sess"):
            secret = hashed(secret, NONCE, fields["cnonce"])
        middle = (fields["nc"], fields["cnonce"], "auth") if "qop" in fields else ()
        return fields["response"] == hashed(secret, NONCE, *middle, hashed("GET", target))


def own_certificate(folder: Path) -> ssl.SSLContext:
    """A context with a certificate that nobody vouches for, for 127.0.0.1; also written to `cert.pem`."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-subj", "/CN=camera", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def main() -> None:
    """Serve until Ctrl-C."""
    with Cameras(delay=6.0, fps=15.0) as cameras:
        for kind in [*names(), *VIDEO, *REFUSED]:
            print(cameras.url(kind))
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
