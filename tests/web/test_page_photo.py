"""Try a photo, as a person does: choose, drop, paste, click, and hold a smile."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from smartselfie.deciding.trigger import Trigger
from smartselfie.records import Box, Face
from smartselfie.web.app import Parts, Photos
from smartselfie.web.server import WebServer
from tests.web.browser import DESKTOP, PHONE, opened
from tests.web.conftest import Serve
from tests.web.daemon import Brightness, StillFaces, rules
from tests.web.test_page_live import SIZES
from tests.web.test_photos_api import encoded, huge_png

pytestmark = pytest.mark.browser
GROUP = [Box(200, 60, 120, 120), Box(40, 50, 100, 100), Box(400, 70, 90, 90)]


@pytest.fixture(scope="module")
def alone() -> Iterator[tuple[WebServer, StillFaces]]:
    """The page without a camera, and its detector."""
    detector = StillFaces(GROUP[0])
    photos = Photos(lambda: detector, Brightness, make_trigger=lambda: Trigger(rules(hold_frames=5)))
    with WebServer("127.0.0.1:0", Parts(photos=photos)) as server:
        yield server, detector


@pytest.fixture
def faces(alone: tuple[WebServer, StillFaces]) -> StillFaces:
    """What the detector finds; a test may change it."""
    alone[1].boxes = GROUP[:1]
    return alone[1]


@pytest.fixture
def server(alone: tuple[WebServer, StillFaces], faces: StillFaces) -> WebServer:
    """The page without a camera, its detector as it was."""
    return alone[0]


@pytest.fixture
def page(browser: Browser, server: WebServer) -> Iterator[Page]:
    """The view, on a desktop."""
    with opened(browser, server.url) as shown:
        expect(shown.get_by_role("heading", name="Try a photo")).to_be_visible()
        yield shown


def test_a_box_turns_as_it_does_in_the_window(page: Page) -> None:
    """The page's roll of a face is that of the overlay; a small one is none."""
    for points in (
        ((10, 20), (50, 60), (20, 60), (-10, 60), (20, 90)),
        ((50, 10), (50, 60), (30, 40), (10, 15), (10, 55)),
        ((10, 20), (50, 21), (30, 40), (15, 60), (45, 61)),
    ):
        told = page.evaluate("async (p) => (await import('/static/js/overlay.js')).rollOf(p)", points)
        roll = Face(Box(0, 0, 9, 9), landmarks=points).roll
        assert told == pytest.approx(roll if abs(roll) > 0.07 else 0)
    assert page.evaluate("async () => (await import('/static/js/overlay.js')).rollOf(null)") == 0


def group() -> bytes:
    """A picture with a bright place and a dark one."""
    image = np.full((240, 520, 3), 40, np.uint8)
    image[:, 160:340] = 250
    return encoded(image, "PNG")


def drop(page: Page, data: bytes, name: str, kind: str) -> None:
    """Let a file fall onto the view."""
    expect(page.locator(".drop")).to_be_visible()
    page.evaluate(
        """([data, name, type]) => {
          const bytes = Uint8Array.from(atob(data), each => each.charCodeAt(0));
          const carried = new DataTransfer();
          carried.items.add(new File([bytes], name, { type }));
          for (const kind of ['dragover', 'drop']) {
            document.querySelector('.drop')
              .dispatchEvent(new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
          }
        }""",
        [base64.b64encode(data).decode(), name, kind],
    )


@SIZES
def test_a_chosen_picture_comes_back_with_its_face(
    browser: Browser, server: WebServer, size: tuple[int, int]
) -> None:
    """By the file dialog: a box over the picture, the seven bars, the expression named."""
    with opened(browser, server.url, size) as page:
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose a picture").click()
        chooser.value.set_files({"name": "me.png", "mimeType": "image/png", "buffer": group()})
        expect(page.locator(".verdict")).to_have_text("One face: happy")
        expect(page.locator(".face-row .bars li")).to_have_count(7)
        page.wait_for_function(
            "() => document.querySelector('.shown canvas').getContext('2d')"
            ".getImageData(0, 0, 900, 900).data.some(Boolean)"
        )
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_dropped_picture_with_three_faces(page: Page, faces: StillFaces) -> None:
    """Each has its row; touching a box or a row tells them apart."""
    faces.boxes = GROUP
    drop(page, group(), "group.png", "image/png")
    expect(page.locator(".verdict")).to_have_text("3 faces")
    rows = page.locator(".face-row")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_have_attribute("aria-current", "true")
    expect(rows.nth(0)).to_contain_text("happy")
    expect(rows.nth(1)).to_contain_text("neutral")
    box = page.locator(".photo > .result .shown canvas").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 445 / 520, box["y"] + box["height"] * 115 / 240)
    expect(rows.nth(2)).to_have_attribute("aria-current", "true")
    rows.nth(1).get_by_role("button").press("Enter")
    expect(rows.nth(1)).to_have_attribute("aria-current", "true")


