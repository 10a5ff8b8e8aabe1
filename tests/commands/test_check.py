"""`smartselfie check`: what would work, what would not, and what to do about it."""

import io
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smartselfie import settings as s
from smartselfie.commands import check as module
from smartselfie.commands.check import (
    Finding,
    Known,
    check,
    check_detector,
    check_disk,
    check_display,
    check_gpio,
    check_model,
    check_performance,
    check_source,
    check_web,
    examine,
    table,
)
from smartselfie.errors import NoCameraError
from smartselfie.records import Frame, Image
from smartselfie.saving.folder import PictureFolder
from smartselfie.sources import SourceSettings
from tests import tiny_network


@pytest.fixture
def model(tmp_path: Path) -> str:
    """The setting that names a tiny network."""
    return f"classifier.model={tiny_network.write(tmp_path)}"


@pytest.fixture
def good(model: str, tmp_path: Path) -> list[str]:
    """Settings with which everything is there: the demo, a network, a folder."""
    return [model, "source.use=demo", f"saver.folder={tmp_path / 'pictures'}", "window.show=false"]


def by_part(overrides: list[str], config: Path | None = None) -> dict[str, Finding]:
    """All findings, by part."""
    return {finding.part: finding for finding in examine(config, overrides)}


def known(size: tuple[int, int] = (640, 480)) -> Known:
    """What earlier checks learnt of a picture of that size."""
    return Known(size, np.full((size[1], size[0], 3), 128, np.uint8))


class LiveSource:
    """A camera that gives frames of one brightness at some pace, a number of them."""

    live = True

    def __init__(self, light: int = 120, pause: float = 0.01, frames: int = 10_000) -> None:
        self._image: Image = np.full((48, 64, 3), light, np.uint8)
        self._image[::2] //= 2
        self._pause, self._left, self._seq = pause, frames, 0

    def read(self) -> Frame | None:
        """The next frame, after the pause that makes its rate."""
        time.sleep(self._pause)
        self._seq += 1
        self._left -= 1
        return Frame(self._image, self._seq, self._seq * self._pause) if self._left >= 0 else None

    def close(self) -> None:
        """Nothing is open."""


def test_all_is_well(good: list[str]) -> None:
    """With a source, a network and a folder there is a finding for every part and none fails: code 0."""
    found = by_part(good)
    parts = "settings source stream detector model performance display disk web gpio outputs"
    assert list(found) == parts.split()
    assert {finding.level for finding in found.values()} <= {"ok", "warn"}
    assert check(None, good, out=io.StringIO()) == 0


def test_looking_leaves_no_folder_behind(good: list[str], tmp_path: Path) -> None:
    """The pictures' folder is made to see whether it can be, and is gone afterwards."""
    by_part(good)
    assert not (tmp_path / "pictures").exists()


def test_json_is_one_object(good: list[str]) -> None:
    """`ok` and a list of part, level, what was found and the remedy; what fails is in it and in the code."""
    out = io.StringIO()
    assert check(None, [*good, "source.use=/dev/video97"], as_json=True, out=out) == 1
    report = json.loads(out.getvalue())
    assert report["ok"] is False
    camera = next(each for each in report["checks"] if each["part"] == "camera")
    assert camera["level"] == "fail"
    assert "/dev/video97" in camera["found"]
    assert "demo" in camera["remedy"]


def test_broken_settings_fail_and_the_rest_is_still_looked_at(good: list[str], tmp_path: Path) -> None:
    """Every mistake is in the finding, with its line; the other parts are judged with the defaults."""
    config = tmp_path / "config.yaml"
    config.write_text("trigger:\n  treshold: 0.7\n  hold: never\n")
    found = by_part([], config)
    assert found["settings"].level == "fail"
    assert "config.yaml:2" in found["settings"].found
    assert "config.yaml:3" in found["settings"].found
    assert found["detector"].level != "fail"


HAAR = ("detector.kind=haar",)


def test_a_missing_model_or_cascade_fails_alone(good: list[str]) -> None:
    """The parts after it are looked at all the same, and what depends on it says so."""
    found = by_part([*good, "classifier.model=none.tflite", *HAAR, "detector.cascade=none.xml"])
    assert found["model"].level == found["detector"].level == "fail"
    assert "none.tflite" in found["model"].found
    assert found["performance"] == Finding("performance", "warn", "cannot be told without a detector")
    assert found["disk"].level == "ok"


def watch(source: Callable[[], LiveSource], monkeypatch: pytest.MonkeyPatch, fps: float = 30) -> Finding:
    """What is found of a camera within a fifth of a second."""
    monkeypatch.setattr(module, "WATCHED", 0.2)
    return check_source(SourceSettings(use="0", fps=fps, stall_after=0.5), source, True, known())


def test_a_camera_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its picture's size and its frame rate are found, and remembered for the checks that follow."""
    learnt = known()
    monkeypatch.setattr(module, "WATCHED", 0.2)
    found = check_source(SourceSettings(use="0", fps=5), LiveSource, True, learnt)
    assert found.level == "ok"
    assert found.found.startswith("0, 64x48, ")
    assert learnt.size == (64, 48)


def test_a_slow_camera_is_worth_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten frames a second where 200 were asked for."""
    found = watch(lambda: LiveSource(pause=0.1), monkeypatch, fps=200)
    assert (found.level, "of 200 asked for" in found.found) == ("warn", True)


def test_a_black_camera_is_worth_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lens cap is on."""
    found = watch(lambda: LiveSource(light=4), monkeypatch, fps=5)
    assert (found.level, "black" in found.found) == ("warn", True)


