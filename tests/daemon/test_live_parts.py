"""What a change of settings means: every setting that is marked live reaches the part it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from smartselfie import settings as s
from smartselfie.daemon.app import App, RunOptions
from smartselfie.daemon.live_parts import LiveNearMisses, LiveWindow
from smartselfie.settings import Settings, catalogue, load, needs_restart, set_values
from tests.shared import ROOT

PINNED = ROOT / "tests" / "data" / "pinned.tflite"


@dataclass
class Running:
    """The program, with a window whose switches can be looked at."""

    app: App
    controls: SimpleNamespace

    def part(self, key: str) -> object:
        """What the part that a setting is about goes by now."""
        section, _, name = key.partition(".")
        probe = PROBES.get(key) or PROBES[section]
        return probe(self, name)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The demo, opened once for all of these tests."""
    folder = tmp_path_factory.mktemp("pictures")
    given = ["source.use=demo", "source.size=[640, 480]", "window.show=false", f"saver.folder={folder}"]
    with App(s.load(None, [*given, f"classifier.model={PINNED}"]), RunOptions()) as app:
        controls = SimpleNamespace(mirror=True, overlay=True, fullscreen=False)
        app.parts.append(LiveWindow(SimpleNamespace(controls=controls)))  # type: ignore[arg-type]
        yield Running(app, controls)


def rule(running: Running, name: str) -> object:
    """A rule of the trigger."""
    return getattr(running.app.loop.analysis.trigger.rules, name)


def moment(running: Running, name: str) -> object:
    """A value of the moment; None when there is none."""
    return getattr(running.app.loop.moment, name, None)


def near_misses(running: Running, name: str) -> object:
    """How many near misses are kept."""
    (keeper,) = (part for part in running.app.parts if isinstance(part, LiveNearMisses))
    return keeper.kept


PROBES: dict[str, Callable[[Running, str], object]] = {
    "trigger": rule,
    "trigger.hold": lambda running, name: s.Hold(rule(running, "hold_frames"), rule(running, "hold_seconds")),  # type: ignore[arg-type]
    "moment": moment,
    "saver": lambda running, name: getattr(running.app.saver.options, name),
    "storage": lambda running, name: getattr(running.app.saver.limits, name),
    "storage.near_misses": near_misses,
    "window": lambda running, name: getattr(running.controls, name),
    "performance": lambda running, name: getattr(running.app.pace, name),
}
"""Where a setting is felt, by its key or its section."""

CHANGED: dict[str, object] = {
    "trigger.hold": "400ms",
    "trigger.policy": "all",
    "trigger.rule": "frames",
    "trigger.release": 0.2,
    "trigger.repeat": "10s",
    "saver.name": "party-{counter}",
    "saver.format": "png",
    "storage.when_full": "remove_oldest",
    "storage.max_size": 10**12,
    "storage.max_age": "99d",
    "performance.cpu_budget": 0.5,
}
"""A value that is allowed beside all defaults, where half or twice the default is none."""


def another(key: str) -> object:
    """A value that the setting does not have by default."""
    setting = catalogue()[key]
    match CHANGED.get(key, setting.default):
        case bool() as switch:
            return not switch
        case None:
            return 1
        case int() | float() as number if key not in CHANGED:
            most = setting.maximum if setting.maximum is not None else float("inf")
            return type(number)(number * 2 if number and number * 2 <= most else number / 2 or 1)
        case value:
            return value


LIVE = [key for key, setting in catalogue().items() if setting.live and setting.kind != "section"]


@pytest.mark.parametrize("key", LIVE)
def test_a_live_setting_reaches_its_part(running: Running, key: str) -> None:
    """Changed in the running program, the part goes by the new value, and by the old when changed back."""
    default = running.app.settings.value(key)
    before = running.part(key)
    running.app.live_settings.change({key: another(key)})
    wanted = running.app.settings.value(key)
    assert wanted != default, "the change was refused"
    assert running.part(key) == wanted
    running.app.live_settings.change({key: default})
    assert running.part(key) == before


def test_the_moment_goes_and_comes_back(running: Running) -> None:
    """`moment: null` takes plainly the frame that fires."""
    running.app.live_settings.change({"moment": False})
    assert running.app.loop.moment is None
    running.app.live_settings.change({"moment": True})
    assert running.app.loop.moment is not None


def test_what_the_trigger_decides_reaches_its_neighbours(running: Running) -> None:
    """The tracker forgets with the trigger, the detector looks for what may take part, pictures note both."""
    analysis = running.app.loop.analysis
    smallest = analysis.detector.smallest
    running.app.live_settings.change({"trigger.leave_after": 2.5, "trigger.min_face": 0.2})
    assert analysis.tracker.leave_after == 2.5
    assert analysis.detector.smallest == pytest.approx(2 * smallest)
    assert running.app.saver.options.trigger["min_face"] == 0.2
    running.app.live_settings.change({"trigger.leave_after": 1.0, "trigger.min_face": 0.1})


def test_the_moment_knows_when_a_smile_is_over(running: Running) -> None:
    """`trigger.release` is a matter of the moment too."""
    running.app.live_settings.change({"trigger.release": 0.2})
    assert moment(running, "release") == 0.2
    running.app.live_settings.change({"trigger.release": None})


def test_a_moment_that_may_repeat_holds_frames(running: Running) -> None:
    """`trigger.repeat` is a matter of the moment too."""
    running.app.live_settings.change({"trigger.repeat": "10s"})
    assert moment(running, "_repeats")
    running.app.live_settings.change({"trigger.repeat": None})
    assert not moment(running, "_repeats")


FIXED = [key for key, setting in catalogue().items() if not setting.live and setting.kind != "section"]
GIVEN: dict[str, object] = {
    "detector.kind": None,
    "classifier.kind": None,
    "detector.scale_factor": 1.5,
    "source.size": [320, 240],
    "source.rotate": 90,
    "source.use": "demo",
    "classifier.classes": ["neutral", "angry", "disgust", "fear", "happy", "sad", "surprise"],
    "classifier.scaling": "0..1",
    "trigger.expression": "surprise",
    "window.show": False,
    "web.listen": "127.0.0.1:9",
    "web.require_password": "always",
    "web.tls": ["a", "b"],
    "source.tls": {"verify": False},
    "web.public_url": "https://x",
    "web.allowed_hosts": ["x"],
    "web.password": "x",
}


@pytest.mark.parametrize("key", [key for key in FIXED if GIVEN.get(key, "") is not None])
def test_any_other_setting_needs_a_restart(key: str) -> None:
    """A change of it is reported so, and nothing else is."""
    setting = catalogue()[key]
    value = GIVEN.get(key, "other" if setting.kind == "path" else None)
    before = load()
    after = set_values(before, {key: another(key) if value is None else value})
    assert needs_restart(before, after) == [key]


def test_near_misses_that_are_not_wanted_cost_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    """With 0 there is neither a thread nor a folder."""
    folder = tmp_path_factory.mktemp("none")
    keeper = LiveNearMisses(
        set_values(Settings(), {"saver.folder": str(folder)}), lambda event, /, **fields: None
    )
    assert keeper.kept == 0
    assert list(folder.iterdir()) == []
