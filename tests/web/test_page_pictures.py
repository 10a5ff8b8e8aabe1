"""The gallery as a person uses it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from smartselfie.pictures.files import read_metadata
from smartselfie.web.app import Parts
from smartselfie.web.gallery import Gallery
from smartselfie.web.server import WebServer
from tests.web.browser import DESKTOP, PHONE, opened
from tests.web.daemon import Daemon, write_picture
from tests.web.test_gallery import fill
from tests.web.test_page_live import SIZES

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def two_thousand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WebServer, str]]:
    """The page of a folder with so many pictures, and the name of the oldest one."""
    folder = tmp_path_factory.mktemp("many")
    names = fill(folder, 2000)
    with WebServer("127.0.0.1:0", Parts(gallery=Gallery(folder))) as server:
        yield server, names[-1]


@SIZES
def test_two_thousand_pictures_scroll(
    browser: Browser, two_thousand: tuple[WebServer, str], size: tuple[int, int]
) -> None:
    """The first ones are there at once, the others as one scrolls, down to the oldest."""
    server, oldest = two_thousand
    with opened(browser, server.url + "#pictures", size) as page:
        page.wait_for_selector(".tile")  # `expect` describes the whole page when it has to wait: slow here
        expect(page.locator("#count")).to_have_text("2,000 pictures")
        assert page.locator(".tile").count() <= 400
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.wait_for_function("() => document.querySelector('.tile img').naturalWidth > 0")
        network = page.context.new_cdp_session(page)  # one cannot look at each of them
        network.send("Network.enable")
        network.send("Network.setBlockedURLs", {"urls": ["*/thumbnail*"]})
        wanted = 2000 if size == PHONE else 400
        page.wait_for_function(
            """wanted => {
              scrollTo(0, document.documentElement.scrollHeight);
              return document.querySelectorAll('.tile').length >= wanted;
            }""",
            arg=wanted,
            polling=100,
            timeout=90_000,
        )
        if size == PHONE:
            page.locator(".tile a").last.click()
            page.wait_for_selector("dialog.viewer", timeout=90_000)
            assert page.locator("#viewer-download").get_attribute("download") == oldest


@SIZES
def test_one_picture_large_and_on_to_the_next(
    browser: Browser, server: WebServer, folder: Path, size: tuple[int, int]
) -> None:
    """With its scores; next and previous by key, and back to the grid by Escape or the browser's back."""
    names = fill(folder, 5)
    write_picture(folder / "new.jpg", happy=0.97)
    with opened(browser, server.url + "#pictures", size) as page:
        page.locator(".tile a").first.click()
        expect(page.locator("#viewer-download")).to_have_attribute("download", "new.jpg")
        expect(page.locator("#viewer-faces h3")).to_have_text("happy 97 %")
        expect(page.locator("#viewer-faces .bars li")).to_have_count(7)
        expect(page.locator(".viewer .previous")).to_be_disabled()
        page.keyboard.press("ArrowRight")
        expect(page.locator("#viewer-download")).to_have_attribute("download", names[0])
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#viewer-download")).to_have_attribute("download", "new.jpg")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.locator(".tile a").nth(1).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.go_back()
        expect(page.get_by_role("dialog")).to_have_count(0)


