"""The commands as a person types them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from smartselfie.errors import DataError, SmartSelfieError, UsageError
from smartselfie.training import card, commands, datasets, label_sets
from tests.training.faces import make
from tests.training.test_model import MODEL

pytestmark = pytest.mark.filterwarnings("default")  # Keras and its backends warn about each other


def run(*words: object) -> str:
    """What it prints; errors come through."""
    result = CliRunner().invoke(commands.app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_prepare_writes_faces_chart_and_what_is_broken(tmp_path: Path) -> None:
    """And prints the classes by split."""
    row = f"3,{' '.join(['7'] * 2304)},Training\n"
    (tmp_path / "fer2013.csv").write_text("emotion,pixels,Usage\n" + row + "3,1 2,Training\n")
    printed = run("prepare", tmp_path / "fer2013.csv", "--out", tmp_path / "out" / "faces.npz")
    assert "happy" in printed
    assert len(datasets.load(tmp_path / "out" / "faces.npz")) == 1
    assert (tmp_path / "out" / "faces.png").exists()
    assert (tmp_path / "out" / "faces.broken.txt").read_text() == "fer2013.csv:3: 2 pixels instead of 2304\n"


def test_resume_without_a_run_is_a_clear_error(tmp_path: Path) -> None:
    """Not a traceback."""
    with pytest.raises(SmartSelfieError, match="no run to resume"):
        run("train", "--resume", "--run", tmp_path)


def test_evaluate_prints_all_figures_as_json(tmp_path: Path) -> None:
    """By kind of label, with the peer beside it, and plots on request."""
    datasets.save(make(280), tmp_path / "faces.npz")
    printed = run(
        "evaluate",
        MODEL,
        "--data",
        tmp_path / "faces.npz",
        "--peer",
        MODEL,
        "--json",
        "--plots",
        tmp_path / "p",
    )
    (report,) = json.loads(printed)
    assert report["data"] == "faces PrivateTest"
    for name in ("model", "peer"):
        figures = report[name]["labels"]["ferplus"]
        assert {"rule", "n", "accuracy", "classes", "confusion", "happy", "ece"} <= set(figures)
    assert report["latency_ratio"] > 0
    assert len(list((tmp_path / "p").glob("*.png"))) == 6


def test_resume_goes_on_with_the_runs_own_faces(tmp_path: Path) -> None:
    """Nobody need name them again."""
    datasets.save(make(70), tmp_path / "mine.npz")
    words = ("--network", "cnn4", "--rate", "0", "--epochs", "1", "--batch", "56", "--run", tmp_path / "run")
    run("train", *words, "--data", tmp_path / "mine.npz")
    assert "resuming after epoch 1" in run("train", "--resume", "--run", tmp_path / "run")


def test_what_evaluate_leaves_out_is_told(tmp_path: Path) -> None:
    """By its line, and as a count in the JSON."""
    row = f"3,{' '.join(['7'] * 2304)},PrivateTest\n"
    (tmp_path / "fer2013.csv").write_text("emotion,pixels,Usage\n" + row + "3,1 2,PrivateTest\n")
    result = CliRunner().invoke(
        commands.app,
        ["evaluate", str(MODEL), "--data", str(tmp_path / "fer2013.csv"), "--no-latency", "--json", "--plots",
         str(tmp_path)],
        catch_exceptions=False,
    )  # fmt: skip
    assert json.loads(result.stdout)[0]["left_out"] == 1
    assert "left out: fer2013.csv:3: 2 pixels instead of 2304" in result.stderr


def test_record_without_a_description_is_refused_at_once(tmp_path: Path) -> None:
    """Not after minutes of measuring."""
    with pytest.raises(UsageError, match=r"network\.json"):
        run("evaluate", tmp_path / "network.keras", "--record")


def test_evaluate_prints_a_table(tmp_path: Path) -> None:
    """With the rule by which faces were counted."""
    datasets.save(make(280), tmp_path / "faces.npz")
    printed = run("evaluate", MODEL, "--data", tmp_path / "faces.npz", "--no-latency")
    assert "average precision of happy" in printed.replace("\n", " ")
    assert "unique" in printed


def test_the_card_is_filled_from_recorded_figures(tmp_path: Path) -> None:
    """Between its markers, and only for the file that was measured."""
    about = tmp_path / "net.json"
    told = json.loads(MODEL.with_suffix(".json").read_text())
    told["accuracy"] = {}
    about.write_text(json.dumps(told))
    one = {"precision": 1, "recall": 1, "f1": 1, "support": 1}
    figures = {"n": 5, "head": "ferplus", "accuracy": 0.5, "ece": 0.1, "ece_without_temperature": 0.2,
               "happy": {"ap": 0.9, "auc": 0.9},
               "classes": {name: one for name in told["classes"]}}  # fmt: skip
    report = {"data": "d", "model": {"sha256": told["sha256"][MODEL.name], "file": "f", "bytes": 9,
                                     "labels": {"ferplus": figures}}}  # fmt: skip
    card.record(about, [report], "smartselfie evaluate")
    (tmp_path / "card.md").write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")
    card.fill(tmp_path / "card.md", about)
    filled = (tmp_path / "card.md").read_text()
    assert "50.0%" in filled
    assert "old" not in filled
    assert filled.startswith("before")
    report["model"]["sha256"] = "other"  # type: ignore[index]
    with pytest.raises(DataError, match="another file"):
        card.record(about, [report], "smartselfie evaluate")


def test_the_card_sets_other_networks_beside_what_their_authors_report(tmp_path: Path) -> None:
    """From what `evaluate --json` printed of each, under the name of its file."""
    datasets.save(make(280), tmp_path / "faces.npz")
    printed = run("evaluate", MODEL, "--data", tmp_path / "faces.npz", "--no-latency", "--json")
    (tmp_path / "cnn4.json").write_text(printed)
    markers = "<!-- {0} -->\nold\n<!-- /{0} -->\n"
    (tmp_path / "card.md").write_text(markers.format("figures") + markers.format("others"))
    card.fill(tmp_path / "card.md", MODEL.with_suffix(".json"), [tmp_path / "cnn4.json"])
    line = next(each for each in (tmp_path / "card.md").read_text().splitlines() if "`cnn4`" in each)
    measured = json.loads(printed)[0]["model"]["labels"]["fer2013"]["accuracy"]
    assert [cell.strip() for cell in line.split("|")][2:4] == [f"{measured:.1%}", "63.2%"]


def test_labels_are_known_by_many_names() -> None:
    """Of the sets that people download."""
    labels = label_sets.LabelSet()
    found = [labels.index(name, numbers=True) for name in ("Anger", "3", "3.0", "surprised", "0_angry")]
    assert found == [0, 3, 3, 5, 0]
