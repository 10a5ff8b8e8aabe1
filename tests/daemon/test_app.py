"""The program put together: settings in, pictures and events out."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest
from PIL import Image as Pillow

from smartselfie import settings as s
from smartselfie.commands.run import load_settings, run
from smartselfie.daemon.app import App, RunOptions, default_config
from smartselfie.daemon.live_parts import LiveWindow
from smartselfie.errors import BusyError, ConfigError, NoCameraError, UsageError
from smartselfie.outputs.health import status_name
from smartselfie.records import Arm, Change, Command, Quit, Reload, View
from smartselfie.sources.demo import SCRIPT, DemoSource
from tests.shared import ROOT

PINNED = ROOT / "tests" / "data" / "pinned.tflite"


def settings(folder: Path, *overrides: str, model: Path | None = PINNED) -> list[str]:
    """Overrides for a run of the demo into a folder."""
    given = ["source.use=demo", "source.size=[640, 480]", "window.show=false", f"saver.folder={folder}"]
    if model is not None:
        given.append(f"classifier.model={model}")
    return [*given, *overrides]


def play(folder: Path, *overrides: str, model: Path | None = PINNED) -> list[dict[str, object]]:
    """Run the demo once and return its events."""
    events = folder / "events.jsonl"
    options = RunOptions(
        overrides=tuple(settings(folder / "pictures", *overrides, model=model)), events=str(events)
    )
    assert run(options) == 0
    return [json.loads(line) for line in events.read_text().splitlines()]


def shots(events: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """The shots among events."""
    return [event for event in events if event["event"] == "shot"]


@dataclass
class Controls:
    """What the keys of a window have done."""

    mirror: bool
    overlay: bool
    fullscreen: bool


class Screen:
    """A window whose m, o and f were pressed."""

    def __init__(self) -> None:
        self.controls = Controls(mirror=False, overlay=False, fullscreen=True)


class Script:
    """A viewer that asks for things when its time has come."""

    def __init__(self, asks: dict[int, Command]) -> None:
        self.asks = asks
        self.views: list[View] = []

    def join(self, app: App) -> None:
        """Look and ask from now on."""
        app.loop.viewers.append(self.views.append)
        app.loop.ticks.append(self.ask)

    def ask(self) -> Iterable[Command]:
        """Ask for what is due at the newest frame."""
        command = self.asks.get(self.views[-1].frame.seq)
        return [] if command is None else [command]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test works in an empty folder and home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)


@pytest.fixture(scope="module")
def pinned_run(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """The events of one run of the demo through the pinned network."""
    return play(tmp_path_factory.mktemp("first"))


def test_the_demo_gives_the_same_shots_on_every_run(
    pinned_run: list[dict[str, object]], tmp_path: Path
) -> None:
    """Through the pinned network a second run decides and picks the same frames."""
    again = play(tmp_path)
    assert shots(pinned_run)
    assert [(each["seq"], each["at"], each["picked_at"]) for each in shots(again)] == [
        (each["seq"], each["at"], each["picked_at"]) for each in shots(pinned_run)
    ]


def test_the_shipped_network_fires_once_inside_each_scripted_smile(tmp_path: Path) -> None:
    """Every smile of the demo's script has one shot, and no shot is outside of one."""
    times = [float(str(shot["at"])) for shot in shots(play(tmp_path, model=None))]
    windows = [(smile.start, smile.end) for smile in SCRIPT.smiles]
    assert [sum(start <= at <= end for at in times) for start, end in windows] == [1] * len(windows)
    assert len(times) == len(windows)


def test_events_tell_the_whole_run(pinned_run: list[dict[str, object]]) -> None:
    """A run begins with `started` and ends with `stopped`, which counts the pictures."""
    assert pinned_run[0]["event"] == "started"
    assert pinned_run[-1] == {"event": "stopped", "pictures": len(shots(pinned_run))}


def test_every_shot_is_a_file_with_its_scores_inside(pinned_run: list[dict[str, object]]) -> None:
    """The file of a shot event is there, and is the size of the camera's pictures."""
    for shot in shots(pinned_run):
        with Pillow.open(str(shot["file"])) as picture:
            assert picture.size == (640, 480)
            assert b"happy" in picture.getexif().get_ifd(0x8769)[0x9286]


def test_the_saved_picture_is_clean(pinned_run: list[dict[str, object]]) -> None:
    """Nothing is drawn on it: it is the source's frame, but for JPEG's loss."""
    shot = shots(pinned_run)[0]
    source = DemoSource(size=(640, 480))
    for _ in range(int(str(shot["seq"])) + 1):
        frame = source.read()
    assert frame is not None
    saved = cv2.imread(str(shot["file"]))
    assert saved is not None
    assert cv2.PSNR(saved, frame.image) > 35


