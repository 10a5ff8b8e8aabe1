"""The routes that tell how the daemon is, and tell it what to do."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser

from smartselfie.outputs.events import Events
from smartselfie.web.app import Parts
from smartselfie.web.gallery import Gallery
from smartselfie.web.server import WebServer
from tests.shared import ROOT
from tests.web.browser import opened
from tests.web.conftest import Serve
from tests.web.daemon import Daemon, write_picture


def first_event(client: httpx.Client, name: str, then: object = None) -> dict[str, object]:
    """Listen to the event stream, do `then`, and return the first event of that name."""
    with client.stream("GET", "/api/v1/events") as response:
        for line in response.iter_lines():
            if line.startswith("retry") and callable(then):
                then()
            if line == f"event: {name}":
                continue
            if line.startswith("data: ") and json.loads(line[6:])["event"] == name:
                return dict(json.loads(line[6:]))
    raise AssertionError("the stream ended")


def call_of(line: str) -> tuple[str, str]:
    """The method and the path that a line with curl asks for."""
    words = shlex.split(line, comments=True)
    path = next(urlsplit(word).path for word in words if word.startswith("http"))
    if "-X" in words:
        return words[words.index("-X") + 1], path
    return ("POST" if {"--json", "-F", "-d"} & set(words) else "GET"), path


def test_curl_lines_of_the_readme_name_calls_that_exist(visitor: httpx.Client) -> None:
    """Each of them is described, with that method."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("    curl ")]
    assert len(lines) >= 9
    paths = visitor.get("/api/v1/openapi.json").json()["paths"]
    for method, path in map(call_of, lines):
        assert method.lower() in paths.get(path, {}), (method, path)


@pytest.mark.browser
def test_curl_lines_of_the_api_page_use_the_method_beside_them(
    browser: Browser, common: tuple[Daemon, WebServer]
) -> None:
    """Each call has a line to try that asks for exactly this call."""
    with opened(browser, common[1].url + "api") as page:
        page.wait_for_selector(".route")
        told = page.evaluate(
            "[...document.querySelectorAll('.route')].map(each => [each.querySelector('.method').textContent,"
            " each.querySelector('h3 code').textContent, each.querySelector('pre').textContent])"
        )
    assert len(told) > 15
    for method, path, line in told:
        assert call_of(line) == (method, path.replace("{id}", "ID")), line


def test_state_tells_faces_and_why(client: httpx.Client, daemon: Daemon) -> None:
    """The state has the newest faces with seven scores that sum to 1, and says why it does not fire."""
    daemon.views.get(timeout=5)
    view = client.get("/api/v1/state").json()["view"]
    assert view["why"]
    assert sum(view["faces"][0]["scores"].values()) == pytest.approx(1, abs=0.001)
    assert len(view["faces"][0]["scores"]) == 7


def test_shutter_takes_a_picture_and_the_event_says_so(client: httpx.Client, daemon: Daemon) -> None:
    """A press on the shutter becomes a file, and an event with the address of the picture."""
    event = first_event(client, "shot", lambda: client.post("/api/v1/shutter").raise_for_status())
    shown = client.get(f"/api/v1/shots/{event['id']}").json()
    assert shown["name"] == event["file"]
    assert event["by"] == "web"


def test_an_event_names_the_file_without_its_folder(client: httpx.Client, daemon: Daemon) -> None:
    """No path of the machine is in an event, neither as a field nor inside a sentence."""
    told = f"cannot write {daemon.folder}/a.jpg: disk full"
    event = first_event(client, "save_failed", lambda: daemon.events("save_failed", error=told))
    assert event["error"] == "cannot write a.jpg: disk full"


def test_missed_events_are_sent_again(client: httpx.Client, daemon: Daemon) -> None:
    """A client that comes back with Last-Event-ID gets what happened meanwhile."""
    first_event(client, "camera_lost", daemon.lose_camera)
    with client.stream("GET", "/api/v1/events", headers={"last-event-id": "0"}) as response:
        lines = response.iter_lines()
        assert next(line for line in lines if line.startswith("event:")) == "event: camera_lost"


