"""Whatever the OpenAPI description allows, and much that it does not: never a fault of the server."""

from __future__ import annotations

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema

from smartselfie.web.server import WebServer
from tests.web.daemon import Daemon

CALLS = [
    ("GET", "/api/v1/state"),
    ("POST", "/api/v1/shutter"),
    ("POST", "/api/v1/arm"),
    ("GET", "/api/v1/shots"),
    ("GET", "/api/v1/shots/{id}"),
    ("GET", "/api/v1/shots/{id}/picture"),
    ("GET", "/api/v1/shots/{id}/thumbnail"),
    ("PATCH", "/api/v1/shots/{id}"),
    ("DELETE", "/api/v1/shots/{id}"),
    ("GET", "/api/v1/archive"),
    ("POST", "/api/v1/archive"),
    ("GET", "/api/v1/settings"),
    ("PATCH", "/api/v1/settings"),
    ("POST", "/api/v1/settings/save"),
    ("POST", "/api/v1/settings/discard"),
    ("POST", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
    ("POST", "/api/v1/classify"),
]
ENDLESS = ("GET", "/api/v1/events")


def test_every_described_call_is_tried(visitor: httpx.Client) -> None:
    """The list above is complete: a new route has to be put there."""
    description = visitor.get("/api/v1/openapi.json").json()
    described = {(method.upper(), path) for path, calls in description["paths"].items() for method in calls}
    assert described == {*CALLS, ENDLESS}


@pytest.fixture(scope="module")
def schema(common: tuple[Daemon, WebServer]) -> BaseSchema:
    """What the server says of itself."""
    url = common[1].url.rstrip("/")
    read = schemathesis.openapi.from_dict(httpx.get(f"{url}/api/v1/openapi.json").json())
    read.config.update(base_url=url)
    return read


@pytest.mark.parametrize(("method", "path"), CALLS, ids=lambda value: value)
def test_no_request_makes_it_stumble(schema: BaseSchema, method: str, path: str) -> None:
    """Generated requests, valid and not, are answered with what is not 5xx."""

    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(schema[path][method].as_strategy())
    def ask(case: Case) -> None:
        case.validate_response(case.call(timeout=20), checks=(not_a_server_error,))

    ask()
