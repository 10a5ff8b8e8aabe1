"""axe-core looks at every view: no serious fault, light and dark, phone and desktop."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from smartselfie.web.app import Parts
from tests.shared import ROOT, missing
from tests.web.browser import DESKTOP, PHONE, opened
from tests.web.conftest import Serve
from tests.web.daemon import Daemon, write_picture
from tests.web.test_page_live import picture_is_shown
from tests.web.test_page_photo import drop, group

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core, from npm."""
    path = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    if not path.exists():
        missing("axe-core is not installed; run: npm install --no-package-lock")
    return path.read_text(encoding="utf-8")


def faults(page: Page, axe: str) -> list[str]:
    """Return what axe finds serious or critical, one line each."""
    page.evaluate("document.getAnimations().forEach(each => each.finish())")
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in result["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize(
    ("size", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")], ids=["phone-light", "desktop-dark"]
)
def test_no_view_has_a_serious_fault(
    browser: Browser,
    serve: Serve,
    parts: Parts,
    daemon: Daemon,
    folder: Path,
    axe: str,
    size: tuple[int, int],
    scheme: str,
) -> None:
    """Live with several faces, gallery, one picture, settings with a change, a tried photo, the API page."""
    write_picture(folder / "a.jpg")
    write_picture(folder / "b.jpg", happy=0.6)
    daemon.faces = 2
    server = serve(parts)
    found: dict[str, list[str]] = {}
    with opened(browser, server.url, size, color_scheme=scheme) as page:
        picture_is_shown(page)
        found["live"] = faults(page, axe)
        page.get_by_role("link", name="Pictures", exact=True).click()
        page.get_by_role("button", name="Select").click()
        page.locator(".mark").first.click()
        found["pictures"] = faults(page, axe)
        page.get_by_role("button", name="Done").click()
        page.locator(".tile a").first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        found["picture"] = faults(page, axe)
        page.keyboard.press("Escape")
        page.get_by_role("link", name="Settings", exact=True).click()
        field = page.get_by_label("Threshold", exact=True)
        field.fill("0.7")
        field.press("Tab")
        expect(page.locator(".save-bar")).to_be_visible()
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        found["settings"] = faults(page, axe)
        page.get_by_role("link", name="Try a photo", exact=True).click()
        found["photo"] = faults(page, axe)
        drop(page, group(), "group.png", "image/png")
        expect(page.locator(".face-row")).to_have_count(1)
        found["photo found"] = faults(page, axe)
        page.goto(server.url + "api")
        expect(page.get_by_text("/api/v1/classify", exact=True)).to_be_visible()
        found["api"] = faults(page, axe)
    assert {view: lines for view, lines in found.items() if lines} == {}


def test_the_log_in_form_has_no_serious_fault(browser: Browser, serve: Serve, axe: str) -> None:
    """It is a page of its own."""
    with opened(browser, serve(Parts(), password="smile").url, PHONE) as page:
        assert faults(page, axe) == []
