"""`/api/v1/camera`: the same trigger over the browser's own camera, one frame at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from smartselfie.deciding.tracking import Tracker
from smartselfie.deciding.trigger import Trigger
from smartselfie.pipeline import Analysis
from smartselfie.records import Frame, Image
from smartselfie.seams import Classifier, Detector
from smartselfie.web.photos_api import FaceReader, UploadLimits, read_upload
from smartselfie.web.problems import ProblemError
from smartselfie.web.security import client_of
from smartselfie.web.wire import Json, decision_json, face_json, without_paths

FRAME_LIMITS = UploadLimits(file_bytes=600_000, pixels=1280 * 1280)
"""What one frame may be."""


class Watcher:
    """Follows the faces of one browser's camera, as the loop follows those of its own."""

    def __init__(self, trigger: Trigger) -> None:
        self._trigger = trigger
        self._analysis: Analysis | None = None
        self._seq = 0

    def see(self, image: Image, at: float, detector: Detector, classifier: Classifier) -> Json:
        """Say what there is in a (H, W, 3) BGR frame of time `at` in seconds, as the page shows it."""
        if self._analysis is None:
            self._analysis = Analysis(detector, Tracker(), classifier, self._trigger)
        frame = Frame(image, self._seq, at)
        self._seq += 1
        faces, decision = self._analysis(frame)
        return {
            "width": frame.size[0],
            "height": frame.size[1],
            "threshold": self._trigger.rules.threshold,
            **decision_json(decision),
            "faces": [face_json(face) for face in faces],
        }


def _look(watcher: Watcher, data: bytes, at: float, detector: Detector, classifier: Classifier) -> Json:
    return watcher.see(read_upload(data, FRAME_LIMITS), at, detector, classifier)


def camera_routes(
    reader: FaceReader,
    make_trigger: Callable[[], Trigger],
    *,
    most: int = 12,
    per_client: int = 4,
    clock: Callable[[], float] = time.monotonic,
) -> APIRouter:
    """The WebSocket: each binary message is one JPEG frame, each answer one JSON text."""
    router = APIRouter()
    clients: list[str] = []

    @router.websocket("/api/v1/camera")
    async def camera(socket: WebSocket) -> None:
        client = client_of(socket.scope)
        await socket.accept()
        if len(clients) >= most or clients.count(client) >= per_client:
            await socket.close(1013, "too many cameras at once; try again later")
            return
        clients.append(client)
        watcher = Watcher(make_trigger())
        try:
            while (message := await socket.receive())["type"] == "websocket.receive":
                look = partial(_look, watcher, message.get("bytes") or b"", clock())
                try:
                    answer = await reader.run(look)
                except ProblemError as error:
                    answer = {"error": without_paths(error.detail)}
                await socket.send_json(answer)
        except WebSocketDisconnect:
            return
        finally:
            clients.remove(client)

    return router
