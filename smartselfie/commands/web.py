"""`smartselfie web`: the page without a camera."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from smartselfie import settings as s
from smartselfie.daemon import parts
from smartselfie.daemon.page import open_page
from smartselfie.daemon.page_keeper import PageKeeper
from smartselfie.errors import UsageError

log = logging.getLogger(__name__)


def hosted_address(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the address that a container host asks for with PORT, None where it asks for none."""
    port = environment.get("PORT")
    if not port:
        return None
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise UsageError(f"PORT={port}: need a port from 1 to 65535, or unset it")
    return f"0.0.0.0:{port}"


def web(settings: s.Settings, config: Path | None, *, ready: Callable[[str], None] = lambda url: None) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code.

    `ready` is told the page's address. Raises `WebError` when it cannot listen, `ModelError` or
    `DetectorError` when pictures could not be looked at.
    """
    parts.build_photo_detector(settings.detector)  # a missing model is said now, not at the first picture
    parts.build_classifier(settings.classifier, threads=1)
    keeper = PageKeeper(lambda: open_page(lambda: settings, config=config))
    with _asked_to_stop() as stop, keeper:
        assert keeper.server is not None
        ready(keeper.server.url)
        while not stop.wait(0.5):
            keeper()
    return 0


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    stop = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
