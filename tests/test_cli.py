"""The command line as people type it: exit codes, one line for each mistake, help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from smartselfie import cli
from smartselfie.commands.console import explain_import, one_line
from smartselfie.errors import ConfigError
from tests.shared import ROOT

NETWORK = ("prepare", "train", "evaluate", "export")
COMMANDS = ("run", "web", "check", "classify", "replay", "tune", "bench", "init", "status", *NETWORK)
PINNED = ROOT / "tests" / "data" / "pinned.tflite"


def call(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Run the command line in this process; returns exit code, output and errors."""
    try:
        cli.main(list(words))
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test works in an empty folder and home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")


@pytest.mark.parametrize("command", ["prepare", "train", "evaluate", "export"])
def test_help_of_the_networks_commands_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """They are many options' worth."""
    _, out, _ = call(command, "--help", capsys=capsys)
    assert "Examples" in out
    assert f"smartselfie {command} " in out.partition("Examples")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` of each command names its options and ends with 0."""
    code, out, _ = call(command, "--help", capsys=capsys)
    assert code == 0
    assert f"smartselfie {command}" in out


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The network's commands stand beside the others."""
    _, out, _ = call("--help", capsys=capsys)
    assert all(f" {command} " in out for command in COMMANDS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` says name and version."""
    assert call("--version", capsys=capsys)[:2] == (0, "smartselfie 0.1.0\n")


def test_without_a_command_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """Options of `run` are taken without the word."""
    code, _, err = call("--source", "nowhere.mp4", "--headless", capsys=capsys)
    assert code == 1
    assert "nowhere.mp4" in err.splitlines()[-1]


HAAR = ("--set", "detector.kind=haar")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--source", "dmeo"], 2, "did you mean 'demo'?"),
        (["--source", "demo", "--set", "trigger.treshold=1"], 2, "did you mean"),
        (["--config", "missing.yaml"], 2, "missing.yaml: no such file"),
        (["--source", "/dev/video99", "--headless"], 3, "/dev/video99"),
        (["classify", "missing.jpg"], 1, "missing.jpg"),
        (["--source", "demo", "--headless", "--events", "/nowhere/events"], 2, "--events /nowhere/events"),
        (["--source", "demo", "--headless", "--set", "classifier.model=no.tflite"], 1, "no.tflite"),
        (["--source", "demo", "--headless", *HAAR, "--set", "detector.cascade=no.xml"], 1, "no.xml"),
    ],
)
def test_a_mistake_is_said_without_a_traceback(
    words: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each mistake has its exit code and a line that names what is wrong."""
    found, _, err = call(*words, capsys=capsys)
    assert found == code
    assert told in err
    assert "Traceback" not in err


def test_all_mistakes_of_a_file_are_said_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each has its own line, with the file's name and the line in it."""
    Path("config.yaml").write_text("trigger:\n  treshold: 1\n  hold: -3\n")
    code, _, err = call("--source", "demo", capsys=capsys)
    assert code == 2
    assert "config.yaml:2: trigger.treshold" in err
    assert "config.yaml:3: trigger.hold" in err


def test_verbose_shows_where(capsys: pytest.CaptureFixture[str]) -> None:
    """With -v the traceback is shown too."""
    _, _, err = call("--source", "nowhere.mp4", "--headless", "-v", capsys=capsys)
    assert "Traceback" in err


@pytest.mark.parametrize(
    "typed", ["My #1.mp4", "[party].mp4", "clip: a.mp4", "'x'.mp4", "20261120", "[::1]:8000"]
)
def test_what_is_typed_is_not_read_as_yaml(typed: str) -> None:
    """A name with anything in it reaches the settings as it is."""
    from smartselfie.settings import load

    assert load(None, [f"source.use={cli.quoted(typed)}"]).source.use == typed


def test_a_cameras_number_stays_a_number() -> None:
    """`--source 1` is a camera."""
    from smartselfie.settings import load

    assert load(None, [f"source.use={cli.quoted('1')}"]).source.use == 1


def test_init_writes_a_file_to_start_from(capsys: pytest.CaptureFixture[str]) -> None:
    """`init` writes config.yaml and says so; a second time it refuses."""
    assert call("init", capsys=capsys)[:2] == (0, "config.yaml\n")
    assert call("init", capsys=capsys)[0] == 2


def test_a_missing_library_is_named_with_its_remedy() -> None:
    """What OpenCV says where libGL lacks becomes the line that installs it."""
    error = ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
    assert "sudo apt install libgl1" in explain_import(error)


def test_a_missing_extra_is_named_with_its_remedy() -> None:
    """A part that is not installed is named with the extra that has it."""
    error = ModuleNotFoundError("No module named 'uvicorn'", name="uvicorn")
    assert "pip install 'smartselfie[web]'" in explain_import(error)


def test_a_part_of_the_package_that_is_missing_is_no_extra() -> None:
    """pip has no package of that name."""
    error = ModuleNotFoundError(
        "No module named 'smartselfie.viewing.window'", name="smartselfie.viewing.window"
    )
    assert explain_import(error).endswith("install it again")


