"""The page's password: shown to a person once, kept from the log."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from smartselfie.daemon import page
from smartselfie.daemon.page import open_page
from smartselfie.settings import load


class Terminal(io.StringIO):
    """Somebody looks."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the program keeps what outlives a restart."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    return tmp_path / "state"


def opened(config: Path | None = None) -> str:
    """Open a page that wants a password, and close it; returns the password that was made."""
    settings = load(config, ["web.listen=127.0.0.1:0", "web.require_password=always"])
    server = open_page(lambda: settings, config=config)
    server.close()
    return server.generated or ""


def test_without_a_terminal_it_is_in_a_file(
    state: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Only its owner reads it, its path is named, and the next start has the same password."""
    caplog.set_level("DEBUG", "smartselfie")
    monkeypatch.setattr(page.sys, "stderr", io.StringIO())
    made = opened()
    kept = state / "web-password"
    assert kept.read_text() == made + "\n"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert made not in caplog.text
    assert opened() == ""
    kept.chmod(0o644)  # anybody could have written or read it
    assert opened() not in ("", made)


def test_a_terminal_shows_it_and_the_file_holds_its_hash(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Shown once; nothing but the hash is written."""
    caplog.set_level("DEBUG", "smartselfie")
    terminal = Terminal()
    monkeypatch.setattr(page.sys, "stderr", terminal)
    config = tmp_path / "config.yaml"
    config.write_text("trigger:\n  threshold: 0.7\n")
    made = opened(config)
    assert made in terminal.getvalue()
    assert made not in caplog.text
    assert "scrypt:" in config.read_text()
    assert not (state / "web-password").exists()
    assert opened(config) == ""