def test_a_camera_without_frames_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """It opens, and that is all."""
    found = watch(lambda: LiveSource(frames=0), monkeypatch)
    assert (found.part, found.level) == ("camera", "fail")
    assert "gives no frames" in found.found


def test_a_camera_that_does_not_open_says_why() -> None:
    """The source's own words."""

    def refuse() -> LiveSource:
        raise NoCameraError("somebody else has it; close that program")

    with pytest.raises(NoCameraError, match="somebody else"):
        check_source(SourceSettings(use="0"), refuse, True, known())


def test_the_smallest_face_is_named_and_compared(good: list[str]) -> None:
    """24 pixels of a picture 320 wide are 96 of 1280; a smaller min_face can then not be met."""
    good = [*good, *HAAR, "detector.detect_width=320"]
    settings = s.load(None, [*good, "trigger.min_face=0.14"])
    found = check_detector(settings, known((1280, 720)))
    assert (found.level, "96 pixels (13% of the height) in 1280x720" in found.found) == ("ok", True)
    settings = s.load(None, [*good, "trigger.min_face=0.05"])
    found = check_detector(settings, known((1280, 720)))
    assert found.level == "warn"
    width = int(found.remedy.split("detector.detect_width: ")[1].split()[0])
    better = s.load(None, [*good, "trigger.min_face=0.05", f"detector.detect_width={width}"])
    assert check_detector(better, known((1280, 720))).level == "ok"


def test_the_model_is_named_and_timed(tmp_path: Path) -> None:
    """Name, version, crop, accuracy and the time for a face."""
    path = tiny_network.write(tmp_path, description={"accuracy": {"fer2013": 0.661}})
    found = check_model(s.load(None, [f"classifier.model={path}"]), known())
    assert found.found.startswith("tiny 1, 8x8, fer2013 66.1 %, ")
    assert found.found.endswith(" ms a face")


def test_a_small_budget_is_worth_a_word(good: list[str]) -> None:
    """A budget that leaves a frame a second makes ten frames long; none leaves the machine to the program."""
    for budget, level in (("0.00001", "warn"), ("null", "ok")):
        settings = s.load(None, [*good, f"performance.cpu_budget={budget}", "performance.max_fps=1"])
        learnt = known((64, 48))
        check_detector(settings, learnt)
        check_model(settings, learnt)
        assert check_performance(settings, learnt).level == level


def test_no_display_matters_only_when_a_window_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """`auto` runs headless, `true` cannot be met, `false` wants none."""
    monkeypatch.setattr(module, "display_problem", lambda: "there is no display")
    levels = {show: check_display(s.WindowSettings(show=show)).level for show in ("auto", True, False)}
    assert levels == {"auto": "ok", True: "warn", False: "ok"}


def test_a_folder_that_cannot_be_made_fails(tmp_path: Path) -> None:
    """There is a file in its place."""
    (tmp_path / "file").touch()
    found = check_disk(tmp_path / "file" / "pictures", 0)
    assert (found.level, "saver.folder" in found.remedy) == ("fail", True)


def test_a_full_disk_warns(tmp_path: Path) -> None:
    """Less free than storage.min_free: no picture would be saved."""
    found = check_disk(tmp_path, 10**18)
    assert (found.level, "storage.min_free" in found.remedy) == ("warn", True)


def test_a_folder_that_another_program_writes_to_fails(good: list[str], tmp_path: Path) -> None:
    """Its lock is held."""
    other = PictureFolder(tmp_path / "pictures")
    other.prepare()
    try:
        found = by_part(good)["disk"]
    finally:
        other.release()
    assert (found.level, "another smartselfie" in found.found) == ("fail", True)


def test_the_pages_port_must_be_free(good: list[str]) -> None:
    """A port in use fails; the same port, freed, is fine; no page, no port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        web = [*good, "web.enabled=true", f"web.listen={listen}"]
        found = by_part(web)["web"]
        assert (found.level, "in use" in found.found) == ("fail", True)
    assert check_web(s.load(None, web).web) == Finding("web", "ok", f"http://{listen}")
    assert check_web(s.WebSettings()) == Finding("web", "ok", "off")


def test_a_missing_certificate_fails(good: list[str]) -> None:
    """Named, before anybody wonders about https."""
    found = by_part([*good, "web.enabled=true", "web.tls=[none.pem, key.pem]"])["web"]
    assert (found.level, "none.pem: no such file" in found.found) == ("fail", True)


@pytest.mark.parametrize(("there", "level"), [(True, "ok"), (False, "fail")])
def test_pins_need_gpiozero(there: bool, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only when pins are set."""
    monkeypatch.setattr(module, "find_spec", lambda name: object() if there else None)
    assert check_gpio(s.GpioSettings(led=17)).level == level
    assert check_gpio(s.GpioSettings()).level == "ok"


def test_the_table_shows_mark_part_words_and_remedy() -> None:
    """Brackets in paths are not taken for markup, and a remedy begins a line like a sentence."""
    from rich.console import Console

    out = io.StringIO()
    findings = [Finding("disk", "fail", "a[b]/c: full", "make room"), Finding("web", "ok", "off")]
    Console(file=out, width=60).print(table(findings))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert lines == ["fails  disk  a[b]/c: full", "             Make room", "ok     web   off"]
