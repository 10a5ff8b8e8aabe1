"""Chromium for the tests: Debian's, started once, without any connection of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserType, Page, expect

from tests.shared import missing

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=20_000)  # a busy machine is slow; what is right is seen at once
PHONE = (360, 740)
DESKTOP = (1280, 800)


def chromium() -> str:
    """The browser's path; without one the test skips, or fails where CI promises it."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        missing("Chromium is not installed; run: sudo apt install chromium (or set CHROMIUM to its path)")
    assert found is not None
    return found


def launch(chromium_type: BrowserType, path: str, *flags: str) -> Browser:
    """Start Chromium headless."""
    return chromium_type.launch(executable_path=path, args=[*FLAGS, *flags])


@contextmanager
def opened(browser: Browser, url: str, size: tuple[int, int] = DESKTOP, **options: object) -> Iterator[Page]:
    """Open a page in a profile of its own; what it reports as an error fails the test.

    Nothing moves in it: whoever clicks would wait until what is clicked stands still.
    """
    options = {"has_touch": size == PHONE, "reduced_motion": "reduce", **options}
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)  # type: ignore[arg-type]
    context.set_default_timeout(20_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console", lambda message: errors.append(message.text) if "Security Policy" in message.text else None
    )
    page.goto(url)
    try:
        yield page
    finally:
        context.close()
    assert not errors, errors