@pytest.mark.parametrize(("typed", "meant"), [("runn", "run"), ("trian", "train")])
def test_a_mistyped_command_is_guessed(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The nearest one is named."""
    code, _, err = call(typed, capsys=capsys)
    assert code == 2
    assert f"Did you mean '{meant}'?" in err


def test_a_signal_during_the_first_imports_ends_it_quietly() -> None:
    """Exit 0, nothing on stderr."""
    stopped_at_import = (
        "import signal, sys, smartselfie.__main__ as entry\n"
        "class Finder:\n"
        "    def find_spec(self, name, path, target=None): signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder()); entry.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", stopped_at_import],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_unforeseen_error_is_one_line_too() -> None:
    """What nobody foresaw is said as an internal error, with how to see more."""
    assert one_line(ZeroDivisionError("division by zero"), False) == (
        "internal error: ZeroDivisionError: division by zero; -v shows where, please report it"
    )
    assert one_line(ConfigError("config.yaml:1: x"), False) == "config.yaml:1: x"


def start(*words: str) -> subprocess.Popen[str]:
    """Start the real program."""
    return subprocess.Popen(
        [sys.executable, "-m", "smartselfie", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_it_with_everything_written(number: str, tmp_path: Path) -> None:
    """After Ctrl-C or SIGTERM every reported picture is there, `stopped` is said, and the exit code is 0."""
    import signal

    words = ["--source", "demo", "--headless", "--realtime", "--events", "-"]
    program = start(*words, "--set", f"classifier.model={PINNED}", "--set", "source.size=[640, 480]")
    assert program.stdout is not None
    events = []
    for line in program.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == "shot":
            program.send_signal(getattr(signal, number))
    _, err = program.communicate(timeout=20)
    assert program.returncode == 0, err
    assert events[-1]["event"] == "stopped"
    shots = [event for event in events if event["event"] == "shot"]
    assert events[-1]["pictures"] == len(shots) == len(list((tmp_path / "images_clicked").glob("*.jpg")))


def test_a_reader_of_events_that_goes_away_ends_nothing(tmp_path: Path) -> None:
    """A closed pipe ends the lines of events, and the pictures are taken all the same."""
    words = ["--source", "demo", "--headless", "--events", "-", "--set", f"classifier.model={PINNED}"]
    program = start(*words, "--set", "source.size=[320, 240]")
    assert program.stdout is not None
    program.stdout.close()
    assert program.stderr is not None
    with program.stderr:
        err = program.stderr.read()
    assert program.wait(timeout=120) == 0, err
    assert list((tmp_path / "images_clicked").glob("*.jpg"))


@pytest.mark.parametrize(("lost", "code"), [(0, 0), (2, 1)])
def test_pictures_that_were_lost_are_a_failure(lost: int, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken and never written: the exit code tells whoever did not watch."""
    from types import SimpleNamespace

    from smartselfie.commands import run

    class Ended:
        def __init__(self, *given: object) -> None:
            self.saver = SimpleNamespace(lost=lost)

        def __enter__(self) -> Ended:
            return self

        def __exit__(self, *exception: object) -> None:
            pass

        def run(self) -> None:
            pass

    monkeypatch.setattr(run, "App", Ended)
    assert run.run(run.RunOptions()) == code


def test_the_help_shows_what_runs_without_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The options of `run` are in the program's own help, and no flag pretends to take a value."""
    _, out, _ = call("--help", capsys=capsys)
    assert "--headless" in out
    assert "--realtime" in out
    assert "<bool>" not in out + call("run", "--help", capsys=capsys)[1]


@pytest.mark.parametrize(
    ("words", "place", "offered"),
    [
        ("smartselfie --head", 1, "--headless"),
        ("smartselfie --source de", 2, "demo"),
        ("smartselfie ru", 1, "run"),
    ],
)
def test_the_shell_completes_what_runs_without_a_command(words: str, place: int, offered: str) -> None:
    """Options of `run` and their values, with and without its name."""
    asked = {"_SMARTSELFIE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(place)}
    done = subprocess.run(
        [sys.executable, "-m", "smartselfie"],
        env=os.environ | asked,
        capture_output=True,
        text=True,
        check=True,
    )
    assert offered in done.stdout.split()


@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&-"])
def test_a_closed_stream_is_no_fault(closed: str) -> None:
    """Without stderr a message goes nowhere, not into the output; the exit code is what it would be."""
    python = f"{sys.executable} -m smartselfie"
    done = subprocess.run(["sh", "-c", f"{python} status --json {closed}"], capture_output=True, text=True)
    assert "internal error" not in done.stdout + done.stderr
    assert done.returncode == 1  # none runs here
    done = subprocess.run(["sh", "-c", f"{python} check --nonsense {closed}"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("url", ["http://u:p[w@camera/x", "rtsp://u:p[w@camera/x", "http://[::1/x"])
@pytest.mark.parametrize("command", ["run", "check"])
def test_an_address_that_is_none_is_one_line(
    command: str, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the password, and with what to do."""
    code, out, err = call(
        command, "--source", url, *(["--headless"] if command == "run" else []), capsys=capsys
    )
    assert code == (2 if command == "run" else 1)
    said = " ".join((out + err).split())
    assert "internal error" not in said
    assert "is no address" in said
    assert "p[w" not in said


def test_another_programs_config_breaks_no_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is passed over with one line that names it."""
    Path("config.yaml").write_text("site_name: Docs\nnav:\n  - index.md\n")
    code, out, _ = call("check", "--set", "source.use=demo", "--json", capsys=capsys)
    assert json.loads(out)["checks"][0]["level"] == "ok"
    assert code == 0
