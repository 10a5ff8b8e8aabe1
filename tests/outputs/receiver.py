"""An HTTP receiver on loopback that does what it is told: take, refuse, hang, drip or break off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """What came, and what the next requests get: a status, or `hang`, `drip`, `break`; the last one stays."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[Any] = [200]
        self.headers: dict[str, str] = {}
        self.body = b"{}"
        self.free = threading.Event()
        self.lock = threading.Lock()
        self.url = ""

    def answer(self) -> Any:
        """The next answer."""
        with self.lock:
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver that runs; hanging requests end with it."""
    what = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = what.answer()
            with what.lock:
                what.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            match answer:
                case "hang":
                    what.free.wait(30)
                    self.close_connection = True
                case "break":
                    self.close_connection = True
                case "drip":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                    while not what.free.wait(0.05):
                        self.wfile.write(b"X-Slow: 1\r\n")
                case status:
                    self.send_response(status)
                    for name, value in what.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(what.body)))
                    self.end_headers()
                    self.wfile.write(what.body)

        do_PUT = do_POST  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError):  # the other side hung up
                super().handle()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        what.url = f"http://127.0.0.1:{server.server_port}/hook"
        yield what
        what.free.set()
        server.shutdown()
        thread.join()
