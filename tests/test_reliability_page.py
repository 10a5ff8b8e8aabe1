"""The table of faults names tests: they are there."""

import re

from tests.shared import ROOT


def test_every_test_that_the_page_names_exists() -> None:
    """docs/reliability.md names tests, some with a parameter: each is a function of a file below tests."""
    named = re.findall(r"`(test_\w+)[`\[]", (ROOT / "docs" / "reliability.md").read_text())
    files = (ROOT / "tests").rglob("test_*.py")
    there = {
        name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    assert len(named) > 20
    assert [name for name in named if name not in there] == []
