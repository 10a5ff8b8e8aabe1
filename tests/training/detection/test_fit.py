"""A run from pictures to the file that the program loads, with a tiny network."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from smartselfie.detectors.network import NetworkDetector
from smartselfie.errors import DataError, UsageError
from smartselfie.records import Look
from smartselfie.training import commands
from smartselfie.training.detection import pictures, settings
from smartselfie.training.detection.settings import FitSettings
from tests.training.detection.drawn import pictures as drawn

pytestmark = pytest.mark.filterwarnings("default")  # Keras and its backends warn about each other

TINY = FitSettings(
    steps=4, batch=4, size=64, warm_up=2, check_every=2, precision="float32",
    options={"widths": (4, 4, 4, 4, 4), "blocks": (1, 1, 1, 1), "head": 4},
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn pictures, prepared."""
    path = tmp_path_factory.mktemp("data") / "drawn.npz"
    pictures.save(drawn(12), path)
    return path


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped after half its steps, and went on."""
    from smartselfie.training.detection import fit

    folder = tmp_path_factory.mktemp("runs") / "face"
    chosen = replace(TINY, data=(str(data),))
    fit.fit(replace(chosen, steps=2), folder, command="first", say=lambda _: None)
    fit.fit(chosen, folder, resume=True, command="second", say=lambda _: None)
    return folder


def test_a_run_leaves_all_that_is_promised(run: Path) -> None:
    """Settings, commands, log, state, network and curves."""
    files = {path.name for path in run.iterdir()}
    assert {"settings.json", "command.txt", "log.csv", "state.npz", "network.keras", "curves.png"} <= files
    assert (run / "command.txt").read_text() == "first\nsecond\n"


def test_a_resumed_run_goes_on_in_the_log(run: Path) -> None:
    """Both checks stand in it, with losses and recalls."""
    lines = (run / "log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "2", "4"]
    assert {"box_loss", "recall_0", "recall_45"} <= set(lines[0].split(","))


def test_settings_come_back_as_they_were(run: Path, tmp_path: Path) -> None:
    """And another file is refused."""
    made = settings.read(run / "settings.json")
    assert (made.steps, made.data, made.rate) == (4, settings.read(run / "settings.json").data, TINY.rate)
    (tmp_path / "settings.json").write_text("[]")
    with pytest.raises(DataError, match="not the settings"):
        settings.read(tmp_path / "settings.json")


def test_the_rate_warms_up_and_sinks() -> None:
    """From nearly nothing to the peak to a hundredth."""
    chosen = FitSettings(steps=100, warm_up=10, rate=1.0)
    assert chosen.rate_at(0) == pytest.approx(0.1)
    assert chosen.rate_at(10) == pytest.approx(1)
    assert chosen.rate_at(100) == pytest.approx(0.01)


def test_a_run_is_not_overwritten(run: Path) -> None:
    """Another folder, or --resume."""
    from smartselfie.training.detection import fit

    with pytest.raises(UsageError, match="--resume"):
        fit.fit(TINY, run)


def test_pictures_without_faces_are_refused(tmp_path: Path) -> None:
    """Before a folder is made."""
    from smartselfie.training.detection import fit

    pictures.save([each for each in drawn(12) if not len(each.faces)], tmp_path / "none.npz")
    with pytest.raises(DataError, match="no labelled face"):
        fit.fit(replace(TINY, data=(str(tmp_path / "none.npz"),)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_step_sees_the_same_whatever_the_number_of_processes(data: Path) -> None:
    """And a run that begins later sees what it would have seen."""
    from smartselfie.training.detection.batches import Batches

    def seen(start: int, workers: int) -> list[np.ndarray]:
        batches = Batches([data], seed=1, batch=2, size=64, start=start, stop=3, workers=workers)
        try:
            return [images for images, _ in batches]
        finally:
            batches.close()

    whole, late = seen(0, 2), seen(2, 1)
    assert len(whole) == 3
    assert np.array_equal(whole[2], late[0])


def test_the_losses_are_least_at_the_targets() -> None:
    """Each rises when what it judges moves away."""
    import keras

    from smartselfie.training.detection import loss
    from smartselfie.training.detection.targets import target_maps
    from tests.training.detection.drawn import face

    maps = target_maps(face(64, 60, 80, covered=1)[None], np.empty((0, 4), np.float32), 128, 128)
    target = {name: each[None] for name, each in maps.items()}
    good = {
        "score": 40 * (target["score"][..., :1] > 0.999) - 20.0,
        "box": target["box"][..., :4],
        "landmarks": target["landmarks"][..., :10],
        "covered": np.full((1, 16, 16, 1), 20.0),
    }
    for name, judge in loss.LOSSES.items():
        best, worse = (
            float(keras.ops.convert_to_numpy(judge(target[name], each.astype(np.float32))))
            for each in (good[name], good[name] - 30)
        )
        assert best == pytest.approx(0, abs=0.02)
        assert worse > 0.5


def test_a_run_is_exported_and_the_program_loads_it(run: Path, data: Path, tmp_path: Path) -> None:
    """By `export`, with outputs in their places; then `evaluate` stores its figures and fills the card."""
    out = tmp_path / "face.tflite"
    said = invoke("export", run / "network.keras", "--out", out, "--version", "3")
    assert "threshold" in said
    about = json.loads(out.with_suffix(".json").read_text())
    assert (about["task"], about["version"]) == ("detection", "3")
    assert sorted(about["outputs"].values()) == [0, 1, 2, 3]
    assert about["command"].startswith("first\nsecond\n")
    assert isinstance(NetworkDetector(out)(np.zeros((96, 128, 3), np.uint8), Look()), list)
    page = tmp_path / "card.md"
    page.write_text("<!-- figures -->\n<!-- /figures -->\n")
    words = ("--data", data, "--no-latency", "--json", "--record", "--card", page)
    printed = invoke("evaluate", out, "--task", "detection", *words)
    (report,) = json.loads(printed)
    assert report["data"] == "drawn val"
    assert json.loads(out.with_suffix(".json").read_text())["accuracy"]["drawn val"]["faces"] == 1
    assert "### drawn val" in page.read_text()


def test_prepare_writes_what_train_reads(tmp_path: Path) -> None:
    """A YOLO folder, and what was left out in a list beside."""
    (tmp_path / "mine").mkdir()
    for name, each in (("a", drawn(1)[0]), ("b", drawn(1)[0])):
        (tmp_path / "mine" / f"{name}.png").write_bytes(each.encoded)
    (tmp_path / "mine" / "a.txt").write_text("0 0.5 0.5 0.2 0.4\n")
    out = tmp_path / "d.npz"
    assert "1 pictures, 1 faces" in invoke("prepare", "--task", "detection", tmp_path / "mine", "--out", out)
    assert len(pictures.load(out)) == 1
    assert "b.png: no .txt" in (tmp_path / "d.broken.txt").read_text()


def test_what_does_not_go_with_a_run_is_refused(data: Path, tmp_path: Path) -> None:
    """On resuming only the data and the processes may be others; other networks have no steps."""
    words = ("--run", tmp_path / "run", "--data", data)
    (tmp_path / "run").mkdir()
    settings.write(replace(TINY, data=(str(data),)), tmp_path / "run" / "settings.json")
    with pytest.raises(UsageError, match="--resume keeps"):
        invoke("train", "--resume", "--rate", "0.1", *words)
    with pytest.raises(UsageError, match="go with --network face"):
        invoke("train", "--network", "smile", "--steps", "3", *words)


def invoke(*words: object) -> str:
    """What a command prints; errors come through."""
    result = CliRunner().invoke(commands.app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout
