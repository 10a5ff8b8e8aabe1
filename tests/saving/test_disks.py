"""Real disks that fill up, turn read-only and are pulled, where this system lets a test mount one."""

import functools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.shared import ROOT


@functools.cache
def namespace() -> list[str]:
    """What runs a command with mounts of its own; the test skips where that is not allowed."""
    for command in (["unshare", "--map-root-user", "--mount"], ["unshare", "--mount"]):
        probe = [*command, "mount", "-t", "tmpfs", "none", "/mnt"]
        if (
            shutil.which("unshare")
            and subprocess.run(probe, capture_output=True, check=False).returncode == 0
        ):
            return command
    pytest.skip("mounting is not allowed here (as root, or with user namespaces, it is)")


def run(scenario: str, disk: Path) -> dict[str, Any]:
    """What the scenario saw."""
    done = subprocess.run(
        [*namespace(), sys.executable, "-m", "tests.faults.disks", scenario, str(disk)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_a_full_disk_breaks_and_loses_nothing(tmp_path: Path) -> None:
    """On a disk of 2 MB that is full, what was written is whole, what waits is written once there is room."""
    seen = run("fill", tmp_path)
    assert re.fullmatch(r"disk full \(No space left on device\): \d+ pictures waiting", seen["waiting"][0])
    assert seen["pictures"] == seen["shots"] > 6


def test_a_disk_that_takes_no_more_files_loses_nothing(tmp_path: Path) -> None:
    """A disk that says it is full although it has room is a full disk too."""
    seen = run("crowd", tmp_path)
    assert seen["waiting"][0].startswith("disk full (No space left on device): ")
    assert seen["pictures"] == seen["shots"] > 6


def test_a_disk_that_turns_read_only_loses_nothing(tmp_path: Path) -> None:
    """What cannot be written waits, and is written once the disk is writable again."""
    seen = run("protect", tmp_path)
    assert seen["waiting"] == ["pictures cannot be written (Read-only file system): 1 picture waiting"]
    assert seen["pictures"] == 2


def test_a_pulled_stick_is_not_replaced_by_a_folder(tmp_path: Path) -> None:
    """Nothing is written to the disk below a pulled stick; the next stick gets what waited."""
    seen = run("pull", tmp_path)
    reason = f"its disk is gone, nothing is mounted on {tmp_path}"
    assert seen["waiting"] == [f"pictures cannot be written ({reason}): 1 picture waiting"]
    assert seen["below"] == []
    assert seen["pictures"] == 1
    assert list(tmp_path.iterdir()) == []
