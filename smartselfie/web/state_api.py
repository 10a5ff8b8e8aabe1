"""`/api/v1/state`, `shutter`, `arm` and `events`: how the daemon is, and what it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from smartselfie._version import __version__
from smartselfie.records import Arm, Command, Shutter, View
from smartselfie.viewing.newest import Newest
from smartselfie.web.hub import Hub
from smartselfie.web.problems import ProblemError, documented
from smartselfie.web.wire import Json, view_json


class Told(BaseModel):
    """The command is on its way to the loop."""

    accepted: bool = True


class ArmBody(BaseModel):
    """Whether the trigger may fire."""

    model_config = ConfigDict(extra="forbid")

    on: bool | None = Field(default=None, description="true, false, or null: the other of the two")


class CameraState(BaseModel):
    """Whether the camera gives pictures."""

    ok: bool
    reason: str | None = Field(description="unplugged, stalled, frozen or black")


class DaemonState(BaseModel):
    """How the daemon is; `view` is null before the first frame and without a camera."""

    version: str
    camera: CameraState
    view: Json | None


def state_routes(
    hub: Hub, views: Newest[View] | None = None, send: Callable[[Command], None] | None = None
) -> APIRouter:
    """The routes; without `send` the commands answer 409."""
    router = APIRouter(prefix="/api/v1", tags=["daemon"])

    def tell(command: Command) -> Told:
        if send is None:
            raise ProblemError(
                409, "no camera runs here: this is the page alone; start `smartselfie run --web`"
            )
        send(command)
        return Told()

    @router.get("/state")
    async def state() -> DaemonState:
        """Tell the newest frame's faces and scores, what the trigger says of them, and how the camera is."""
        view = views.get()[1] if views is not None else None
        return DaemonState(
            version=__version__,
            camera=CameraState.model_validate(hub.camera),
            view=None if view is None else view_json(view),
        )

    @router.post("/shutter", status_code=202, responses=documented(409, 503))
    async def shutter() -> Told:
        """Take a picture now; the `shot` event says that it is in place."""
        return tell(Shutter("web"))

    @router.post("/arm", status_code=202, responses=documented(409, 413, 422, 503))
    async def arm(body: ArmBody) -> Told:
        """Let the trigger fire, or not."""
        return tell(Arm(body.on))

    @router.get(
        "/events",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    async def events(last_event_id: Annotated[str | None, Header()] = None) -> StreamingResponse:
        """Send what happens as server-sent events: `shot`, `camera_lost`, `disk_full` ..."""
        after = (
            int(last_event_id)
            if last_event_id and last_event_id.isascii() and last_event_id.isdigit()
            else None
        )
        hub.check_room()
        return StreamingResponse(_lines(hub, after), media_type="text/event-stream")

    return router


async def _lines(hub: Hub, after: int | None) -> AsyncIterator[str]:
    """Write events as a stream of server-sent ones, and a sign of life in between."""
    with hub.listener(after) as listener:
        yield "retry: 2000\n\n"
        while True:
            try:
                item = await asyncio.wait_for(listener.queue.get(), 15)
            except TimeoutError:
                yield ": still here\n\n"  # so that proxies and dead clients are noticed
                continue
            if item is None:
                return
            told = json.dumps(item.event, ensure_ascii=False)
            yield f"id: {item.number}\nevent: {item.event.get('event', 'message')}\ndata: {told}\n\n"
