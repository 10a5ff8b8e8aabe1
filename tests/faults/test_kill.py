"""Three hundred kills while pictures are written without pause."""

from pathlib import Path

import pytest

from tests.faults.kill import kill_shooters


@pytest.mark.slow
@pytest.mark.parametrize("format", ["jpg", "png"])
def test_three_hundred_kills_leave_only_whole_pictures(tmp_path: Path, format: str) -> None:
    """Killed at 150 random moments for each format: not one broken, and not one reported picture missing."""
    assert kill_shooters(tmp_path, kills=150, format=format, seed=2) > 150
