"""`--public`: the try-a-photo view for everybody, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from starlette.routing import Mount, Route, WebSocketRoute
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from smartselfie.web.app import Parts, Photos, Site
from smartselfie.web.security import AccessPolicy
from smartselfie.web.server import WebServer
from tests.web.conftest import Serve, make_parts
from tests.web.daemon import Daemon, write_picture
from tests.web.test_photos_api import encoded

SERVED = {"/", "/health", "/static", "/api/v1/classify", "/api/v1/camera"}


@pytest.fixture(scope="module")
def everything(common: tuple[Daemon, WebServer]) -> Parts:
    """All there is to serve."""
    daemon = common[0]
    return make_parts(daemon, daemon.folder.parent / "config.yaml")


@pytest.fixture(scope="module")
def public(everything: Parts) -> Iterator[WebServer]:
    """All parts are there, on an address that others reach."""
    with WebServer("127.0.0.2:0", everything, public=True) as server:
        yield server


@pytest.fixture
def anybody(public: WebServer) -> Iterator[httpx.Client]:
    """Asks it."""
    with httpx.Client(base_url=public.url, timeout=10) as asking:
        yield asking


def routes(site: Site) -> list[tuple[str, str]]:
    """Every (method, path) of an application; WS for a WebSocket."""
    found = []
    todo = list(site.app.routes)
    while todo:
        route = todo.pop()
        if isinstance(route, WebSocketRoute):
            found.append(("WS", route.path))
        elif isinstance(route, Route):
            found += [(method, route.path) for method in route.methods or ()]
        elif isinstance(route, Mount):
            found.append(("GET", route.path))
        else:  # a router that was included as a whole
            todo += getattr(route, "routes", None) or route.original_router.routes
    return found


def test_every_other_route_is_404(
    public: WebServer, anybody: httpx.Client, everything: Parts, common: tuple[Daemon, WebServer]
) -> None:
    """Walks all routes of the full page: those that are not served do not exist, whatever the method."""
    assert everything.gallery is not None
    write_picture(common[0].folder / "private.jpg")
    walked = routes(Site(everything, AccessPolicy()))
    assert len(walked) > 20
    picture = everything.gallery.entries()[0].id
    for method, path in walked:
        if path in SERVED or path.startswith("/static"):
            continue
        address = path.replace("{id}", picture)
        if method == "WS":
            with (
                pytest.raises(InvalidStatus) as refused,
                connect(public.url.replace("http", "ws") + address[1:]),
            ):
                pass
            assert refused.value.response.status_code in (403, 404), path
        else:
            assert anybody.request(method, address).status_code == 404, (method, path)


def test_only_these_routes_are_there(everything: Parts) -> None:
    """The application itself has no other route."""
    assert {path for _, path in routes(Site(everything, AccessPolicy(), public=True))} == SERVED


def test_the_view_works_without_a_password(anybody: httpx.Client) -> None:
    """The page, the health check and classify; the page offers no other view."""
    assert 'data-views="photo"' in anybody.get("/").text
    assert anybody.get("/health").json() == {"status": "ok"}
    answer = anybody.post("/api/v1/classify", files={"file": encoded(np.full((80, 80, 3), 200, np.uint8))})
    assert answer.json()["faces"]


def test_each_client_is_limited(serve: Serve, photos: Photos) -> None:
    """After a burst a client is told to wait, with the time."""
    data = encoded(np.full((20, 20, 3), 200, np.uint8), "PNG")
    server = serve(Parts(photos=photos), public=True)
    with httpx.Client(base_url=server.url, timeout=10) as one:
        statuses = [one.post("/api/v1/classify", files={"file": data}) for _ in range(60)]
    limited = [answer for answer in statuses if answer.status_code == 429]
    assert statuses[0].status_code == 200
    assert limited
    assert int(limited[0].headers["retry-after"]) >= 1


def test_a_foreign_origin_is_refused(anybody: httpx.Client) -> None:
    """Other sites cannot use it from their visitors' browsers."""
    answer = anybody.post("/api/v1/classify", headers={"origin": "http://evil.example"}, files={"file": b"x"})
    assert answer.status_code == 403


def test_any_name_may_be_hosted(public: WebServer) -> None:
    """A container host gives it a name of its own."""
    assert httpx.get(public.url, headers={"host": "selfie.example.org"}).status_code == 200
