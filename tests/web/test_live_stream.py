"""Live pictures: asked for one at a time, encoded once for all, never queued."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import cv2
import httpx
import numpy as np
import pytest
from websockets.sync.client import ClientConnection, connect

from smartselfie.records import Decision, Frame, State, View
from smartselfie.viewing.newest import Newest
from smartselfie.web import live
from smartselfie.web.live import Stream, Viewer, encode
from smartselfie.web.server import WebServer
from tests.web.daemon import Daemon, picture

T = TypeVar("T")


def open_live(server: WebServer) -> ClientConnection:
    """Connect as the page does."""
    return connect(server.url.replace("http", "ws") + "api/v1/live")


def next_picture(socket: ClientConnection) -> tuple[dict[str, Any], np.ndarray[Any, Any]]:
    """Ask for a picture and take it apart."""
    socket.send("next")
    for _ in range(10):
        if isinstance(message := socket.recv(timeout=5), bytes):
            break
    assert isinstance(message, bytes), message
    length = struct.unpack(">I", message[:4])[0]
    image = cv2.imdecode(np.frombuffer(message[4 + length :], np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return json.loads(message[4 : 4 + length]), image


def run_apart(job: Coroutine[Any, Any, T]) -> T:
    """Run it in a thread of its own: Playwright keeps a loop running in the main thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, job).result(30)


def view(seq: int, size: tuple[int, int] = (64, 48)) -> View:
    """A view without faces."""
    return View(
        Frame(picture(size), seq, float(seq)), (), Decision(State.WATCHING, 0, False, "no face"), 0.6, 9.0
    )


def test_a_picture_comes_with_its_scores(server: WebServer) -> None:
    """One message has the JPEG and what is known of exactly that frame."""
    with open_live(server) as socket:
        info, image = next_picture(socket)
    assert image.shape == (360, 640, 3)
    assert (info["width"], info["height"]) == (640, 360)
    assert set(info["faces"][0]["scores"]) == {
        "angry",
        "disgust",
        "fear",
        "happy",
        "sad",
        "surprise",
        "neutral",
    }
    assert info["meters"][0]["track"] == info["faces"][0]["track"]


def test_pictures_come_only_when_asked_for(server: WebServer, daemon: Daemon) -> None:
    """Between two questions frames go by unsent: the next answer is the newest, not the following one."""
    with open_live(server) as socket:
        first, _ = next_picture(socket)
        count, _ = daemon.views.get()
        daemon.views.get(after=count + 5, timeout=5)
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0)
        second, _ = next_picture(socket)
    assert second["seq"] >= first["seq"] + 5


def test_a_frame_is_encoded_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty viewers who wait for the same frame share one JPEG."""
    encoded = []

    def counting(*arguments: Any) -> bytes:
        encoded.append(1)
        return encode(*arguments)

    monkeypatch.setattr(live, "encode", counting)
    views: Newest[View] = Newest()

    async def watch() -> list[live.LiveJpeg | None]:
        stream = Stream(views)
        stream.start(asyncio.get_running_loop())
        waiting = [asyncio.ensure_future(stream.next(0, Viewer("me"))) for _ in range(20)]
        await asyncio.sleep(0)
        views.put(view(1))
        pictures = await asyncio.gather(*waiting)
        pictures.append(await stream.next(0, Viewer("me")))
        stream.close()
        return pictures

    pictures = run_apart(watch())
    assert len(encoded) == 1
    assert all(each is pictures[0] for each in pictures)


def test_nothing_is_encoded_while_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A viewer who stops asking costs nothing."""
    encoded: list[int] = []
    monkeypatch.setattr(live, "encode", lambda *arguments: encoded.append(1) or b"jpeg")
    views: Newest[View] = Newest()

    async def watch() -> None:
        stream = Stream(views)
        stream.start(asyncio.get_running_loop())
        with stream.viewer("me") as me:
            views.put(view(1))
            assert await stream.next(0, me) is not None
            for seq in range(2, 50):
                views.put(view(seq))
            newest = await stream.next(1, me)
            assert newest is not None
            assert newest.count == 49
        stream.close()

    run_apart(watch())
    assert len(encoded) == 2


def test_events_come_unasked(server: WebServer, daemon: Daemon) -> None:
    """A lost camera is told at once, without a picture having been asked for."""
    with open_live(server) as socket:
        next_picture(socket)
        daemon.lose_camera("stalled")
        told = json.loads(socket.recv(timeout=5))
    assert told == {"event": "camera_lost", "reason": "stalled"}


def test_the_first_thing_told_is_how_the_camera_is(server: WebServer, daemon: Daemon) -> None:
    """Who connects while the camera is lost learns it before any picture."""
    with open_live(server) as socket:
        assert json.loads(socket.recv(timeout=5)) == {
            "event": "camera",
            "camera": {"ok": True, "reason": None},
        }
        daemon.lose_camera()
        assert json.loads(socket.recv(timeout=5))["event"] == "camera_lost"
    with open_live(server) as socket:
        first = json.loads(socket.recv(timeout=5))
    assert first == {"event": "camera", "camera": {"ok": False, "reason": "unplugged"}}


def test_without_pictures_the_viewer_is_told_why(server: WebServer, daemon: Daemon) -> None:
    """Whoever asks while the camera is lost hears so, and gets the next picture when it is back."""
    daemon.views.get(timeout=5)
    daemon.lose_camera(ticks=False)
    with open_live(server) as socket:
        next_picture(socket)  # the last one there was
        socket.send("next")
        while (told := json.loads(socket.recv(timeout=10)))["event"] == "camera_lost":
            pass
        assert told == {"event": "no_picture", "camera": {"ok": False, "reason": "unplugged"}}
        daemon.give_camera_back()
        while isinstance(message := socket.recv(timeout=5), str):
            pass
    assert message[:1] == b"\0"


def test_large_frames_are_sent_smaller() -> None:
    """Not wider than asked for, in the same proportions; small ones as they are."""
    large = cv2.imdecode(np.frombuffer(encode(picture((1920, 1080)), 960, 75), np.uint8), cv2.IMREAD_COLOR)
    small = cv2.imdecode(np.frombuffer(encode(picture((320, 200)), 960, 75), np.uint8), cv2.IMREAD_COLOR)
    assert large is not None
    assert small is not None
    assert large.shape == (540, 960, 3)
    assert small.shape == (200, 320, 3)


def test_mjpeg_for_other_programs(client: httpx.Client) -> None:
    """/stream.mjpg is multipart/x-mixed-replace with whole JPEGs."""
    with client.stream("GET", "/stream.mjpg") as response:
        assert response.headers["content-type"] == "multipart/x-mixed-replace; boundary=frame"
        data = b""
        for chunk in response.iter_raw():
            data += chunk
            if data.count(b"--frame") >= 3:
                break
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.rpartition(b"Content-Length: ")[2])
    assert cv2.imdecode(np.frombuffer(body[:length], np.uint8), cv2.IMREAD_COLOR) is not None
