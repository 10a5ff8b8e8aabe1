"""What only POSIX has is not needed: with it taken away the package imports, checks, classifies and plays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import ROOT

ELSEWHERE = """
import os, signal, socket, sys
import cv2, numpy, platformdirs.unix, psutil, pydantic, rich.console  # they have ways of their own elsewhere
for name in ("fcntl", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline"):
    sys.modules[name] = None
for name in ("getuid", "geteuid", "getgid", "fchmod", "fchown", "chown"):
    delattr(os, name)
for name in ("O_DIRECTORY", "O_NONBLOCK", "mkfifo"):
    delattr(os, name)
del signal.SIGHUP
if hasattr(socket, "AF_UNIX"):
    del socket.AF_UNIX
"""
"""Makes of this system one without the modules and calls that Windows does not have."""


def elsewhere(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code in such a system."""
    command = [sys.executable, "-c", ELSEWHERE + code]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def command_line(*words: str) -> str:
    """The code of a run of the command line."""
    return f"from smartselfie.cli import main; main({list(words)!r})"


def test_every_module_of_a_run_imports(tmp_path: Path) -> None:
    """Nothing but the pins of a Pi, training and the systemd watchdog may ask for more."""
    code = (
        "import pkgutil, importlib, smartselfie\n"
        "skipped = ('smartselfie.training', 'smartselfie.__main__')\n"
        "for module in pkgutil.walk_packages(smartselfie.__path__, 'smartselfie.'):\n"
        "    if not module.name.startswith(skipped): importlib.import_module(module.name)\n"
    )
    done = elsewhere(code, tmp_path)
    assert done.returncode == 0, done.stderr


def test_check_says_that_it_would_run(tmp_path: Path) -> None:
    """`check` with the demo fails nowhere."""
    done = elsewhere(command_line("check", "--json", "--set", "source.use=demo"), tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    assert json.loads(done.stdout)["ok"]


def test_a_picture_is_classified(tmp_path: Path) -> None:
    """`classify` reads and scores."""
    picture = ROOT / "docs" / "overlay.png"
    done = elsewhere(command_line("classify", "--json", str(picture)), tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["faces"]


def test_the_demo_takes_pictures(tmp_path: Path) -> None:
    """The demo runs to its end, its pictures are saved, and one writer keeps the folder to itself."""
    given = ["source.use=demo", "source.size=[640, 480]", f"saver.folder={tmp_path / 'pictures'}"]
    sets = [word for setting in given for word in ("--set", setting)]
    done = elsewhere(command_line("run", "--headless", "--events", "-", *sets), tmp_path)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    files = [Path(event["file"]) for event in events if event["event"] == "shot"]
    assert files
    assert all(file.is_file() for file in files)
    assert set((tmp_path / "pictures").iterdir()) == set(files)


def test_a_second_writer_is_refused_there_too(tmp_path: Path) -> None:
    """The folder's lock is a file then, and is gone when it is given back."""
    code = (
        "from pathlib import Path\n"
        "from smartselfie.errors import SaveError\n"
        "from smartselfie.saving.folder import PictureFolder\n"
        "first, second = PictureFolder(Path('.')), PictureFolder(Path('.'))\n"
        "first.prepare()\n"
        "try: second.prepare()\n"
        "except SaveError as error: print(error)\n"
        "first.release()\n"
        "print(second.prepare()); second.release()\n"
    )
    done = elsewhere(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "another smartselfie" in done.stdout
    assert done.stdout.endswith("True\n")
    assert list(tmp_path.iterdir()) == []


if sys.platform == "win32":  # the real thing needs no pretending
    pytestmark = pytest.mark.skip(reason="here all of the suite says so")
