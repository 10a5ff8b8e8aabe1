"""The newest view for everyone who looks: encoded once, sent when asked for, never queued."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from fastapi import APIRouter, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

from smartselfie.errors import BusyError
from smartselfie.records import Image, View
from smartselfie.viewing.newest import Newest
from smartselfie.web.hub import Hub
from smartselfie.web.security import client_of
from smartselfie.web.wire import view_json

BUDGET = 160.0
"""Pictures a second for all viewers together: more viewers see fewer each, the analysis keeps its rate."""
ASKED_LATELY = 2.0
"""Seconds: whoever has not asked for a picture within these does not share."""
VIEWERS, VIEWERS_EACH = 64, 16
"""Streams at once, of all and of one client; those beyond are told to come back."""
MOST = 40.0
"""Pictures a second for one viewer: no eye wants more, also of a recording that runs faster than life."""


@dataclass(frozen=True, slots=True, eq=False)
class LiveJpeg:
    """A view as it is sent."""

    count: int
    """The view's count in its `Newest`."""
    info: bytes
    """JSON: all but the pixels."""
    jpeg: bytes

    def message(self) -> bytes:
        """Length of the JSON (4 bytes, big endian), the JSON, the JPEG."""
        return struct.pack(">I", len(self.info)) + self.info + self.jpeg


@dataclass(slots=True, eq=False)
class Viewer:
    """Somebody who looks."""

    client: str
    asked_at: float = float("-inf")
    """When it last asked for a picture, in monotonic seconds."""


def encode(image: Image, width: int, quality: int) -> bytes:
    """Encode a (H, W, 3) BGR picture as JPEG, not wider than `width`."""
    height, have = image.shape[:2]
    if have > width:
        size = (width, max(1, round(height * width / have)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise ValueError(f"OpenCV did not encode a picture of shape {image.shape}")
    return data.tobytes()


class Stream:
    """Owns the thread `web-pictures`, from `start` to `close`: it encodes only what somebody waits for."""

    def __init__(
        self, views: Newest[View], *, width: int = 960, quality: int = 75, budget: float = BUDGET
    ) -> None:
        self._views = views
        self._width = width
        self._quality = quality
        self._budget = budget
        self._wake = threading.Condition()
        self._waiting: list[asyncio.Future[LiveJpeg]] = []
        self._viewers: list[Viewer] = []
        self._stopping = False
        self._latest: LiveJpeg | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.failure: Exception | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to encode on demand; call inside `loop`."""
        self._loop = loop
        self._thread = threading.Thread(target=self._run, name="web-pictures", daemon=True)
        self._thread.start()

    def close(self, timeout: float = 2.0) -> None:
        """End the thread and let go whoever waits; call inside the loop."""
        with self._wake:
            self._stopping = True
            waiting, self._waiting = self._waiting, []
            self._wake.notify_all()
        for future in waiting:
            future.cancel()
        if self._thread is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                raise RuntimeError("the thread web-pictures did not stop")
            self._thread = None

    @property
    def closed(self) -> bool:
        """Whether `close` has been called."""
        return self._stopping

    def check_room(self, client: str) -> None:
        """Raise `BusyError` when all places are taken, or all of one client's."""
        if (
            len(self._viewers) >= VIEWERS
            or sum(each.client == client for each in self._viewers) >= VIEWERS_EACH
        ):
            raise BusyError("too many look at once", remedy="close other windows, or try again later")

    @contextmanager
    def viewer(self, client: str) -> Iterator[Viewer]:
        """Give a place from which to look. Raises `BusyError` when all are taken, or all of one client's."""
        self.check_room(client)
        viewer = Viewer(client)
        self._viewers.append(viewer)
        try:
            yield viewer
        finally:
            self._viewers.remove(viewer)

    def sharing(self, now: float) -> int:
        """Return how many share the rate: those who asked lately, not those who are merely connected."""
        return sum(now - viewer.asked_at < ASKED_LATELY for viewer in tuple(self._viewers))

    async def next(self, after: int, viewer: Viewer, timeout: float = 2.0) -> LiveJpeg | None:
        """Wait for a picture newer than the count `after`; None when there is none in time."""
        viewer.asked_at = time.monotonic()
        newest, _ = self._views.get()
        if self._latest is not None and self._latest.count == newest > after:
            return self._latest
        future: asyncio.Future[LiveJpeg] = asyncio.get_running_loop().create_future()
        with self._wake:
            if self._stopping:
                return None
            self._waiting.append(future)
            self._wake.notify_all()
        try:
            return await asyncio.wait_for(future, timeout)
        except TimeoutError:
            return None
        finally:
            with self._wake, contextlib.suppress(ValueError):
                self._waiting.remove(future)

    def _run(self) -> None:
        try:
            self._encode_on_demand()
        except Exception as error:
            self.failure = error
            raise

    def _encode_on_demand(self) -> None:
        count, free_at = 0, 0.0
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._stopping or self._waiting)
                self._wake.wait_for(lambda: self._stopping, max(0.0, free_at - time.monotonic()))
                if self._stopping:
                    return
            newest, view = self._views.get(after=count, timeout=0.25)
            if view is None:
                continue
            with self._wake:
                waiting, self._waiting = self._waiting, []
            if not waiting:  # gone, or served meanwhile
                continue
            now = time.monotonic()
            count, free_at = newest, now + max(1 / MOST, self.sharing(now) / self._budget)
            info = json.dumps(view_json(view), separators=(",", ":")).encode()
            picture = LiveJpeg(newest, info, encode(view.frame.image, self._width, self._quality))
            assert self._loop is not None
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._publish, picture, waiting)

    def _publish(self, picture: LiveJpeg, waiting: list[asyncio.Future[LiveJpeg]]) -> None:
        self._latest = picture
        with self._wake:  # who asked meanwhile had an older one
            waiting, self._waiting = waiting + self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(picture)