def test_save_overlay_writes_the_annotated_view_too(tmp_path: Path) -> None:
    """Beside each picture lies its copy with the overlay, and the picture stays clean."""
    play(tmp_path, "saver.save_overlay=true", "moment=null")
    pictures = sorted((tmp_path / "pictures").glob("*.jpg"))
    overlays = [path for path in pictures if path.stem.endswith("-overlay")]
    assert len(overlays) == len(pictures) / 2 > 0
    clean, drawn = (cv2.imread(str(path)) for path in (pictures[1], pictures[0]))
    assert clean is not None
    assert drawn is not None
    assert cv2.PSNR(clean, drawn) < 30


def run_app(
    app_settings: s.Settings, options: RunOptions, asks: dict[int, Command]
) -> tuple[App, list[View]]:
    """Run the demo with a viewer that asks for things."""
    script = Script(asks)
    with App(app_settings, options) as app:
        script.join(app)
        app.run()
    return app, script.views


def test_a_change_applies_at_once(tmp_path: Path) -> None:
    """The frame after a change of the threshold is judged by the new one."""
    given = s.load(None, settings(tmp_path, "trigger.rule=frames"))
    app, views = run_app(given, RunOptions(), {3: Change({"trigger.threshold": 0.7}), 6: Quit()})
    assert [view.threshold for view in views] == [0.9] * 4 + [0.7] * 3
    assert app.settings.trigger.threshold == 0.7


def test_a_bad_change_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    """A value out of range is an event, and the settings stay."""
    events = tmp_path / "events"
    given = s.load(None, settings(tmp_path))
    app, _ = run_app(given, RunOptions(events=str(events)), {1: Change({"trigger.threshold": 7}), 3: Quit()})
    assert app.settings.trigger.threshold == 0.9
    refused = [json.loads(line) for line in events.read_text().splitlines()]
    assert [event["event"] for event in refused] == ["started", "config_refused", "stopped"]
    assert "trigger.threshold" in refused[1]["errors"][0]


def test_a_reload_reads_the_file_again(tmp_path: Path) -> None:
    """What the file now says applies; what only a restart applies is named."""
    config = tmp_path / "config.yaml"
    config.write_text("trigger: {threshold: 0.5}\ndetector: {kind: haar}\n")
    events = tmp_path / "events"
    overrides = tuple(settings(tmp_path))
    with App(s.load(config, overrides), RunOptions(config, overrides, str(events))) as app:
        config.write_text("trigger: {threshold: 0.8}\ndetector: {kind: haar, rescan: 7}\n")
        app.send(Reload())
        Script({2: Quit()}).join(app)
        app.run()
        assert app.settings.trigger.threshold == 0.8
    reloaded = json.loads(events.read_text().splitlines()[1])
    assert reloaded["changed"] == ["detector.rescan", "trigger.threshold"]
    assert reloaded["needs_restart"] == ["detector.rescan"]


def test_a_reload_keeps_what_was_changed_and_not_saved(tmp_path: Path) -> None:
    """A change by key or page survives a reload that is about something else."""
    config = tmp_path / "config.yaml"
    config.write_text("trigger: {threshold: 0.5}\n")
    overrides = tuple(settings(tmp_path))
    with App(s.load(config, overrides), RunOptions(config, overrides)) as app:
        app.send(Change({"trigger.threshold": 0.7}))
        config.write_text("trigger: {threshold: 0.5, grace: 5}\n")
        app.send(Reload())
        Script({2: Quit()}).join(app)
        app.run()
        assert (app.settings.trigger.threshold, app.settings.trigger.grace) == (0.7, 5)


def test_a_broken_file_changes_nothing_while_running(tmp_path: Path) -> None:
    """A reload of a broken file leaves the last good settings."""
    config = tmp_path / "config.yaml"
    config.write_text("trigger: {threshold: 0.5}\n")
    overrides = tuple(settings(tmp_path))
    with App(s.load(config, overrides), RunOptions(config, overrides)) as app:
        config.write_text("trigger: {treshold: 0.8}\n")
        app.send(Reload())
        Script({2: Quit()}).join(app)
        app.run()
        assert app.settings.trigger.threshold == 0.5


def test_a_disarmed_program_takes_no_picture(tmp_path: Path) -> None:
    """Disarmed from the first frame on, the demo's first smile is not taken."""
    given = s.load(None, settings(tmp_path))
    app, _ = run_app(given, RunOptions(), {0: Arm(False), 130: Quit()})
    assert app.saver.saved == 0


