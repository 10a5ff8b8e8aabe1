"""Who is let in, and what every answer carries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from smartselfie.web import passwords
from smartselfie.web.app import Parts
from smartselfie.web.security import COOKIE
from smartselfie.web.server import WebServer
from smartselfie.web.sessions import Sessions
from tests.web.conftest import Serve, make_parts
from tests.web.daemon import Daemon, write_picture

PASSWORD = "k7wq-m3xd-p9ha"
ROUTES = (
    "/",
    "/api",
    "/stream.mjpg",
    "/static/js/main.js",
    "/api/v1/state",
    "/api/v1/shots",
    "/api/v1/shots/0123456789abcdef/picture",
    "/api/v1/archive",
    "/api/v1/settings",
    "/api/v1/events",
    "/api/v1/openapi.json",
    "/nowhere",
)


@pytest.fixture(scope="module")
def guarded(common: tuple[Daemon, WebServer]) -> Iterator[WebServer]:
    """A server on an address that is not this machine's own (127.0.0.2), so that it asks for a password."""
    daemon = common[0]
    parts = make_parts(daemon, daemon.folder.parent / "config.yaml")
    with WebServer("127.0.0.2:0", parts, password=PASSWORD) as server:
        yield server


@pytest.fixture
def stranger(guarded: WebServer) -> Iterator[httpx.Client]:
    """Knows no password."""
    with httpx.Client(base_url=guarded.url, timeout=10) as asking:
        yield asking


def test_everything_needs_the_password(stranger: httpx.Client) -> None:
    """Without it every page and call is refused with 401, whether it exists or not."""
    assert {path: stranger.get(path).status_code for path in ROUTES} == dict.fromkeys(ROUTES, 401)
    for method, path in (
        ("POST", "shutter"),
        ("PATCH", "settings"),
        ("POST", "classify"),
        ("DELETE", "shots/x"),
    ):
        assert stranger.request(method, f"/api/v1/{path}").status_code == 401


def test_a_websocket_needs_the_password(guarded: WebServer) -> None:
    """The live pictures are refused before the connection is a WebSocket."""
    with pytest.raises(InvalidStatus) as refused, connect(guarded.url.replace("http", "ws") + "api/v1/live"):
        pass
    assert refused.value.response.status_code == 401


def test_a_browser_sees_the_log_in_form(stranger: httpx.Client) -> None:
    """A page asked for by a browser is answered with the form, at the same address, still with 401."""
    answer = stranger.get("/", headers={"accept": "text/html,*/*"})
    assert answer.status_code == 401
    assert 'type="password"' in answer.text


def test_the_right_password_opens_a_session(stranger: httpx.Client) -> None:
    """After logging in the cookie is enough, and after logging out it is worth nothing."""
    assert stranger.post("/api/v1/session", json={"password": PASSWORD}).status_code == 204
    token = stranger.cookies[COOKIE]
    assert stranger.get("/api/v1/state").status_code == 200
    assert stranger.delete("/api/v1/session").status_code == 204
    stranger.cookies.set(COOKIE, token)
    assert stranger.get("/api/v1/state").status_code == 401


def test_cookie_flags(stranger: httpx.Client) -> None:
    """The session's cookie is HttpOnly and SameSite, for the whole site."""
    told = stranger.post("/api/v1/session", json={"password": PASSWORD}).headers["set-cookie"]
    assert "httponly" in told.lower()
    assert "samesite=strict" in told.lower()
    assert "path=/" in told.lower()


def test_programs_may_send_the_password_by_basic(stranger: httpx.Client) -> None:
    """curl -u :PASSWORD works for every call; a wrong one does not."""
    assert stranger.get("/api/v1/state", auth=("", PASSWORD)).status_code == 200
    assert stranger.get("/api/v1/state", auth=("", "wrong")).status_code == 401


