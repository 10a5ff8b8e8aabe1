"""The trigger over a browser's own camera."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from smartselfie.web.app import Parts, Photos
from smartselfie.web.server import WebServer
from tests.web.conftest import Serve
from tests.web.test_photos_api import encoded, huge_png

LIGHT = encoded(np.full((120, 160, 3), 240, np.uint8))
DARK = encoded(np.full((120, 160, 3), 20, np.uint8))


@pytest.fixture
def server(serve: Serve, photos: Photos) -> WebServer:
    """A page without a camera of its own."""
    return serve(Parts(photos=photos))


def open_camera(server: WebServer) -> ClientConnection:
    """Connect as the page does."""
    return connect(server.url.replace("http", "ws") + "api/v1/camera")


def show(socket: ClientConnection, frame: bytes) -> dict[str, Any]:
    """Send a frame and return what is said of it."""
    socket.send(frame)
    return dict(json.loads(socket.recv(timeout=10)))


def test_the_tenth_frame_of_a_smile_fires(server: WebServer) -> None:
    """Nine smiles and a neutral frame fire nothing, ten in a row fire once, and holding on no more."""
    with open_camera(server) as socket:
        fired = [show(socket, frame)["fire"] for frame in [LIGHT] * 9 + [DARK] + [LIGHT] * 15]
    assert fired.index(True) == 19
    assert fired.count(True) == 1


def test_each_frame_is_answered_with_faces_and_why(server: WebServer) -> None:
    """Boxes in the frame's pixels, scores, progress and the reason in words."""
    with open_camera(server) as socket:
        answer = show(socket, DARK)
    assert (answer["width"], answer["height"]) == (160, 120)
    assert answer["faces"][0]["box"] == [10, 10, 60, 60]
    assert answer["state"] == "watching"
    assert answer["why"]


def test_each_browser_has_its_own_trigger(server: WebServer) -> None:
    """Two people's smiles do not add up."""
    with open_camera(server) as first, open_camera(server) as second:
        fired = [show(socket, LIGHT)["fire"] for _ in range(9) for socket in (first, second)]
        assert not any(fired)
        assert show(first, LIGHT)["fire"]


@pytest.mark.parametrize("frame", [b"nonsense", huge_png(10_000), b""])
def test_a_frame_that_is_none_is_answered_and_the_connection_stays(server: WebServer, frame: bytes) -> None:
    """The next frame is looked at as usual."""
    with open_camera(server) as socket:
        assert "error" in show(socket, frame)
        assert show(socket, LIGHT)["faces"]


def test_the_number_of_cameras_is_bounded(server: WebServer) -> None:
    """One client opens four at the most; the fifth is told to come back later."""
    with ExitStack() as stack:
        opened = [stack.enter_context(open_camera(server)) for _ in range(4)]
        assert all(show(socket, DARK)["faces"] for socket in opened)
        fifth = stack.enter_context(open_camera(server))
        with pytest.raises(ConnectionClosed, match="try again later"):
            fifth.recv(timeout=5)
