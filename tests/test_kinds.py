"""A kind of each family that this repository does not have: one module and one line, and it is everywhere."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from smartselfie.classifiers import CLASSIFIERS
from smartselfie.commands.check import check
from smartselfie.commands.run import RunOptions, run
from smartselfie.detectors import DETECTORS, DetectorSettings
from smartselfie.errors import ConfigError, PluginError
from smartselfie.outputs import OUTPUTS
from smartselfie.schema import kinds
from smartselfie.schema.kinds import Family, KindEntry
from smartselfie.settings import Settings, catalogue, controls, load, needs_restart, render_config, set_values
from smartselfie.sources import SOURCES
from tests.toys.output import HEARD

TOYS = {"source": SOURCES, "detector": DETECTORS, "classifier": CLASSIFIERS, "output": OUTPUTS}
TOY = ["source.use=toy", "detector.kind=toy", "classifier.kind=toy", "window.show=false"]


@pytest.fixture(autouse=True)
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every family has a toy; nothing else is known of it."""
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        for name, family in TOYS.items():
            entry = KindEntry(f"tests.toys.{name}", f"a {name} for play.")
            stack.enter_context(family.registered("toy", entry))
        HEARD.clear()
        yield


def test_toys_run(tmp_path: Path) -> None:
    """Frames of the toy source go through toy detector and classifier; the toy outputs hear of the shot."""
    outputs = "outputs=[{kind: toy}, {kind: toy, name: second, only: [shot]}]"
    assert run(RunOptions(overrides=(*TOY, f"saver.folder={tmp_path / 'pictures'}", outputs))) == 0
    first = [event for name, event in HEARD if name == "toy"]
    second = [event for name, event in HEARD if name == "second"]
    assert [event["event"] for event in first] == ["started", "shot", "stopped"]
    assert [event["event"] for event in second] == ["shot"]
    assert Path(str(second[0]["file"])).is_file()


def test_a_toys_own_settings_count(tmp_path: Path) -> None:
    """What only the toy has is read and checked as any setting is."""
    few = (*TOY, "source.smiles=1", "outputs=[{kind: toy}]", f"saver.folder={tmp_path / 'pictures'}")
    assert run(RunOptions(overrides=few)) == 0
    assert "shot" not in [event["event"] for _, event in HEARD]
    with pytest.raises(ConfigError, match=r"detector\.courage: got 2; must be a number from 0 to 1"):
        set_values(load(None, TOY), {"detector.courage": 2})


def test_check_knows_toys(tmp_path: Path) -> None:
    """`check` looks at them as at any other."""
    out = io.StringIO()
    given = (*TOY, f"saver.folder={tmp_path / 'pictures'}", "outputs=[{kind: toy}]")
    assert check(None, given, as_json=True, out=out) == 0
    found = {each["part"]: each["found"] for each in json.loads(out.getvalue())["checks"]}
    assert found["source"] == "toy, 640x480, no camera"
    assert found["detector"].startswith("toy, smallest face 7 pixels")
    assert found["outputs"] == "toy"


def test_help_names_toys(capsys: pytest.CaptureFixture[str]) -> None:
    """`run --help` says what may be given as a source."""
    from smartselfie.cli import main

    with pytest.raises(SystemExit):
        main(["run", "--help"])
    assert "toy" in capsys.readouterr().out


def test_config_yaml_and_the_page_have_toys() -> None:
    """The commented config.yaml has their settings, and the page those of the chosen kind."""
    text = render_config()
    assert "toy: a detector for play." in text
    assert "# courage: 500" not in text
    assert "  # courage: 0.5" in text
    assert "#  - kind: toy" in text
    assert "detector.courage" not in catalogue()
    shown = {str(control["key"]): control for control in controls(load(None, TOY))}
    assert shown["detector.courage"]["maximum"] == 1
    assert "toy" in shown["detector.kind"]["choices"]  # type: ignore[operator]


def test_another_kind_needs_a_restart() -> None:
    """The change is one key, whatever settings the two kinds have."""
    before = Settings()
    after = set_values(before, {"detector.kind": "toy", "detector.courage": 0.7})
    assert needs_restart(before, after) == ["detector.kind"]


def test_settings_of_a_kind_that_is_not_chosen_wait() -> None:
    """They are no mistake, so that `kind` can be changed to and fro; what no kind has is one."""
    settings = load(None, ["detector.courage=0.7", "detector.detect_width=640"])
    assert settings.detector.kind == DETECTORS.default
    with pytest.raises(ConfigError, match="unknown setting"):
        load(None, ["detector.fear=0.7"])


def test_a_colon_leads_on(tmp_path: Path) -> None:
    """`toy:left` is a matter of the toy source."""
    assert SOURCES.choose("toy:left") == "toy"
    assert SOURCES.choose("toys") == "path"


def test_a_kind_that_nobody_has_is_refused_with_those_there_are() -> None:
    """The message names them."""
    with pytest.raises(ConfigError, match=r"must be .*haar, .*or toy"):
        load(None, ["detector.kind=cat"])
    with pytest.raises(ConfigError, match=r"needs one of these kinds: events, .*, toy"):
        load(None, ["outputs=[{kind: cat}]"])


def test_installed_packages_bring_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point is a kind; one that cannot be imported is one line when it is chosen."""
    points = [
        EntryPoint("good", "tests.toys.detector", "smartselfie.detectors"),
        EntryPoint("bad", "no.such.module", "smartselfie.detectors"),
    ]
    monkeypatch.setattr(kinds, "entry_points", lambda group: points if group.endswith("detectors") else [])
    family: Family[object] = Family("detectors", {}, base=DetectorSettings)
    assert family.kinds["good"].help == "Finds a face wherever it is not black."
    assert family.settings("good").model_fields.keys() == {"kind", "courage"}
    with pytest.raises(PluginError, match=r"bad cannot be loaded from no\.such\.module"):
        family.settings("bad")
