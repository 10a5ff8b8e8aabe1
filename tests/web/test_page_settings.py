"""Settings as a person changes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from smartselfie.web.server import WebServer
from tests.web.browser import DESKTOP, opened
from tests.web.conftest import CONFIG
from tests.web.daemon import Daemon
from tests.web.test_page_live import SIZES

pytestmark = pytest.mark.browser


@SIZES
def test_a_change_applies_at_once_and_is_saved_with_the_comments(
    browser: Browser, server: WebServer, daemon: Daemon, config: Path, size: tuple[int, int]
) -> None:
    """The loop feels it before it is saved; saving changes that value in the file and nothing else."""
    with opened(browser, server.url + "#settings", size) as page:
        field = page.get_by_label("Threshold", exact=True)
        expect(field).to_have_value("0.6")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        field.fill("0.75")
        field.press("Enter")
        expect(page.locator(".save-bar")).to_contain_text("1 change is not saved")
        daemon.until(lambda: daemon.settings.trigger.threshold == 0.75)
        assert config.read_text(encoding="utf-8") == CONFIG
        page.get_by_role("button", name="Save to config.yaml").click()
        expect(page.locator(".save-bar")).to_be_hidden()
        assert config.read_text(encoding="utf-8") == CONFIG.replace("0.6 ", "0.75 ")
        page.reload()
        expect(page.get_by_label("Threshold", exact=True)).to_have_value("0.75")


def test_hold_policy_cooldown_and_optional_settings(
    browser: Browser, server: WebServer, daemon: Daemon
) -> None:
    """Each kind of control gives the value that it shows, with its unit."""
    with opened(browser, server.url + "#settings", DESKTOP) as page:
        row = page.locator('[data-key="trigger.hold"]')
        row.locator("select").select_option("ms")
        expect(row.locator("input")).to_have_value("400")
        row = page.locator('[data-key="trigger.policy"]')
        row.locator("select").select_option("count")
        row.locator("input").fill("3")
        row.locator("input").press("Tab")
        row = page.locator('[data-key="trigger.cooldown"]')
        row.locator("input").fill("4")
        row.locator("input").press("Tab")
        row = page.locator('[data-key="trigger.countdown"]')
        row.locator(".switch").last.click()
        expect(row.locator("input[type=number]")).to_have_value("3")
        expect(page.locator(".save-bar")).to_contain_text("4 changes")
    daemon.until(lambda: daemon.settings.trigger.countdown == 3)
    trigger = daemon.settings.trigger
    assert trigger.hold.seconds == pytest.approx(0.4)
    assert trigger.policy == 3
    assert trigger.cooldown == 4
    assert trigger.countdown == 3


def test_a_refused_value_says_why_beside_it(browser: Browser, server: WebServer, daemon: Daemon) -> None:
    """What breaks a rule is told at the control, and changes nothing."""
    with opened(browser, server.url + "#settings", DESKTOP) as page:
        row = page.locator('[data-key="trigger.threshold"]')
        row.locator("input[type=number]").fill("1.5")
        row.locator("input[type=number]").press("Tab")
        expect(row.get_by_role("alert")).to_contain_text("1.5")
        row.locator("input[type=number]").fill("0.5")
        row.locator("input[type=number]").press("Tab")
        expect(row.get_by_role("alert")).to_be_hidden()
    daemon.until(lambda: daemon.settings.trigger.threshold == 0.5)


def test_what_needs_a_restart_says_so(
    browser: Browser, server: WebServer, daemon: Daemon, config: Path
) -> None:
    """It is marked, kept for saving, and not applied to the running program."""
    with opened(browser, server.url + "#settings", DESKTOP) as page:
        before = daemon.settings.detector.search_size
        page.locator('details[data-section="detector"] summary').click()
        row = page.locator('[data-key="detector.search_size"]')
        expect(row).to_contain_text("needs a restart")
        row.locator("input").fill("512")
        row.locator("input").press("Tab")
        expect(row).to_contain_text("not saved")
        assert daemon.settings.detector.search_size == before
        page.get_by_role("button", name="Save to config.yaml").click()
        expect(page.locator(".save-bar")).to_be_hidden()
    assert "search_size: 512" in config.read_text(encoding="utf-8")


def test_discard_takes_the_changes_back(browser: Browser, server: WebServer, daemon: Daemon) -> None:
    """Everything unsaved is as it was, in the page and in the loop, also after a reload meanwhile."""
    with opened(browser, server.url + "#settings", DESKTOP) as page:
        field = page.get_by_label("Threshold", exact=True)
        field.fill("0.9")
        field.press("Tab")
        expect(page.locator(".save-bar")).to_be_visible()
        page.reload()
        page.get_by_role("button", name="Discard").click()
        expect(page.get_by_label("Threshold", exact=True)).to_have_value("0.6")
        expect(page.locator(".save-bar")).to_be_hidden()
    daemon.until(lambda: daemon.settings.trigger.threshold == 0.6)
