"""What `bench` reports: shape and sums, never speed."""

import io
import json
from pathlib import Path

from PIL import Image as Pillow

from smartselfie.commands import bench as module
from smartselfie.commands.bench import PER_FRAME, STAGES, Clock, bench, figures
from smartselfie.settings import load
from tests.shared import ROOT


def test_figures_are_median_mean_and_95th_percentile() -> None:
    """Of 1 to 100 ms the median is 50.5, the mean too, and 95 % are below 96."""
    stage = figures("read", [float(n) for n in range(1, 101)])
    assert (stage.runs, stage.median, stage.mean) == (100, 50.5, 50.5)
    assert 95 <= stage.p95 <= 96


def test_a_stage_that_never_ran_is_zero() -> None:
    """No run is no error."""
    assert figures("encode", []).runs == 0


def test_the_clock_returns_what_the_work_returns() -> None:
    """Timing a stage does not change its result, and counts its runs."""
    clock = Clock()
    assert [clock("follow", lambda: 7) for _ in range(3)] == [7, 7, 7]
    assert clock.stage("follow").runs == 3


def test_bench_measures_every_stage_of_the_demo(tmp_path: Path) -> None:
    """Table, JSON and chart hold every stage, each with as many runs as there were frames."""
    model = ROOT / "tests" / "data" / "pinned.tflite"
    settings = load(None, ["source.use=demo", "source.size=[320, 240]", f"classifier.model={model}"])
    module.PACED_SECONDS, kept = 0.2, module.PACED_SECONDS
    out = io.StringIO()
    try:
        code = bench(settings, frames=20, as_json=tmp_path / "b.json", chart=tmp_path / "b.png", out=out)
    finally:
        module.PACED_SECONDS = kept
    assert code == 0
    report = json.loads((tmp_path / "b.json").read_text())
    runs = {stage["name"]: stage["runs"] for stage in report["stages"]}
    assert set(runs) == set(STAGES)
    assert runs["detect full"] + runs["detect around"] == 20
    assert all(runs[name] == 20 for name in ("read", "look", "follow", "classify", "trigger", "encode"))
    assert report["core_share"] > 0
    assert [report["ours_faces"], report["usual"][1]] == [1, 1]
    assert "the usual cascade alone" in out.getvalue()
    assert report["peak_mb"] > 30
    assert report["start_seconds"] > 0
    assert all(name in out.getvalue() for name in PER_FRAME)
    with Pillow.open(tmp_path / "b.png") as picture:
        assert len(picture.convert("RGB").getcolors(1_000_000) or []) > 5
