"""Secrets stay inside: whatever they hold, wherever they stand."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartselfie.commands.console import start_logging
from smartselfie.redact import redact

# Letters that a URL should not have as they are, and that people type all the same.
SECRETS = st.text(st.sampled_from("abcXYZ019/#?[]@:!$&()*+,;=%~.-_"), min_size=1, max_size=20).map(
    "Qz".__add__
)
PLAIN = st.text(st.sampled_from("abcXYZ019!$~.-_"), min_size=1, max_size=20).map("Qz".__add__)
NAMES = st.sampled_from(
    [
        "pwd",
        "password",
        "passwd",
        "pass",
        "usr",
        "user",
        "loginuse",
        "loginpas",
        "token",
        "access_token",
        "api_key",
        "sid",
    ]
)


@given(secret=SECRETS, scheme=st.sampled_from(["http", "https", "rtsp", "rtsps", "RTSP"]))
def test_no_login_leaves_an_address(secret: str, scheme: str) -> None:
    """Also one that should have been encoded: / # ? [ and @ in it."""
    told = redact(f"cannot open {scheme}://me:{secret}@camera.local:8554/stream, again")
    assert secret not in told
    assert "me:" not in told
    assert "camera.local:8554/stream, again" in told


@given(secret=PLAIN, name=NAMES)
def test_no_secret_by_name_leaves_an_address(secret: str, name: str) -> None:
    """A parameter that is called like a secret is one."""
    told = redact(f"http://camera/cgi?a=1&{name}={secret}&b=2 fails")
    assert secret not in told
    assert told.endswith("&b=2 fails")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http://camera/mail?x=a@b", "http://camera/mail?x=a@b"),
        ("rtsp://camera:554/x", "rtsp://camera:554/x"),
        ("http://me@camera/x", "http://camera/x"),
        ("rtsp://a:b@[::1]:8554/x", "rtsp://[::1]:8554/x"),
        ("'rtsp://a:b@one/x' and rtsp://c:d@two/y", "'rtsp://one/x' and rtsp://two/y"),
        ("--set web.password=0123", "--set web.password=***"),
        ("set trigger.threshold=0.7", "set trigger.threshold=0.7"),
        ("http://camera/?compass=3&size=2", "http://camera/?compass=3&size=2"),
    ],
)
def test_the_rest_stays(text: str, told: str) -> None:
    """What is no secret can be read."""
    assert redact(text) == told


def test_the_log_has_no_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever writes into it."""
    start_logging(0, quiet=False)
    logging.getLogger("smartselfie.x").warning("%s is lost", "rtsp://me:pa/ss@camera/x?pwd=y")
    assert "rtsp://camera/x?pwd=*** is lost" in capsys.readouterr().err
