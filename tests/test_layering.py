"""Who may import whom, and what a start must not load."""

import ast
import configparser
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "smartselfie"
TOP = ("__main__", "cli", "commands", "app")
"""Only these, in this order, may import what stands before them."""
FAMILIES = ("sources", "detectors", "classifiers")
PURE = ("tracking", "trigger", "moment", "records", "pace", "camera_watch")


def modules() -> list[Path]:
    """Every module of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """The dotted name below the package."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def imports(path: Path) -> set[str]:
    """The names below the package that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("smartselfie.") for name in found if name.startswith("smartselfie.")}


def outside(path: Path) -> set[str]:
    """The top-level packages other than this one that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_run_downward(path: Path) -> None:
    """No part imports the command line, a command or the composition root above it."""
    own = name_of(path).split(".")[0]
    forbidden = TOP[: TOP.index(own)] if own in TOP else TOP
    above = {name for name in imports(path) if name.split(".")[0] in forbidden}
    assert not above


def test_every_package_is_packed() -> None:
    """setup.cfg lists every folder with modules, so that a wheel lacks none."""
    setup = configparser.ConfigParser()
    setup.read(PACKAGE.parent / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    folders = {path.parent for path in modules()}
    there = {".".join(("smartselfie", *folder.relative_to(PACKAGE).parts)) for folder in folders}
    assert there | {"smartselfie.model", "smartselfie.haarcascade"} == listed


@pytest.mark.parametrize("family", FAMILIES)
def test_families_do_not_know_each_other(family: str) -> None:
    """A source imports no detector, a detector no classifier, and so on; nor any of them the saver."""
    others = {*FAMILIES, "saver", "web"} - {family}
    for path in (PACKAGE / family).glob("*.py"):
        assert not {name for name in imports(path) if name.split(".")[0] in others}, path.name


def test_training_is_known_to_commands_only() -> None:
    """Only the command line's part and training itself import the training package."""
    for path in modules():
        own = name_of(path).split(".")[0]
        if own not in ("training", "cli", "commands"):
            assert not {name for name in imports(path) if name.split(".")[0] == "training"}, name_of(path)


@pytest.mark.parametrize("name", PURE)
def test_pure_logic_has_no_clock_and_no_files(name: str) -> None:
    """Tracking, trigger, moment and their like read no clock and no file, and start no thread."""
    assert not outside(PACKAGE / f"{name}.py") & {"time", "os", "threading", "io", "socket", "subprocess"}


def test_the_command_line_loads_nothing_heavy() -> None:
    """Importing smartselfie.cli loads no TensorFlow, no training, no web server, not even OpenCV."""
    heavy = "tensorflow keras smartselfie.training smartselfie.web fastapi uvicorn matplotlib sklearn cv2"
    code = f"import sys, smartselfie.cli; print([m for m in {heavy.split()} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_run_loads_neither_tensorflow_nor_training_nor_web() -> None:
    """The whole composition root, imported, keeps what only some need out."""
    heavy = "tensorflow keras smartselfie.training smartselfie.web fastapi matplotlib sklearn"
    code = f"import sys, smartselfie.commands.run; print([m for m in {heavy.split()} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
