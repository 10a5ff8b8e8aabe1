"""Who may import whom: the table of rooms in docs/architecture.md; and what a start must not load."""

import ast
import configparser
import re
import subprocess
import sys
from functools import cache

import pytest

from tests.shared import ROOT

PACKAGE = ROOT / "smartselfie"
EVERYWHERE = {"records", "errors", "_version", "__version__"}
"""What every room may import."""
WITHOUT_ROW = {"__init__", "__main__", "_version"}
CLOCKS_AND_FILES = {"time", "os", "threading", "io", "socket", "subprocess"}
PURE = (
    "deciding/tracking",
    "deciding/trigger",
    "deciding/moment",
    "records",
    "capture/pace",
    "capture/watch",
)


def rooms() -> dict[str, set[str]]:
    """The table: each room, and what its row lets it import."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", page.split("## Rooms")[1].split("\n## ")[0], re.M)
    names = {name for name, _ in rows}
    table = {}
    for name, cell in rows:
        named = set(re.findall(r"`(\w+)`", cell))
        table[name] = names - named if cell.strip().startswith("all but") else named
    return table


@cache
def imports(room: str) -> frozenset[tuple[str, str]]:
    """Every import between rooms as (file, room imported), wherever in the file it stands."""
    files = sorted((PACKAGE / room).rglob("*.py")) or [PACKAGE / f"{room}.py"]
    pairs = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: a relative import"
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            there = {name.split(".")[1] for name in names if name.startswith("smartselfie.")}
            pairs |= {(str(path.relative_to(PACKAGE)), other) for other in there - {room}}
    return frozenset(pairs)


@pytest.mark.parametrize("room", rooms())
def test_a_room_imports_what_its_row_names(room: str) -> None:
    """No file of a room imports another room than those of its row, not even for types."""
    allowed = rooms()[room] | EVERYWHERE
    assert not {pair for pair in imports(room) if pair[1] not in allowed}


def test_every_room_has_a_row() -> None:
    """Each folder and module of the package is in the table, and no row is of one that is gone."""
    there = {
        path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert there - WITHOUT_ROW == set(rooms())


def test_rooms_do_not_go_in_circles() -> None:
    """Whatever a room may import may not import it in turn, by whatever way round."""
    table = rooms()
    above: set[str] = set()
    while left := {room for room in table if room not in above}:
        free = {room for room in left if not (table[room] - above - {room})}
        assert free, f"a circle among {sorted(left)}"
        above |= free


def test_every_package_is_packed() -> None:
    """setup.cfg lists every folder with modules, so that a wheel lacks none."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    there = {".".join(("smartselfie", *folder.relative_to(PACKAGE).parts)) for folder in folders}
    assert there | {"smartselfie.model", "smartselfie.haarcascade"} == listed


@pytest.mark.parametrize("name", PURE)
def test_pure_logic_has_no_clock_and_no_files(name: str) -> None:
    """Tracking, trigger, moment and their like read no clock and no file, and start no thread."""
    outside = set()
    for node in ast.walk(ast.parse((PACKAGE / f"{name}.py").read_text())):
        if isinstance(node, ast.Import):
            outside |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            outside.add(node.module.split(".")[0])
    assert not outside & CLOCKS_AND_FILES


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        (
            "smartselfie.cli",
            "tensorflow keras smartselfie.training smartselfie.web fastapi uvicorn matplotlib sklearn cv2",
        ),
        (
            "smartselfie.commands.run",
            "tensorflow keras smartselfie.training smartselfie.web fastapi matplotlib sklearn",
        ),
    ],
)
def test_a_start_loads_nothing_heavy(module: str, heavy: str) -> None:
    """The command line loads not even OpenCV; a run neither TensorFlow nor training nor the web server."""
    code = f"import sys, {module}; print([m for m in {heavy.split()} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