def test_state_tells_that_the_camera_is_lost(client: httpx.Client, daemon: Daemon) -> None:
    """After `camera_lost` the state says so with the reason, until `camera_back`."""
    first_event(client, "camera_lost", lambda: daemon.lose_camera("stalled"))
    assert client.get("/api/v1/state").json()["camera"] == {"ok": False, "reason": "stalled"}
    first_event(client, "camera_back", daemon.give_camera_back)
    assert client.get("/api/v1/state").json()["camera"] == {"ok": True, "reason": None}


def test_arm_reaches_the_trigger(client: httpx.Client, daemon: Daemon) -> None:
    """Disarmed by the API, the next view's state is disarmed."""
    assert client.post("/api/v1/arm", json={"on": False}).status_code == 202
    count = 0
    view = None
    while view is None or view.decision.state.value != "disarmed":
        count, view = daemon.views.get(after=count, timeout=5)
        assert view is not None
    assert client.get("/api/v1/state").json()["view"]["armed"] is False


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/api/v1/shots/0000000000000000", 404),
        ("GET", "/api/v1/shots/not-an-id", 422),
        ("POST", "/api/v1/state", 405),
        ("PATCH", "/api/v1/settings", 422),
        ("POST", "/api/v1/classify", 415),
    ],
)
def test_errors_are_problems(visitor: httpx.Client, method: str, path: str, status: int) -> None:
    """Every error is problem+json with title, status and a sentence."""
    response = visitor.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert response.json()["detail"]


def test_a_fault_is_a_problem_without_details(serve: Serve, folder: Path) -> None:
    """A mistake of the server is a 500 problem that gives nothing of it away."""

    class Broken(Gallery):
        def entries(self) -> list[object]:  # type: ignore[override]
            raise RuntimeError("secret")

    with httpx.Client(base_url=serve(Parts(gallery=Broken(folder))).url) as asking:
        response = asking.get("/api/v1/shots")
    assert response.status_code == 500
    assert "secret" not in response.text
    assert response.headers["content-type"] == "application/problem+json"


def test_commands_without_a_camera_are_refused(serve: Serve) -> None:
    """The page alone answers the shutter with 409 and says what to start."""
    with httpx.Client(base_url=serve(Parts(events=Events())).url) as asking:
        response = asking.post("/api/v1/shutter")
    assert response.status_code == 409
    assert "run --web" in response.json()["detail"]


def test_every_route_is_described(visitor: httpx.Client) -> None:
    """The OpenAPI description has every call with a sentence on it, and its page names no other host."""
    description = visitor.get("/api/v1/openapi.json").json()
    for path in ("state", "shots", "settings", "shutter", "events", "classify", "arm"):
        assert f"/api/v1/{path}" in description["paths"]
    for operations in description["paths"].values():
        assert all(operation["description"] for operation in operations.values())
    assert not re.search(r"https?://", visitor.get("/api").text)


def test_no_answer_names_a_folder_of_the_machine(
    client: httpx.Client, daemon: Daemon, tmp_path: Path
) -> None:
    """Listings, settings, state and errors never contain where files lie."""
    write_picture(daemon.folder / "a.jpg")
    (daemon.folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    daemon.notices = (f"cannot write {daemon.folder}/x.jpg",)
    broken = next(
        item for item in client.get("/api/v1/shots").json()["items"] if item["name"] == "broken.jpg"
    )
    count, _ = daemon.views.get()
    daemon.views.get(after=count + 1, timeout=5)
    answers = [
        client.get("/api/v1/shots"),
        client.get("/api/v1/settings"),
        client.get("/api/v1/state"),
        client.get(f"/api/v1/shots/{broken['id']}/thumbnail"),
        client.patch(f"/api/v1/shots/{broken['id']}", json={"rating": 3}),
        client.patch("/api/v1/settings", json={"values": {"trigger.threshold": 7}}),
        client.get("/"),
    ]
    assert daemon.notices[0].split("/")[-1] in answers[2].text
    for answer in answers:
        assert str(tmp_path) not in answer.text
        assert tmp_path.name not in answer.text
