"""What careless owners write: it works or is refused in one line, wherever it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from smartselfie.daemon.app import default_config
from smartselfie.errors import ConfigError
from smartselfie.settings import is_ours, load

HOME = "/home/somebody"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home and a working folder apart from each other."""
    home = tmp_path / "home"
    (home / ".config" / "smartselfie").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PARTY", str(home / "party"))
    for name in ("XDG_CONFIG_HOME", "XDG_PICTURES_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path / "work")
    return home


PATHS = ["saver.folder", "classifier.model", "detector.model", "trigger.model"]


@pytest.mark.parametrize("key", PATHS)
@pytest.mark.parametrize(
    ("written", "meant"),
    [("~/a b", "{home}/a b"), ("$HOME/x", "{home}/x"), ("${PARTY}/x", "{home}/party/x"), ("x", "{here}/x")],
)
@pytest.mark.parametrize("where", ["file", "--set"])
def test_a_path_means_the_same_everywhere(
    home: Path, key: str, written: str, meant: str, where: str, tmp_path: Path
) -> None:
    """`~` and variables are expanded in every path, in the file and on the command line."""
    here = tmp_path / "work"
    if where == "file":
        section, _, name = key.partition(".")
        (here / "config.yaml").write_text(f"{section}:\n  {name}: '{written}'\n")
        settings = load(here / "config.yaml")
    else:
        settings = load(None, [f"{key}={written}"])
    assert str(settings.value(key)) == meant.format(home=home, here=here)


@pytest.mark.parametrize("written", ["$NOT_THERE/x", "${NOT_THERE}", "~nobody-at-all/x"])
def test_a_path_that_cannot_be_expanded_is_refused(home: Path, written: str) -> None:
    """No folder is made that is called `$NOT_THERE`."""
    with pytest.raises(ConfigError, match="must be the path"):
        load(None, [f"saver.folder={written}"])


def test_a_video_below_home_is_found(home: Path) -> None:
    """`source.use` is a path, too, when it begins as one."""
    assert load(None, ["source.use=~/clip.mp4"]).source.use == str(home / "clip.mp4")


def test_pictures_of_a_users_own_settings_go_to_the_pictures(home: Path) -> None:
    """Not below ~/.config; an absolute folder is taken as it is, and so is one of a project's file."""
    own = home / ".config" / "smartselfie" / "config.yaml"
    own.write_text("trigger:\n  threshold: 0.8\n")
    assert load(own).saver.folder == home / "Pictures" / "smartselfie" / "images_clicked"
    own.write_text("saver:\n  folder: party\n")
    assert load(own).saver.folder == home / "Pictures" / "smartselfie" / "party"
    own.write_text("saver:\n  folder: /srv/party\n")
    assert load(own).saver.folder == Path("/srv/party")


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("title: My site\ntheme: dark\nplugins:\n  - a\n", False),
        ("site:\n  web: 1\nsource: docs\nnav: []\n", False),
        ("trigger:\n  threshold: 0.7\n", True),
        ("trigger:\n  threshold: 0.7\nsavor:\n  folder: x\n", True),
        ("# nothing but a comment\n", True),
        ("\tbroken", True),
    ],
)
def test_another_programs_config_is_passed_over(
    home: Path, text: str, ours: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A foreign ./config.yaml breaks nothing; the log names the file and how to take it all the same."""
    Path("config.yaml").write_text(text)
    assert is_ours(Path("config.yaml")) is ours
    assert default_config() == (Path("config.yaml") if ours else None)


@pytest.mark.parametrize(
    "written",
    ["https://a.example/booth", "https://a.example?x", "a.example", "ftp://a", "https://", "https://a:99999"],
)
def test_a_public_url_is_a_site(written: str) -> None:
    """A path in it would break the page, and is refused."""
    with pytest.raises(ConfigError, match=r"web\.public_url.*without a path"):
        load(None, [f"web.public_url='{written}'"])
    assert load(None, ["web.public_url=https://a.example:8443"]).web.public_url == "https://a.example:8443/"


@pytest.mark.parametrize("written", ["1.0000001", "1", "0.5", "2.1"])
def test_a_step_between_sizes_is_a_step(written: str) -> None:
    """One so small that a search would take terabytes is refused."""
    with pytest.raises(ConfigError, match=r"detector\.scale_factor"):
        load(None, ["detector.kind=haar", f"detector.scale_factor={written}"])


@pytest.mark.parametrize("written", ["0123", "12345", "0x1F", "1:30", "yes"])
@pytest.mark.parametrize("where", ["file", "--set"])
def test_a_password_that_yaml_reads_as_something_else_is_not_shown(
    tmp_path: Path, written: str, where: str
) -> None:
    """The advice is to put it in quotes, and the password is in no message."""
    path = tmp_path / "config.yaml"
    path.write_text(f"web:\n  password: {written}\n")
    with pytest.raises(ConfigError) as refused:
        load(path) if where == "file" else load(None, [f"web.password={written}"])
    assert "quotes" in str(refused.value) or "YAML reads that as" in str(refused.value)
    assert written not in str(refused.value).replace(str(path), "")
