"""A camera that blocks its reader for ever: it sends one byte now and then, so that no timeout helps."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Self

from smartselfie.records import Image
from tests.mjpeg_server import BOUNDARY, jpeg

_HEAD = (
    "HTTP/1.1 200 OK\r\n"
    f"Content-Type: multipart/x-mixed-replace; boundary={BOUNDARY}\r\n"
    "Transfer-Encoding: chunked\r\n\r\n"
)


class DrippingCamera:
    """MJPEG in HTTP chunks; after `block` the size of the next chunk never ends, on every connection."""

    def __init__(self, picture: Callable[[int, tuple[int, int]], Image], size: tuple[int, int]) -> None:
        self._picture, self._size = picture, size
        self._blocked, self._stop = threading.Event(), threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, name="dripping-camera", daemon=True)
        self._answers: list[threading.Thread] = []
        self.connections = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.getsockname()[1]}/"

    def block(self) -> None:
        """Give nothing but drops from now on."""
        self._blocked.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        for answer in self._answers:
            answer.join(10)
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:  # shut down
                return
            self.connections += 1
            answer = threading.Thread(target=self._answer, args=(connection,), daemon=True)
            self._answers.append(answer)
            answer.start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.sendall(_HEAD.encode())
                index = 0
                while not self._stop.wait(0.05):
                    if self._blocked.is_set():
                        connection.sendall(b"0")
                        continue
                    data = jpeg(self._picture(index, self._size))
                    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                    part = head.encode() + data + b"\r\n"
                    connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
                    index += 1
            except OSError:  # the reader went away
                return