def swipe(page: Page, start: int, end: int) -> None:
    """Move one finger across the picture."""
    session = page.context.new_cdp_session(page)
    for kind, x in (
        ("touchStart", start),
        ("touchMove", (start + end) // 2),
        ("touchMove", end),
        ("touchEnd", end),
    ):
        points = [] if kind == "touchEnd" else [{"x": x, "y": 200}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_swiping_shows_the_next_picture(browser: Browser, server: WebServer, folder: Path) -> None:
    """To the left: the next one; to the right: back."""
    names = fill(folder, 3)
    with opened(browser, server.url + "#pictures", PHONE) as page:
        page.locator(".tile a").first.click()
        expect(page.locator("#viewer-download")).to_have_attribute("download", names[0])
        swipe(page, 300, 60)
        expect(page.locator("#viewer-download")).to_have_attribute("download", names[1])
        swipe(page, 60, 300)
        expect(page.locator("#viewer-download")).to_have_attribute("download", names[0])


def test_stars_are_written_into_the_file(browser: Browser, server: WebServer, folder: Path) -> None:
    """By touch and by key; a second touch on the same star takes them away."""
    write_picture(folder / "a.jpg", happy=0.97)
    with opened(browser, server.url + "#pictures", DESKTOP) as page:
        page.locator(".tile a").click()
        with page.expect_response("**/shots/*"):
            page.locator(".stars label").nth(4).click()
        expect(page.locator(".stars label.on")).to_have_count(5)
        assert read_metadata(folder / "a.jpg").rating == 5
        with page.expect_response("**/shots/*"):
            page.keyboard.press("2")
        assert read_metadata(folder / "a.jpg").rating == 2
        expect(page.locator(".stars label.on")).to_have_count(2)
        with page.expect_response("**/shots/*"):
            page.locator(".stars label").nth(1).click()
        assert read_metadata(folder / "a.jpg").rating == 0


def test_deleting_asks_first(browser: Browser, server: WebServer, folder: Path) -> None:
    """Cancel keeps the picture, Delete removes it and shows the next one."""
    names = fill(folder, 2)
    with opened(browser, server.url + "#pictures", PHONE) as page:
        page.locator(".tile a").first.click()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Cancel").click()
        assert (folder / names[0]).exists()
        page.get_by_role("button", name="Delete").click()
        page.locator("dialog.ask").get_by_role("button", name="Delete").click()
        expect(page.locator("#viewer-download")).to_have_attribute("download", names[1])
        assert not (folder / names[0]).exists()


def test_downloads_one_several_and_all(
    browser: Browser, server: WebServer, folder: Path, tmp_path: Path
) -> None:
    """One as its file, several and all as a zip."""
    names = fill(folder, 4)
    with opened(browser, server.url + "#pictures", DESKTOP) as page:
        with page.expect_download() as all_of_them:
            page.get_by_role("link", name="All").click()
        page.get_by_role("button", name="Select").click()
        page.locator(".mark").nth(1).click()
        page.locator(".mark").nth(2).click()
        expect(page.locator("#chosen")).to_have_text("2 selected")
        with page.expect_download() as several:
            page.get_by_role("button", name="Download").click()
        page.get_by_role("button", name="Done").click()
        page.locator(".tile a").first.click()
        with page.expect_download() as one:
            page.locator("#viewer-download").click()
        with zipfile.ZipFile(all_of_them.value.path()) as archive:
            assert archive.namelist() == names
        with zipfile.ZipFile(several.value.path()) as archive:
            assert archive.namelist() == names[1:3]
        assert one.value.suggested_filename == names[0]
        assert Path(one.value.path()).read_bytes() == (folder / names[0]).read_bytes()


def test_several_are_deleted_at_once(browser: Browser, server: WebServer, folder: Path) -> None:
    """Those that are selected, after one question; the selection ends."""
    names = fill(folder, 4)
    with opened(browser, server.url + "#pictures", PHONE) as page:
        page.get_by_role("button", name="Select").click()
        page.locator(".mark").nth(0).click()
        page.locator(".mark").nth(3).click()
        page.locator(".choose-bar").get_by_role("button", name="Delete").click()
        page.locator("dialog.ask").get_by_role("button", name="Delete").click()
        expect(page.locator(".tile")).to_have_count(2)
        expect(page.get_by_role("button", name="Select")).to_be_visible()
    assert sorted(path.name for path in folder.iterdir()) == sorted(names[1:3])


def test_a_new_picture_appears_in_the_open_gallery(
    browser: Browser, server: WebServer, folder: Path, daemon: Daemon
) -> None:
    """Without a reload; an empty gallery says how the first one comes."""
    with opened(browser, server.url + "#pictures") as page:
        expect(page.get_by_text("No pictures yet")).to_be_visible()
        daemon.happy = 0.95
        expect(page.locator(".tile")).to_have_count(1)
        expect(page.get_by_text("No pictures yet")).to_be_hidden()
