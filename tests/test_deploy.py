"""The systemd unit and the installer of the Raspberry Pi, judged by the tools that know such files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import ROOT, missing

UNIT = ROOT / "deploy" / "smartselfie.service"
INSTALLER = ROOT / "deploy" / "install-pi.sh"
EXPOSED = 2.0
"""Most exposure, of 10, that the unit may have by systemd's reckoning."""


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a tool and return what it says."""
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=60)


def tool(name: str) -> str:
    """Where a tool is; without it the test skips, or fails in CI."""
    path = shutil.which(name)
    if path is None:
        missing(f"{name} is not installed")
    return str(path)


def settings() -> dict[str, list[str]]:
    """What the unit sets, by key."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        if match := re.fullmatch(r"(\w+)=(.*)", line):
            found.setdefault(match[1], []).append(match[2])
    return found


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """`systemd-analyze verify` finds nothing to say of it (with a program in place of ours)."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/smartselfie/bin/smartselfie", sys.executable))
    done = run(tool("systemd-analyze"), "verify", copy)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_is_well_confined() -> None:
    """By `systemd-analyze security` it is exposed no more than 2.0 of 10."""
    done = run(tool("systemd-analyze"), "security", "--offline=true", "--no-pager", UNIT)
    match = re.search(r"exposure level for smartselfie.service: ([\d.]+)", done.stdout)
    assert match is not None, done.stderr
    assert float(match[1]) <= EXPOSED


def test_the_unit_is_restarted_for_ever_but_not_with_wrong_settings() -> None:
    """A failure, also the 75 of a stuck camera, is a new start without a limit; a wrong setting is none."""
    found = settings()
    assert found["Type"] == ["notify"]
    assert found["Restart"] == ["on-failure"]
    assert found["RestartPreventExitStatus"] == ["2"]
    assert found["StartLimitIntervalSec"] == ["0"]
    assert int(found["WatchdogSec"][0]) >= 10
    assert int(found["TimeoutStopSec"][0]) > 10  # what the saver takes at the most


def test_the_unit_and_the_installer_mean_the_same_places() -> None:
    """Program, state and user of the unit are those that the installer makes."""
    script, found = INSTALLER.read_text(), settings()
    assert "HOME_DIR=/opt/smartselfie\n" in script
    assert "STATE_DIR=/var/lib/smartselfie\n" in script
    assert "SERVICE_USER=smartselfie\n" in script
    assert found["ExecStart"][0].startswith("/opt/smartselfie/bin/smartselfie run --headless")
    assert found["ExecStart"][0].endswith("--config /var/lib/smartselfie/config.yaml")
    assert (found["User"], found["StateDirectory"]) == (["smartselfie"], ["smartselfie"])
    assert found["RuntimeDirectory"] == ["smartselfie"]


def test_shellcheck_finds_nothing() -> None:
    """The installer is clean by ShellCheck's rules."""
    done = run(tool("shellcheck"), INSTALLER)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_dry_run_says_all_and_does_nothing() -> None:
    """Every step is printed as the command that it is, and none is carried out."""
    before = Path("/opt/smartselfie").exists(), Path("/var/lib/smartselfie").exists()
    done = run(INSTALLER, "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    for step in (
        "python3 -m venv --system-site-packages /opt/smartselfie",
        "copy_source /tmp/smartselfie-build",
        "pip install --quiet /tmp/smartselfie-build[web,pi]",
        "smartselfie init /var/lib/smartselfie",
        "systemctl restart smartselfie.service",
        "python3-picamera2",
    ):
        assert step in done.stdout
    assert (Path("/opt/smartselfie").exists(), Path("/var/lib/smartselfie").exists()) == before


def test_it_builds_from_a_clean_copy(tmp_path: Path) -> None:
    """What an earlier build left in the clone is not installed again; this one leaves nothing there."""
    clone = tmp_path / "clone"
    for name in ("deploy/x", "smartselfie/cli.py", "build/lib/smartselfie/gone.py", "a.egg-info/SOURCES.txt"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).touch()
    (tmp_path / "copy").mkdir()
    function = INSTALLER.read_text().split("copy_source() {")[1].split("\n}")[0]
    done = run(
        "bash", "-c", f"SOURCE={clone}; copy_source() {{{function}\n}}; copy_source {tmp_path / 'copy'}"
    )
    assert (done.returncode, done.stderr) == (0, "")
    copied = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*")}
    assert copied == {"deploy", "deploy/x", "smartselfie", "smartselfie/cli.py"}


def test_a_rollback_is_one_command() -> None:
    """The two programs change places, so that it can be taken back; settings and pictures are not touched."""
    done = run(INSTALLER, "--dry-run", "--rollback")
    assert done.returncode == 0
    assert "mv /opt/smartselfie.previous /opt/smartselfie\n" in done.stdout
    assert "/var/lib" not in done.stdout
    assert "cp --archive" in INSTALLER.read_text().split("install_program")[1]


def test_uninstalling_keeps_settings_and_pictures() -> None:
    """What is removed is the program and the service; nothing below /var/lib is."""
    done = run(INSTALLER, "--dry-run", "--uninstall")
    assert done.returncode == 0
    removed = re.findall(r"^  rm .*", done.stdout, re.MULTILINE)
    assert removed
    assert not [line for line in removed if "/var/lib" in line]
    assert "Settings and pictures stay" in done.stdout


@pytest.mark.parametrize(("word", "code"), [("--help", 0), ("--nonsense", 2)])
def test_the_installer_explains_itself(word: str, code: int) -> None:
    """Help is asked for, or given to who asks for nonsense."""
    done = run(INSTALLER, word)
    assert done.returncode == code
    assert "--uninstall" in done.stdout + done.stderr


@pytest.mark.parametrize("inherited", [False, True], ids=["the journal", "a terminal in a session"])
def test_the_journal_learns_the_priority_of_each_line(tmp_path: Path, inherited: bool) -> None:
    """Into the journal a warning is <4>, without a time; a variable merely inherited changes nothing."""
    code = "import logging; from smartselfie.commands.console import start_logging; start_logging(0, False); "
    code += "logging.getLogger('smartselfie.x').warning('no camera')"
    with (tmp_path / "stream").open("w+") as stream:
        status = os.fstat(stream.fileno())
        name = "1:1" if inherited else f"{status.st_dev}:{status.st_ino}"
        environment = {**os.environ, "JOURNAL_STREAM": name}
        subprocess.run([sys.executable, "-c", code], stderr=stream, env=environment, cwd=ROOT, check=True)
    written = (tmp_path / "stream").read_text()
    expected = r"\d\d:\d\d:\d\d warning: no camera\n" if inherited else "<4>no camera\n"
    assert re.fullmatch(expected, written)
