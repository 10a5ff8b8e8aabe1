"""A network camera on 127.0.0.1 that can be made to fail: MJPEG over HTTP, for tests.

    with MjpegServer() as server:
        server.fault = Fault.STALL      # from now on, on every connection
        server.size = (320, 240)        # a new resolution in mid-stream
        server.stop(); server.start()   # killed and restarted on the same port

`/` is the stream; `/page`, `/picture` and `/video` answer with something else, `/private` wants user:secret.
"""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import cv2
import numpy as np

from smartselfie.records import Image

BOUNDARY = "picture-boundary"


class Fault(Enum):
    """What is wrong with the camera."""

    NONE = "none"
    STALL = "stall"  # the connection stays open, nothing comes
    HALF = "half"  # every picture breaks off in its middle
    EVERY_OTHER_HALF = "every other half"
    DAMAGED = "damaged"  # whole pictures with some wrong bytes in their data
    EMPTY = "empty"  # a JPEG's start and end with nothing between
    GARBAGE = "garbage"  # parts that are no JPEG at all
    FROZEN = "frozen"  # the same picture for ever
    BLACK = "black"
    END = "end"  # the stream ends after each picture


def moving_picture(index: int, size: tuple[int, int]) -> Image:
    """A bright picture with a bar that moves with `index`."""
    width, height = size
    row = np.linspace(60, 200, width).astype(np.uint8)
    image = np.repeat(np.repeat(row[None, :, None], height, 0), 3, 2)
    left = index * 5 % width
    image[:, left : left + width // 8] = (30, 220, 120)
    return image


def jpeg(image: Image) -> bytes:
    """The picture as JPEG."""
    return cv2.imencode(".jpg", image)[1].tobytes()


class MjpegServer:
    """The camera; `picture(index, size)` draws what it sees."""

    def __init__(
        self,
        picture: Callable[[int, tuple[int, int]], Image] = moving_picture,
        *,
        size: tuple[int, int] = (160, 120),
        fps: float = 50.0,
        lengths: bool = True,
        chunked: bool = False,
    ) -> None:
        self.picture, self.size, self.fps = picture, size, fps
        self.lengths = lengths
        """Whether the parts carry Content-Length."""
        self.chunked = chunked
        """Whether the stream comes in HTTP chunks, as proxies send it."""
        self.fault = Fault.NONE
        self.connections = 0
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self._stopped = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The stream's address; the same after a restart."""
        return f"http://127.0.0.1:{self._port}/"

    def start(self) -> None:
        """Listen, on the same port as before."""
        camera = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                camera._answer(self)

        self._stopped = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.02},
            name="mjpeg-server",
            daemon=True,
        ).start()

    def stop(self) -> None:
        """Die: refuse connections and break those that are open."""
        if self._server is None:
            return
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        with self._changed:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the other side was quicker
            self._open.clear()

    def wait_for_connections(self, count: int, timeout: float = 10.0) -> bool:
        """Wait until the stream has been asked for `count` times since the beginning."""
        with self._changed:
            return self._changed.wait_for(lambda: self.connections >= count, timeout)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        known = "Basic " + base64.b64encode(b"user:secret").decode()
        match request.path:
            case "/page":
                self._send(request, "text/html", b"<h1>A camera</h1>")
            case "/picture":
                self._send(request, "image/jpeg", jpeg(self.picture(0, self.size)))
            case "/private" if request.headers.get("Authorization") != known:
                request.send_response(401)
                request.send_header("WWW-Authenticate", 'Basic realm="camera"')
                request.send_header("Content-Length", "0")
                request.end_headers()
            case "/missing":
                request.send_error(404)
            case _:
                self._stream(request)

    @staticmethod
    def _send(request: BaseHTTPRequestHandler, kind: str, body: bytes) -> None:
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _stream(self, request: BaseHTTPRequestHandler) -> None:
        stopped = self._stopped
        with self._changed:
            self._open.add(request.connection)
            self.connections += 1
            self._changed.notify_all()
        try:
            request.send_response(200)
            request.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
            if self.chunked:
                request.send_header("Transfer-Encoding", "chunked")
            request.end_headers()
            index = 0
            while not stopped.wait(1 / self.fps):
                if self.fault is Fault.STALL:
                    continue
                part = self._part(index)
                if self.chunked:
                    part = b"%x\r\n%s\r\n" % (len(part), part)
                request.wfile.write(part)
                request.wfile.flush()
                if self.fault is Fault.END:
                    return
                index += 1
        except OSError:
            pass  # the reader went away
        finally:
            with self._changed:
                self._open.discard(request.connection)

    def _part(self, index: int) -> bytes:
        image = self.picture(0 if self.fault is Fault.FROZEN else index, self.size)
        data = jpeg(image * 0 if self.fault is Fault.BLACK else image)
        length = len(data)
        if self.fault is Fault.HALF or (self.fault is Fault.EVERY_OTHER_HALF and index % 2):
            data = data[: length // 2]
        elif self.fault is Fault.DAMAGED:
            data = data[: length * 3 // 4] + b"\x55" * 20 + data[length * 3 // 4 + 20 :]
        elif self.fault is Fault.EMPTY:
            data = b"\xff\xd8\xff\xfe\x00\x10" + bytes(14) + b"\xff\xd9"
        elif self.fault is Fault.GARBAGE:
            data = bytes(np.random.default_rng(index).integers(0, 256, length, np.uint8))
        header = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n"
        if self.lengths:
            header += f"Content-Length: {length}\r\n"
        return header.encode() + b"\r\n" + data + b"\r\n"
