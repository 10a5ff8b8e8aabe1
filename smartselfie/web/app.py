"""Puts the routes together: each part that is there brings its own, what is not there answers 404."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI

from smartselfie._version import __version__
from smartselfie.deciding.trigger import Trigger
from smartselfie.outputs.events import Events
from smartselfie.records import Command, View
from smartselfie.seams import Classifier, Detector
from smartselfie.viewing.newest import Newest
from smartselfie.web import problems
from smartselfie.web.camera_api import camera_routes
from smartselfie.web.gallery import Gallery
from smartselfie.web.hub import Hub
from smartselfie.web.live import Stream, live_routes
from smartselfie.web.pages import LOGIN_PAGE, install_pages
from smartselfie.web.photos_api import PATH as CLASSIFY
from smartselfie.web.photos_api import FaceReader, UploadLimits, photo_routes
from smartselfie.web.pictures import picture_routes
from smartselfie.web.rates import Rates
from smartselfie.web.security import AccessMiddleware, AccessPolicy
from smartselfie.web.session_api import session_routes
from smartselfie.web.settings_api import SettingsPort, settings_routes
from smartselfie.web.state_api import state_routes


@dataclass(frozen=True, slots=True)
class Photos:
    """What "Try a photo" works with; detectors and classifiers are made in the threads that use them."""

    make_detector: Callable[[], Detector]
    make_classifier: Callable[[], Classifier]
    make_trigger: Callable[[], Trigger] = Trigger
    """For the browser's own camera."""
    make_camera_detector: Callable[[], Detector] | None = None
    """Likewise; None: the one for photos, which may be slower than a camera wants."""
    limits: UploadLimits = field(default_factory=UploadLimits)


@dataclass(frozen=True, slots=True)
class Parts:
    """What there is to serve; None leaves its routes and its view away."""

    views: Newest[View] | None = None
    send: Callable[[Command], None] | None = None
    events: Events | None = None
    gallery: Gallery | None = None
    settings: SettingsPort | None = None
    photos: Photos | None = None


class Site:
    """The application and what it owns; `stop` lets go every viewer, in the server's loop."""

    def __init__(self, parts: Parts, policy: AccessPolicy, *, public: bool = False) -> None:
        self.hub = Hub(parts.events)
        self.stream = Stream(parts.views) if parts.views is not None and not public else None
        self._readers: list[FaceReader] = []
        self._stopped = False
        app = FastAPI(
            title="smartselfie",
            version=__version__,
            description="A camera that takes the picture when you smile.",
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            lifespan=self._lifespan,
        )
        problems.install(app)
        views: list[str] = []
        if not public:
            views += self._own_routes(app, parts, policy)
        if parts.photos is not None:
            views.append("photo")
            self._photo_routes(app, parts.photos, public)
        install_pages(app, views, password=policy.password_hash is not None, documented=not public)
        app.add_middleware(
            AccessMiddleware, policy=policy, login_page=LOGIN_PAGE, upload_paths=frozenset({CLASSIFY})
        )
        self.app = app

    def _own_routes(self, app: FastAPI, parts: Parts, policy: AccessPolicy) -> list[str]:
        views = []
        app.include_router(session_routes(policy))
        app.include_router(state_routes(self.hub, parts.views, parts.send))
        if self.stream is not None:
            app.include_router(live_routes(self.stream, self.hub))
            views.append("live")
        if parts.gallery is not None:
            app.include_router(picture_routes(parts.gallery))
            views.append("pictures")
        if parts.settings is not None:
            app.include_router(settings_routes(parts.settings))
            views.append("settings")
        return views

    def _photo_routes(self, app: FastAPI, photos: Photos, public: bool) -> None:
        # one thread each: many uploads cannot keep a camera waiting, nor the other way round
        for_photos = FaceReader(photos.make_detector, photos.make_classifier, name="web-photos")
        detector = photos.make_camera_detector or photos.make_detector
        for_cameras = FaceReader(detector, photos.make_classifier, name="web-cameras")
        self._readers += [for_photos, for_cameras]
        rates = Rates(burst=30, per_second=2) if public else None
        app.include_router(photo_routes(for_photos, photos.limits, rates))
        app.include_router(camera_routes(for_cameras, photos.make_trigger))

    def stop(self) -> None:
        """End the endless answers, so that the server can end; call inside the loop."""
        if self._stopped:
            return
        self._stopped = True
        if self.stream is not None:
            self.stream.close()
        self.hub.close()

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        self.hub.start(loop)
        if self.stream is not None:
            self.stream.start(loop)
        yield
        self.stop()
        for reader in self._readers:
            await asyncio.to_thread(reader.close)
