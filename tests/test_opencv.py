"""With OpenCV 4 and with 5, which has no cascades: `.ci/run` runs these tests with each."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from smartselfie import settings as s
from smartselfie.commands.check import check
from smartselfie.commands.classify import classify
from smartselfie.commands.run import run
from smartselfie.daemon import parts
from smartselfie.daemon.app import RunOptions
from smartselfie.detectors import DETECTORS
from smartselfie.errors import DetectorError
from smartselfie.sources.demo import DemoSource

REFUSAL = r"detector\.kind haar: OpenCV \S+ has no cascades any more.*detector\.kind: network"


@pytest.fixture(params=["as it is", "without cascades"])
def opencv(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """This machine's OpenCV, and what it would be without cascades."""
    if request.param != "as it is":
        monkeypatch.delattr(cv2, "CascadeClassifier", raising=False)
    return str(request.param)


@pytest.mark.usefixtures("opencv")
def test_a_smile_becomes_a_picture(tmp_path: Path) -> None:
    """The whole program, as it is set up by default, from the demo to the file."""
    options = ("source.use=demo", "source.size=[640, 480]", f"saver.folder={tmp_path}", "window.show=false")
    assert run(RunOptions(overrides=options)) == 0
    assert list(tmp_path.glob("*.jpg"))


@pytest.mark.usefixtures("opencv")
def test_a_photo_is_classified(tmp_path: Path) -> None:
    """An ordinary portrait has a face, with probabilities."""
    frame = DemoSource((640, 480)).read()
    assert frame is not None
    cv2.imwrite(str(tmp_path / "portrait.jpg"), frame.image)
    out = io.StringIO()
    assert classify([str(tmp_path / "portrait.jpg")], s.load(None), as_json=True, out=out) == 0
    assert len(json.loads(out.getvalue())["faces"]) == 1


def test_without_cascades_haar_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that names the version and the remedy, from the detector and from `check`."""
    monkeypatch.delattr(cv2, "CascadeClassifier", raising=False)
    settings = s.load(None, ["detector.kind=haar"])
    with pytest.raises(DetectorError, match=REFUSAL) as refused:
        DETECTORS.build(settings.detector, smallest=0.1)
    assert "\n" not in str(refused.value)
    out = io.StringIO()
    assert check(None, ["detector.kind=haar", "source.use=demo"], as_json=True, out=out) == 1
    (found,) = [each for each in json.loads(out.getvalue())["checks"] if each["part"] == "detector"]
    assert found["level"] == "fail"
    assert "opencv-python<5" in found["remedy"]


def test_without_cascades_the_moment_goes_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The best frame is chosen all the same."""
    monkeypatch.delattr(cv2, "CascadeClassifier", raising=False)
    assert parts.build_moment(s.load(None)) is not None


def test_opencv_has_all_else_that_is_needed() -> None:
    """Cameras, clips, windows, drawing and YuNet are there in every version."""
    names = "VideoCapture imdecode imencode resize warpAffine polylines putText imshow FaceDetectorYN"
    assert [name for name in names.split() if not hasattr(cv2, name)] == []


def test_the_command_line_says_it_in_one_line(tmp_path: Path) -> None:
    """`run` with a cascade and without cascades ends with the line and code 1."""
    code = (
        "import sys, cv2; vars(cv2).pop('CascadeClassifier', None); "
        "from smartselfie.__main__ import main; sys.exit(main())"
    )
    command = ["run", "--source", "demo", "--headless", "--set", "detector.kind=haar"]
    done = subprocess.run(
        [sys.executable, "-c", code, *command, "--set", f"saver.folder={tmp_path}"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.strip()]
    assert "has no cascades any more" in line
