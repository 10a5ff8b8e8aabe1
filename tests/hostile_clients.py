"""Clients as a page should never have them: slow, silent, flooding, half gone. For tests and benchmarks.

`python -m tests.hostile_clients HOST:PORT SECONDS` sends all of them against a page.
"""

from __future__ import annotations

import base64
import os
import random
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

Steps = Iterator[float]
"""What a client does on a connection; yields the seconds until its next step."""


def _get(path: str, *more: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *more, "", ""]).encode()


def _upgrade(path: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return _get(
        path,
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    )


def _text(words: bytes) -> bytes:
    """A masked text frame, the mask being zero."""
    return bytes([0x81, 0x80 | len(words)]) + bytes(4) + words


def slow_header(connection: socket.socket) -> Steps:
    """A letter a second."""
    for letter in _get("/", "X-Long: " + "x" * 200):
        connection.send(bytes([letter]))
        yield 1.0


def slow_body(connection: socket.socket) -> Steps:
    """A body that drips."""
    connection.send(b"POST /api/v1/arm HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\n{")
    for _ in range(200):
        yield 1.0
        connection.send(b" ")


def slow_upload(connection: socket.socket) -> Steps:
    """A picture that never comes whole."""
    connection.send(
        b"POST /api/v1/classify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    )
    for _ in range(200):
        yield 1.0
        connection.send(b"\0" * 100)


def silent(connection: socket.socket) -> Steps:
    """Connected, no more."""
    yield 20.0


def half_header(connection: socket.socket) -> Steps:
    """Half a header, and then nothing."""
    connection.send(_get("/")[:20])
    yield 20.0


def idle_socket(connection: socket.socket) -> Steps:
    """A WebSocket that never asks."""
    connection.send(_upgrade("/api/v1/live"))
    yield 20.0


def greedy_socket(connection: socket.socket) -> Steps:
    """A WebSocket that asks and asks and reads nothing."""
    connection.send(_upgrade("/api/v1/live"))
    yield 0.2
    for _ in range(400):
        connection.send(_text(b"next"))
        yield 0.05


def unread_stream(connection: socket.socket) -> Steps:
    """The pictures, never read."""
    connection.send(_get("/stream.mjpg"))
    yield 30.0


def unread_events(connection: socket.socket) -> Steps:
    """The events, never read."""
    connection.send(_get("/api/v1/events"))
    yield 30.0


def half_closed(connection: socket.socket) -> Steps:
    """Asks, closes its own half, stays."""
    connection.send(_get(random.choice(("/stream.mjpg", "/api/v1/events", "/api/v1/state"))))
    connection.shutdown(socket.SHUT_WR)
    yield 10.0


def noise(connection: socket.socket) -> Steps:
    """Random bytes."""
    for _ in range(10):
        connection.send(os.urandom(random.randint(1, 4000)))
        yield 0.2


def noisy_socket(connection: socket.socket) -> Steps:
    """Random bytes into a WebSocket."""
    connection.send(_upgrade("/api/v1/live"))
    yield 0.2
    connection.send(os.urandom(500))
    yield 1.0


def flood(connection: socket.socket) -> Steps:
    """Request after request, the answers unread until they are many."""
    for _ in range(20):
        connection.send(_get("/api/v1/state"))
        yield 0.02
    connection.settimeout(0.1)
    with suppress(TimeoutError):
        while connection.recv(65536):
            pass


KINDS: dict[str, tuple[Callable[[socket.socket], Steps], int]] = {
    "slow header": (slow_header, 60),
    "slow body": (slow_body, 20),
    "slow upload": (slow_upload, 20),
    "silent": (silent, 200),
    "half a header": (half_header, 300),
    "idle WebSocket": (idle_socket, 100),
    "WebSocket that does not read": (greedy_socket, 8),
    "stream not read": (unread_stream, 20),
    "events not read": (unread_events, 40),
    "half closed": (half_closed, 20),
    "random bytes": (noise, 10),
    "random bytes in a WebSocket": (noisy_socket, 10),
    "flood": (flood, 4),
}
"""Each kind, and how many of it at once: some 800 together."""


class Attack:
    """All of them, driven by one thread; from `start` to `stop`."""

    def __init__(self, address: tuple[str, int], share: float = 1.0) -> None:
        self._address, self._share = address, share
        self.connected, self.refused = Counter[str](), Counter[str]()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="attack", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let go all connections."""
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        running: list[tuple[float, str, socket.socket | None, Steps]] = [
            (0.0, name, None, iter(()))
            for name, (_, count) in KINDS.items()
            for _ in range(max(1, round(count * self._share)))
        ]
        while not self._stop.wait(0.02):
            now = time.monotonic()
            running = [one if one[0] > now else self._step(now, one[1], one[2], one[3]) for one in running]
        for _, _, connection, _ in running:
            if connection is not None:
                connection.close()

    def _step(
        self, now: float, name: str, connection: socket.socket | None, steps: Steps
    ) -> tuple[float, str, socket.socket | None, Steps]:
        try:
            if connection is None:
                connection = socket.create_connection(self._address, 0.5)
                connection.settimeout(0.05)
                self.connected[name] += 1
                steps = KINDS[name][0](connection)
            return now + next(steps), name, connection, steps
        except (OSError, StopIteration) as error:
            self.refused[name] += isinstance(error, OSError)
            if connection is not None:
                connection.close()
            return now + random.uniform(0.2, 1.0), name, None, iter(())


def main() -> None:
    """Attack for some seconds."""
    host, _, port = sys.argv[1].rpartition(":")
    attack = Attack((host, int(port)))
    attack.start()
    time.sleep(float(sys.argv[2]))
    attack.stop()
    print(f"{attack.connected.total()} connections, {attack.refused.total()} broken off")


if __name__ == "__main__":
    main()