def test_wrong_passwords_are_limited(serve: Serve) -> None:
    """After five wrong ones even the right one has to wait, and the answer says for how long."""
    with httpx.Client(base_url=serve(Parts(), "127.0.0.2:0", password=PASSWORD).url, timeout=10) as stranger:
        for _ in range(5):
            assert stranger.post("/api/v1/session", json={"password": "guess"}).status_code == 401
        for answer in (
            stranger.post("/api/v1/session", json={"password": PASSWORD}),
            stranger.get("/api/v1/state", auth=("", PASSWORD)),
        ):
            assert answer.status_code == 429
            assert int(answer.headers["retry-after"]) > 0


def test_a_password_is_made_where_none_is_set(serve: Serve) -> None:
    """On an address that others reach a password is generated, known in plain only to who started it."""
    server = serve(Parts(), "127.0.0.2:0")
    assert server.generated is not None
    assert server.password_hash is not None
    assert server.generated not in server.password_hash
    assert passwords.verify(server.generated, server.password_hash)
    assert httpx.get(server.url + "api/v1/state").status_code == 401
    assert httpx.get(server.url + "api/v1/state", auth=("", server.generated)).status_code == 200


def test_loopback_with_a_password_set_asks_for_it(serve: Serve) -> None:
    """A password in the settings counts on 127.0.0.1 too: a proxy may stand in front."""
    server = serve(Parts(), password=PASSWORD)
    assert httpx.get(server.url + "api/v1/state").status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "192.0.2.7", "127.0.0.1.evil.example", ""]
)
def test_foreign_hosts_are_refused(visitor: httpx.Client, host: str) -> None:
    """A Host that does not name this server (DNS rebinding) is refused with 403."""
    assert visitor.get("/", headers={"host": host}).status_code == 403


def test_names_that_are_allowed(serve: Serve) -> None:
    """localhost, and the names and the public URL of the settings, are answered."""
    server = serve(Parts(), allowed_hosts=("booth.local",), public_url="https://selfie.example.org/")
    for host in ("localhost:1", "booth.local", "Booth.Local:8000", "selfie.example.org"):
        assert (
            httpx.get(f"http://127.0.0.1:{server.address[1]}/health", headers={"host": host}).status_code
            == 200
        )


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://localhost:1"])
def test_foreign_origins_are_refused(visitor: httpx.Client, origin: str) -> None:
    """A page of another origin can neither read nor write."""
    assert visitor.post("/api/v1/shutter", headers={"origin": origin}).status_code == 403
    assert visitor.post("/api/v1/classify", headers={"origin": origin}).status_code == 403
    assert visitor.get("/api/v1/state", headers={"origin": origin}).status_code == 403


def test_own_origin_is_let_through(visitor: httpx.Client) -> None:
    """The page's own calls carry its origin."""
    own = str(visitor.base_url).rstrip("/")
    assert visitor.post("/api/v1/shutter", headers={"origin": own}).status_code == 202


def test_a_foreign_page_cannot_open_the_websocket(visitor: httpx.Client) -> None:
    """Browsers do not keep WebSockets to their origin; the server does."""
    address = str(visitor.base_url).replace("http", "ws") + "api/v1/live"
    with pytest.raises(InvalidStatus) as refused, connect(address, origin="http://evil.example"):  # type: ignore[arg-type]
        pass
    assert refused.value.response.status_code == 403


def test_a_foreign_page_cannot_embed_pictures(visitor: httpx.Client) -> None:
    """What a browser marks as asked for by another site is refused; a link to the page is followed."""
    marks = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    assert visitor.get("/api/v1/state", headers=marks).status_code == 403
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert visitor.get("/", headers=link).status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/v1/state", "/nowhere", "/static/js/main.js", "/api"])
def test_every_answer_has_the_headers(visitor: httpx.Client, path: str) -> None:
    """A strict policy: own scripts only, no frames, no sniffing."""
    headers = visitor.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers


def test_the_page_needs_no_other_host() -> None:
    """No static file names another host, and none has a script or style inside the markup."""
    folder = Path(__file__).parents[2] / "smartselfie" / "web" / "static"
    files = [path for path in folder.rglob("*") if path.suffix in (".html", ".js", ".css", ".svg")]
    assert len(files) > 15
    for path in files:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
        assert not re.search(r"https?://[a-z]|//cdn|@import", text), path.name
        assert not re.search(r"\sstyle=|\son\w+=\"|innerHTML|<script>", text), path.name