def test_a_part_that_fails_closes_those_before_it(tmp_path: Path) -> None:
    """When the source does not open, the saver has given the folder's lock back."""
    folder = tmp_path / "pictures"
    wrong = s.load(None, [*settings(folder), "source.use=/nowhere.mp4"])
    with pytest.raises(OSError, match="nowhere"), App(wrong, RunOptions()):
        pass
    app, _ = run_app(s.load(None, settings(folder)), RunOptions(), {1: Quit()})
    assert app.saver.saved == 0


def test_no_camera_is_its_own_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`auto` without any camera raises NoCameraError, whose exit code is 3."""
    monkeypatch.setattr("smartselfie.sources.devices.cameras", list)
    given = s.load(None, [*settings(tmp_path), "source.use=auto"])
    with pytest.raises(NoCameraError, match="demo") as caught, App(given, RunOptions()):
        pass
    assert caught.value.exit_code == 3


def test_safe_starts_on_defaults_with_a_broken_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With --safe the mistake is said and the defaults are used; without, it is refused."""
    config = tmp_path / "config.yaml"
    config.write_text("trigger: {treshold: 0.8}\n")
    logging.getLogger("smartselfie").propagate = True
    assert load_settings(RunOptions(config, safe=True)).trigger.threshold == 0.9
    assert "treshold" in caplog.text
    with pytest.raises(ConfigError, match="treshold"):
        load_settings(RunOptions(config))


def test_the_settings_file_of_the_working_folder_comes_first(tmp_path: Path) -> None:
    """./config.yaml, else the user's own, else none."""
    assert default_config() is None
    own = Path(os.environ["XDG_CONFIG_HOME"]) / "smartselfie" / "config.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("")
    assert default_config() == own
    Path("config.yaml").write_text("")
    assert default_config() == Path("config.yaml")


def test_events_that_cannot_be_written_are_refused_at_start(tmp_path: Path) -> None:
    """--events into a missing folder is wrong usage, said in one line."""
    given = s.load(None, settings(tmp_path))
    with pytest.raises(UsageError, match="--events"), App(given, RunOptions(events="/nowhere/events")):
        pass


def test_commands_of_other_threads_wait_in_a_bounded_queue(tmp_path: Path) -> None:
    """Nobody can fill the memory with commands."""
    with App(s.load(None, settings(tmp_path)), RunOptions()) as app:
        for _ in range(app.commands.maxsize):
            app.send(Reload())
        with pytest.raises(BusyError, match="busy"):
            app.send(Reload())


def test_a_change_of_something_else_leaves_what_the_keys_did(tmp_path: Path) -> None:
    """Mirror, overlay and full screen follow the settings only when these change."""
    given = s.load(None, settings(tmp_path))
    with App(given, RunOptions()) as app:
        window = Screen()
        app.parts.append(LiveWindow(window))  # type: ignore[arg-type]
        app.live_settings.change({"trigger.threshold": 0.7})
        assert window.controls == Controls(mirror=False, overlay=False, fullscreen=True)
        app.live_settings.change({"window.mirror": False})
        app.live_settings.change({"window.mirror": True})
        assert window.controls.mirror


def test_a_moment_that_is_switched_on_has_the_files_settings(tmp_path: Path) -> None:
    """From `moment: null` to a section of its own: every value of it counts."""
    config = tmp_path / "config.yaml"
    config.write_text("moment: null\n")
    overrides = tuple(settings(tmp_path))
    with App(s.load(config, overrides), RunOptions(config, overrides)) as app:
        config.write_text("moment: {keep: 2}\n")
        app.live_settings.reload()
        assert app.settings.moment is not None
        assert app.settings.moment.keep == 2


def test_near_misses_are_kept(tmp_path: Path) -> None:
    """With `storage.near_misses` a smile that fired nothing leaves a picture in a folder of its own."""
    play(tmp_path, "storage.near_misses=5", "trigger.threshold=1", "trigger.release=0.1")
    assert list((tmp_path / "pictures" / "near_misses").glob("*.jpg"))


def test_the_password_of_a_stream_is_told_to_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events and the status file name the source without user and password."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    events = tmp_path / "events"
    url = "http://user:secret@127.0.0.1:9/stream"
    given = s.load(None, [*settings(tmp_path), f'source.use="{url}"'])
    status = tmp_path / "run" / status_name(tmp_path)
    kept = []

    def read() -> Iterable[Command]:
        if not status.exists():  # its thread has not written it yet
            return ()
        kept.append(status.read_text())
        return (Quit(),)

    with App(given, RunOptions(events=str(events), wait=True)) as app:
        app.loop.ticks.append(read)
        app.run()
    told = json.loads(events.read_text().splitlines()[0])
    assert told["source"] == json.loads(kept[0])["source"] == "http://127.0.0.1:9/stream"
    assert "secret" not in events.read_text() + kept[0]
