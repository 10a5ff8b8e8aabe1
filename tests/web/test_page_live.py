"""The page as a person uses it: live picture, shutter, and a camera that goes and comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from smartselfie.web.app import Parts
from smartselfie.web.server import WebServer
from tests.web.browser import DESKTOP, PHONE, opened
from tests.web.conftest import Serve
from tests.web.daemon import Daemon, rules

pytestmark = pytest.mark.browser
SIZES = pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])


def picture_is_shown(page: Page) -> None:
    """Wait until the live canvas has something on it."""
    page.wait_for_function(
        "() => { const c = document.querySelector('canvas.picture');"
        " return c && c.width > 300 && c.getContext('2d').getImageData(5, 5, 1, 1).data[3] === 255; }"
    )


@SIZES
def test_live_shows_picture_scores_and_why(
    browser: Browser, server: WebServer, daemon: Daemon, size: tuple[int, int]
) -> None:
    """Picture, overlay, seven bars, meter and why it does not fire; nothing is wider than the screen."""
    with opened(browser, server.url, size) as page:
        picture_is_shown(page)
        expect(page.locator("#state")).to_have_text("Watching")
        expect(page.locator("#why")).not_to_be_empty()
        expect(page.locator(".bars li")).to_have_count(7)
        expect(page.locator(".bars .happy .value")).to_have_text("10 %")
        expect(page.locator(".bars .top")).to_contain_text("neutral")
        expect(page.locator("#threshold")).to_have_text("threshold 60 %")
        for canvas in ("canvas.overlay", ".meter canvas"):
            page.wait_for_function(
                "s => document.querySelector(s).getContext('2d')"
                ".getImageData(0, 0, 800, 600).data.some(Boolean)",
                arg=canvas,
            )
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for control in (
            page.get_by_role("button", name="Take a picture now"),
            page.locator("#armed + .knob"),
        ):
            box = control.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= size[1], "in reach without scrolling"
            assert min(box["width"], box["height"]) >= 30


@SIZES
def test_a_held_smile_fires_and_the_new_picture_slides_in(
    browser: Browser, server: WebServer, daemon: Daemon, size: tuple[int, int]
) -> None:
    """Smile, see the ring fill, and the picture that was taken appears and leads to the gallery."""
    with opened(browser, server.url, size) as page:
        picture_is_shown(page)
        daemon.trigger.rules = rules(hold_frames=1000)
        daemon.happy = 0.95
        expect(page.locator("#state")).to_have_text("Hold that smile")
        expect(page.locator(".dial .done")).not_to_have_attribute("data-empty", "")
        daemon.trigger.rules = rules(hold_frames=5)
        slide = page.get_by_role("link", name="The new picture")
        expect(slide).to_be_visible()
        expect(page.locator("#state")).to_have_text("Got it")
        slide.click()
        expect(page.get_by_role("dialog").get_by_role("heading", level=2)).to_contain_text("Today")
    assert daemon.shots == 1


def test_shutter_takes_a_picture_by_keyboard(browser: Browser, server: WebServer, daemon: Daemon) -> None:
    """The shutter is reached and pressed with keys alone."""
    with opened(browser, server.url) as page:
        picture_is_shown(page)
        button = page.get_by_role("button", name="Take a picture now")
        for _ in range(20):
            page.keyboard.press("Tab")
            if button.evaluate("each => each === document.activeElement"):
                break
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="The new picture")).to_be_visible()
    assert daemon.shots == 1


def test_disarmed_it_says_so_and_does_not_fire(browser: Browser, server: WebServer, daemon: Daemon) -> None:
    """The switch disarms, the state says so, and a smile takes no picture until it is armed again."""
    daemon.trigger.rules = rules(hold_frames=3)
    with opened(browser, server.url, PHONE) as page:
        picture_is_shown(page)
        page.locator(".switch", has_text="Armed").click()
        expect(page.locator("#state")).to_have_text("Not armed")
        daemon.happy = 0.95
        expect(page.locator(".bars .happy .value")).to_have_text("95 %")
        expect(page.locator("#state")).to_have_text("Not armed")
        seen = daemon.views.get()[0]
        daemon.until(lambda: daemon.views.get()[0] > seen + 5)  # more than it would have to hold
        assert daemon.shots == 0
        page.locator(".switch", has_text="Armed").click()
        expect(page.locator("#state")).to_have_text("Got it")
    assert daemon.shots == 1


def test_one_of_several_faces_can_be_chosen(browser: Browser, server: WebServer, daemon: Daemon) -> None:
    """With several faces the bars are of the one that is touched or chosen by its button."""
    daemon.faces, daemon.happy = 3, 0.5
    with opened(browser, server.url) as page:
        picture_is_shown(page)
        page.get_by_role("button", name="Face 2").click()
        expect(page.locator("#faces-title")).to_have_text("Face 2 of 3")
        expect(page.locator(".bars .happy .value")).to_have_text("20 %")
        box = page.locator("canvas.overlay").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + box["width"] * 135 / 640, box["y"] + box["height"] * 165 / 360)
        expect(page.locator("#faces-title")).to_have_text("Face 1 of 3")
        expect(page.locator(".bars .happy .value")).to_have_text("50 %")


def test_a_lost_camera_is_said_and_comes_back(browser: Browser, server: WebServer, daemon: Daemon) -> None:
    """The picture is dimmed with a sentence over it, and nothing is said of it, until pictures come again."""
    with opened(browser, server.url) as page:
        picture_is_shown(page)
        daemon.lose_camera("unplugged")
        expect(page.get_by_role("alert").filter(has_text="The camera is unplugged")).to_be_visible()
        expect(page.locator(".chip.state")).to_have_text("No picture")
        expect(page.locator("#state")).to_have_text("The camera is unplugged")
        daemon.give_camera_back()
        expect(page.locator("#state")).to_have_text("Watching")
        expect(page.get_by_role("alert").filter(has_text="The camera is unplugged")).to_be_hidden()
        expect(page.locator(".stage.lost")).to_have_count(0)


def test_a_page_opened_while_the_camera_is_lost_says_so(
    browser: Browser, server: WebServer, daemon: Daemon
) -> None:
    """Who comes later learns it too."""
    daemon.lose_camera("stalled")
    with opened(browser, server.url) as page:
        expect(page.get_by_role("alert").filter(has_text="The camera gives no pictures")).to_be_visible()


def test_the_page_reconnects_by_itself(browser: Browser, serve: Serve, parts: Parts) -> None:
    """The server stops: the page says so; it starts again: the pictures go on, without a reload."""
    first = serve(parts)
    with opened(browser, first.url) as page:
        picture_is_shown(page)
        first.close()
        expect(page.locator("#link")).to_have_text("Not connected")
        expect(page.get_by_role("alert").filter(has_text="The connection is lost")).to_be_visible()
        serve(parts, f"127.0.0.1:{first.address[1]}")
        expect(page.locator("#link")).to_have_text("Connected")
        expect(page.get_by_role("alert").filter(has_text="The connection is lost")).to_be_hidden()


def test_log_in_and_out(browser: Browser, serve: Serve, parts: Parts, tmp_path: Path) -> None:
    """A wrong password is said, the right one leads to the page, logging out back to the form."""
    server = serve(parts, "127.0.0.2:0", password="k7wq-m3xd-p9ha")
    with opened(browser, server.url + "#pictures", PHONE) as page:
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_have_text("This is not the password.")
        page.get_by_label("Password").fill("k7wq-m3xd-p9ha")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Pictures", exact=True)).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("Password")).to_be_visible()
