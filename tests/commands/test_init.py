"""`smartselfie init`: a commented config.yaml to start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from smartselfie.commands.init import init
from smartselfie.errors import UsageError
from smartselfie.settings import changes, load, render_config


def test_init_writes_a_file_that_loads_as_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is there, in a folder that is made when missing, and changes nothing."""
    path = init(tmp_path / "new" / "booth")
    assert path == tmp_path / "new" / "booth" / "config.yaml"
    assert path.read_text(encoding="utf-8") == render_config()
    monkeypatch.chdir(path.parent)
    assert changes(load(), load(path)) == []


def test_init_never_overwrites(tmp_path: Path) -> None:
    """A config.yaml that is there stays as it is, and the error says what to do."""
    (tmp_path / "config.yaml").write_text("mine")
    with pytest.raises(
        UsageError, match=r"config.yaml: exists already; remove it first, or name another folder"
    ):
        init(tmp_path)
    assert (tmp_path / "config.yaml").read_text() == "mine"


def test_init_into_a_file_is_told(tmp_path: Path) -> None:
    """A path that goes through a file is one clear line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file: exists already"):
        init(tmp_path / "file")
    with pytest.raises(UsageError, match="cannot be written: Not a directory"):
        init(tmp_path / "file" / "below")