def live_routes(stream: Stream, hub: Hub) -> APIRouter:
    """`/api/v1/live` for the page, `/stream.mjpg` for other programs."""
    router = APIRouter()

    @router.websocket("/api/v1/live")
    async def live(socket: WebSocket) -> None:
        """Answers each text "next" with one binary picture; sends events as text, unasked."""
        await socket.accept()
        with contextlib.ExitStack() as stack:
            try:
                viewer = stack.enter_context(stream.viewer(client_of(socket.scope)))
            except BusyError as error:
                await socket.close(1013, str(error))
                return
            listener = stack.enter_context(hub.listener())
            asked = asyncio.Event()
            await socket.send_json({"event": "camera", "camera": hub.camera})

            async def listen() -> None:
                while (message := await socket.receive())["type"] == "websocket.receive":
                    if message.get("text") == "next":
                        asked.set()

            async def show() -> None:
                count = 0
                while not stream.closed:
                    await asked.wait()
                    picture = await stream.next(count, viewer)
                    if picture is None:
                        await socket.send_json({"event": "no_picture", "camera": hub.camera})
                        continue
                    asked.clear()
                    count = picture.count
                    await socket.send_bytes(picture.message())

            async def tell() -> None:
                async for item in listener:
                    await socket.send_json(item.event)

            await first_of(listen(), show(), tell())
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the browser has closed it already
            await socket.close()

    @router.get("/stream.mjpg", include_in_schema=False)
    async def mjpeg(request: Request) -> StreamingResponse:
        """Endless `multipart/x-mixed-replace`; a reader that is slow gets fewer pictures."""
        client = client_of(request.scope)
        stream.check_room(client)

        async def parts() -> AsyncIterator[bytes]:
            count = 0
            with stream.viewer(client) as viewer:
                while not stream.closed:
                    picture = await stream.next(count, viewer)
                    if picture is None:
                        continue
                    count = picture.count
                    head = (
                        f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture.jpeg)}\r\n\r\n"
                    )
                    yield head.encode() + picture.jpeg + b"\r\n"

        return StreamingResponse(parts(), media_type="multipart/x-mixed-replace; boundary=frame")

    return router


async def first_of(*jobs: Coroutine[Any, Any, None]) -> None:
    """Run coroutines until the first ends, end the others, and pass on a fault that is no disconnect."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, (WebSocketDisconnect, OSError)):
            raise result