TRAVERSALS = [
    "../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "....//....//etc/passwd",
    "/etc/passwd",
    "..\\..\\secret.jpg",
    "%00.jpg",
    "secret.jpg",
]


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_parameter_reaches_outside_the_folder(
    visitor: httpx.Client, common: tuple[Daemon, WebServer], path: str
) -> None:
    """Names and paths in place of ids, in every parameter, give no file and delete none."""
    folder = common[0].folder
    outside = folder.parent / "secret.jpg"
    write_picture(outside)
    write_picture(folder / "inside.jpg")
    for address in (
        f"/api/v1/shots/{path}/picture",
        f"/api/v1/shots/{path}/thumbnail",
        f"/api/v1/shots/{path}",
        f"/static/{path}",
        f"/static/js/{path}",
        f"/api/v1/shots?after={path}",
        f"/{path}",
    ):
        answer = visitor.get(address)
        assert answer.status_code in (404, 422), address
        assert b"root:" not in answer.content
        assert not answer.content.startswith(b"\xff\xd8")
    assert visitor.delete(f"/api/v1/shots/{path}").status_code in (404, 405, 422)
    assert visitor.post("/api/v1/archive", data={"ids": path}).status_code == 404
    assert outside.exists()
    assert (folder / "inside.jpg").exists()


def test_a_link_out_of_the_folder_is_not_followed(
    client: httpx.Client, daemon: Daemon, tmp_path: Path
) -> None:
    """A symbolic link among the pictures is none of them."""
    write_picture(tmp_path / "outside.jpg")
    (daemon.folder / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    assert client.get("/api/v1/shots").json()["total"] == 0


@pytest.mark.parametrize(
    "key", ["saver.folder", "web.password", "classifier.model", "source.use", "nonsense"]
)
def test_private_settings_are_neither_shown_nor_set(visitor: httpx.Client, key: str) -> None:
    """Paths, secrets and who may connect are no business of the page."""
    assert key not in {each["key"] for each in visitor.get("/api/v1/settings").json()["settings"]}
    for method, path in (("PATCH", "settings"), ("POST", "settings/save")):
        answer = visitor.request(method, f"/api/v1/{path}", json={"values": {key: "x"}})
        assert answer.status_code == 422


def test_large_bodies_are_refused(visitor: httpx.Client) -> None:
    """A call that carries no picture may be small only, also when it does not say its length."""
    assert visitor.post("/api/v1/arm", content=b" " * 300_000).status_code == 413

    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 10_000

    assert visitor.post("/api/v1/arm", content=endless()).status_code in (400, 413, 422)


def test_hashes_are_salted_and_checked() -> None:
    """Two hashes of one password differ, both know it, and neither holds it."""
    first, second = passwords.hash_password("smile"), passwords.hash_password("smile")
    assert first != second
    assert passwords.is_hash(first)
    assert "smile" not in first
    assert passwords.verify("smile", first)
    assert passwords.verify("smile", second)
    assert not passwords.verify("Smile", first)


def test_generated_passwords_differ() -> None:
    """Each has twelve characters that are hard to confuse."""
    made = {passwords.generate() for _ in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch(r"([a-hjkmnp-z2-9]{4}-){2}[a-hjkmnp-z2-9]{4}", each) for each in made)


def test_sessions_end() -> None:
    """A session lasts its lifetime, and the oldest one goes when there are too many."""
    now = 0.0
    sessions = Sessions(lifetime=10, most=2, clock=lambda: now)
    first, second = sessions.open(), sessions.open()
    assert sessions.known(first)
    third = sessions.open()
    assert [sessions.known(each) for each in (first, second, third)] == [False, True, True]
    now = 10.0
    assert not sessions.known(second)
    assert not sessions.known("")