def test_a_picture_without_a_face_says_so(page: Page, faces: StillFaces) -> None:
    """In words, with a hint."""
    faces.boxes = []
    drop(page, group(), "wall.png", "image/png")
    expect(page.locator(".verdict")).to_have_text("No face found")
    expect(page.locator(".face-row")).to_have_count(0)


def test_a_dropped_text_is_refused(page: Page) -> None:
    """Called .jpg it is still none, and the page says what it takes."""
    drop(page, b"hello", "photo.jpg", "image/jpeg")
    expect(page.get_by_role("alert")).to_have_text(
        "This is no PNG or JPEG picture; send a .png, .jpg or .jpeg file."
    )
    expect(page.get_by_role("button", name="Choose a picture")).to_be_visible()


def test_a_dropped_picture_bomb_is_refused(page: Page) -> None:
    """The browser never tries to show it."""
    drop(page, huge_png(), "bomb.png", "image/png")
    expect(page.get_by_role("alert")).to_contain_text("too large")


def test_a_pasted_picture_is_looked_at(page: Page) -> None:
    """From the clipboard, wherever the focus is."""
    page.evaluate(
        """data => {
          const bytes = Uint8Array.from(atob(data), each => each.charCodeAt(0));
          const carried = new DataTransfer();
          carried.items.add(new File([bytes], 'pasted.png', { type: 'image/png' }));
          document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: carried, bubbles: true }));
        }""",
        base64.b64encode(group()).decode(),
    )
    expect(page.locator(".verdict")).to_have_text("One face: happy")


def test_a_click_from_the_camera(page: Page) -> None:
    """The browser's own camera gives the picture."""
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#camera-why")).not_to_be_empty()
    page.get_by_role("button", name="Take a picture").click()
    expect(page.locator(".verdict")).to_contain_text("One face")


def test_a_smile_held_before_the_camera_is_kept_in_the_browser(browser: Browser, server: WebServer) -> None:
    """The bars follow; the picture is one of the light seconds, and is offered to download."""
    with opened(browser, server.url, PHONE) as page:
        page.get_by_role("button", name="Use the camera").click()
        expect(page.locator(".camera .bars .top")).to_contain_text("happy")
        expect(page.locator(".camera .bars .top")).to_contain_text("neutral")
        expect(page.locator(".kept li")).not_to_have_count(0)
        with page.expect_download() as download:
            page.locator(".kept a").last.click()
        assert download.value.suggested_filename == "smile-1.jpg"
        data = Path(download.value.path()).read_bytes()
        assert data.startswith(b"\xff\xd8")
        bright = page.evaluate(
            """async () => {
              const image = document.querySelector('.kept li:last-child img');
              await image.decode();
              const canvas = new OffscreenCanvas(8, 8);
              const context = canvas.getContext('2d');
              context.drawImage(image, 0, 0, 8, 8);
              return context.getImageData(4, 4, 1, 1).data[0];
            }"""
        )
        assert bright > 200


def test_without_a_secure_page_it_says_what_to_do(browser: Browser, server: WebServer) -> None:
    """Over plain http from another device browsers lend no camera: the page names web.tls and localhost."""
    with opened(browser, server.url, DESKTOP) as page:
        page.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
        page.get_by_role("button", name="Use the camera").click()
        alert = page.locator(".camera").get_by_role("alert")
        expect(alert).to_contain_text("web.tls")
        expect(alert).to_contain_text("localhost")


def test_the_camera_is_let_go_when_the_view_is_left(browser: Browser, serve: Serve, parts: Parts) -> None:
    """Its light goes out."""
    with opened(browser, serve(parts).url + "#photo") as page:
        page.get_by_role("button", name="Use the camera").click()
        page.wait_for_function("() => document.querySelector('.camera video').srcObject")
        page.evaluate("window.track = document.querySelector('.camera video').srcObject.getTracks()[0]")
        page.get_by_role("link", name="Pictures").click()
        page.wait_for_function("() => window.track.readyState === 'ended'")


def test_the_page_asks_no_other_host(browser: Browser, serve: Serve, parts: Parts) -> None:
    """Through all views every request goes to the server itself."""
    server = serve(parts)
    with opened(browser, "about:blank") as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(server.url)
        for view in ("Pictures", "Settings", "Try a photo", "Live"):
            page.get_by_role("link", name=view, exact=True).click()
            expect(page.get_by_role("heading", level=1)).to_have_text(view)
        page.goto(server.url + "api")
        expect(page.get_by_text("/api/v1/classify", exact=True)).to_be_visible()
    assert len(asked) > 15
    assert [url for url in asked if not url.startswith((server.url, "blob:"))] == [], json.dumps(asked)
