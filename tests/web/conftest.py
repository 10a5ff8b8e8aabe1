"""A page to ask: the server on a free port of 127.0.0.1, and one browser for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from smartselfie.deciding.trigger import Trigger
from smartselfie.records import Box, Change
from smartselfie.settings import load, write_values
from smartselfie.web.app import Parts, Photos
from smartselfie.web.gallery import Gallery
from smartselfie.web.server import WebServer
from smartselfie.web.settings_api import SettingsEditor
from tests.web.browser import chromium, launch
from tests.web.daemon import Brightness, Daemon, StillFaces, rules, write_clip

CONFIG = """\
# The booth's settings.
trigger:
  threshold: 0.6   # how sure it must be
  cooldown: 2s
saver: {quality: 95}   # fine
"""


class Serve(Protocol):
    def __call__(self, parts: Parts, listen: str = "127.0.0.1:0", **options: object) -> WebServer: ...


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the pictures."""
    made = tmp_path / "images_clicked"
    made.mkdir()
    return made


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A settings file with comments."""
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture
def daemon(folder: Path, config: Path) -> Iterator[Daemon]:
    """The loop, with a face that looks neutral."""
    with Daemon(folder, load(config)) as running:
        yield running


def make_photos() -> Photos:
    """Finds one face in every photo; a bright one is happy."""
    return Photos(
        lambda: StillFaces(Box(10, 10, 60, 60)),
        Brightness,
        make_trigger=lambda: Trigger(rules()),
    )


def make_parts(daemon: Daemon, config: Path) -> Parts:
    """All there is to serve."""
    editor = SettingsEditor(
        lambda: daemon.settings,
        apply=lambda values: daemon.commands.put(Change(values)),
        file=config.name,
        write=lambda values: write_values(config, values),
    )
    gallery = Gallery(daemon.folder)
    return Parts(daemon.views, daemon.commands.put, daemon.events, gallery, editor, make_photos())


@pytest.fixture
def photos() -> Photos:
    """What photos are looked at with."""
    return make_photos()


@pytest.fixture
def parts(daemon: Daemon, config: Path) -> Parts:
    """All there is to serve."""
    return make_parts(daemon, config)


@pytest.fixture(scope="module")
def common(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Daemon, WebServer]]:
    """A daemon and its page for the tests of a module that change nothing another one minds."""
    base = tmp_path_factory.mktemp("common")
    config = base / "config.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    (base / "images_clicked").mkdir()
    running = Daemon(base / "images_clicked", load(config))
    with running, WebServer("127.0.0.1:0", make_parts(running, config)) as server:
        yield running, server


@pytest.fixture
def visitor(common: tuple[Daemon, WebServer]) -> Iterator[httpx.Client]:
    """Asks the common page."""
    with httpx.Client(base_url=common[1].url, timeout=10) as asking:
        yield asking


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that end with the test."""
    with ExitStack() as stack:

        def start(parts: Parts, listen: str = "127.0.0.1:0", **options: object) -> WebServer:
            return stack.enter_context(WebServer(listen, parts, **options))  # type: ignore[arg-type]

        yield start


@pytest.fixture
def server(serve: Serve, parts: Parts) -> WebServer:
    """The page of a running camera, on 127.0.0.1 without a password."""
    return serve(parts)


@pytest.fixture
def client(server: WebServer) -> Iterator[httpx.Client]:
    """Asks that server."""
    with httpx.Client(base_url=server.url, timeout=10) as asking:
        yield asking


CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser's camera shows: a dark room that is light between its second and fourth second."""
    return write_clip(tmp_path_factory.mktemp("camera") / "room.mjpeg")


@pytest.fixture(scope="session")
def browser(clip: Path) -> Iterator[Browser]:
    """One Chromium for all tests, with a camera that plays `clip`."""
    path = chromium()
    with sync_playwright() as playwright:
        running = launch(playwright.chromium, path, *CAMERA, f"--use-file-for-fake-video-capture={clip}")
        yield running
        running.close()
