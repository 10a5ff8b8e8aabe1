"""Whatever instant the program is killed at, every picture in the folder is whole."""

from pathlib import Path

import pytest

from tests.faults.kill import kill_shooters


@pytest.mark.parametrize("format", ["jpg", "png"])
def test_a_kill_leaves_only_whole_pictures(tmp_path: Path, format: str) -> None:
    """Killed at five moments, no file is broken, none that was reported is missing, no leftover stays."""
    assert kill_shooters(tmp_path, kills=5, format=format, seed=1) > 5
