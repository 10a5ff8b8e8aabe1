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
from smartselfie.daemon import parts
from smartselfie.detectors import DETECTORS
from smartselfie.errors import DetectorError

REFUSAL = r"detector\.kind haar: OpenCV \S+ has no cascades any more.*detector\.kind: network"


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
