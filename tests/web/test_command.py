"""`smartselfie web`: the page without a camera."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import httpx
import pytest

from smartselfie.commands.web import hosted_address, web
from smartselfie.errors import ModelError, UsageError, WebError
from smartselfie.settings import load


@pytest.mark.parametrize(
    ("environment", "address"), [({"PORT": "8080"}, "0.0.0.0:8080"), ({"PORT": ""}, None), ({}, None)]
)
def test_a_container_hosts_port_is_honoured(environment: dict[str, str], address: str | None) -> None:
    """PORT means every address, because the host's proxy comes from outside."""
    assert hosted_address(environment) == address


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    """With the value and the remedy."""
    with pytest.raises(UsageError, match=f"PORT={port}"):
        hosted_address({"PORT": port})


def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """Settings, pictures and photos, no live view; SIGTERM ends it with 0 and no thread stays."""
    given = load(None, ["web.listen=127.0.0.1:0", f"saver.folder={tmp_path / 'images_clicked'}"])
    seen: list[str] = []

    def look(url: str) -> None:
        seen.append(httpx.get(url).text)
        seen.append(str(httpx.get(url + "stream.mjpg").status_code))
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    assert web(given, None, ready=look) == 0
    assert 'data-views="pictures settings photo"' in seen[0]
    assert seen[1] == "404"
    assert signal.getsignal(signal.SIGTERM) is before
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("web")]


def test_public_is_a_setting_too(tmp_path: Path) -> None:
    """`web.public` serves the one view alone."""
    given = load(None, ["web.listen=127.0.0.1:0", "web.public=true"])
    seen: list[str] = []

    def look(url: str) -> None:
        seen.append(httpx.get(url).text)
        seen.append(str(httpx.get(url + "api/v1/shots").status_code))
        os.kill(os.getpid(), signal.SIGTERM)

    assert web(given, None, ready=look) == 0
    assert 'data-views="photo"' in seen[0]
    assert seen[1] == "404"


def test_a_missing_model_is_said_at_once(tmp_path: Path) -> None:
    """Not at the first picture."""
    given = load(None, ["web.listen=127.0.0.1:0", f"classifier.model={tmp_path / 'none.tflite'}"])
    with pytest.raises(ModelError, match=r"none\.tflite"):
        web(given, None)


def test_an_address_of_another_machine_is_one_line() -> None:
    """The error of the server comes through."""
    with pytest.raises(WebError, match="does not have that address"):
        web(load(None, ["web.listen=192.0.2.1:8000"]), None)
