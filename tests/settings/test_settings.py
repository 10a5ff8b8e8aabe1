"""The settings' values and models: defaults, rules, what differs between two of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from smartselfie.daemon.parts import build_rules
from smartselfie.errors import ConfigError
from smartselfie.schema.values import format_duration, format_size, parse_duration, parse_size
from smartselfie.settings import (
    Hold,
    Settings,
    catalogue,
    changes,
    controls,
    load,
    needs_restart,
    parse_listen,
    plain,
    render_config,
    set_values,
)
from smartselfie.settings.render import as_yaml

ROOT = Path(__file__).parents[2]


def test_defaults_are_those_of_the_documentation() -> None:
    """Without a file the trigger wants ten frames of P(happy) >= 0.9, and pictures go to images_clicked."""
    settings = load()
    assert settings.trigger.threshold == 0.9
    assert settings.trigger.hold == Hold(frames=10)
    assert settings.saver.folder == Path.cwd() / "images_clicked"
    assert settings.explicit == frozenset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("400ms", 0.4), ("2s", 2), ("1.5 s", 1.5), ("1m", 60), ("2h", 7200), ("7d", 604800), (".5s", 0.5)],
)
def test_duration_is_read_from_text(text: str, seconds: float) -> None:
    """Text with a unit becomes seconds."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "s", "2 parsecs", "-1s", "1e3s", "2S", "1s 2s"])
def test_other_text_is_no_duration(text: str) -> None:
    """Text without a number and a known unit is refused."""
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@given(st.floats(min_value=0, max_value=1e12))
def test_written_duration_reads_back(seconds: float) -> None:
    """What `format_duration` writes is read back exactly."""
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.integers(min_value=0, max_value=10**18))
def test_written_size_reads_back(size: int) -> None:
    """What `format_size` writes is read back exactly."""
    assert parse_size(format_size(size)) == size


def test_size_has_decimal_units() -> None:
    """500MB are 500,000,000 bytes, as on a disk's box."""
    assert parse_size("500MB") == 500_000_000
    assert parse_size("1.5 gb") == 1_500_000_000


def test_hold_tells_frames_from_time() -> None:
    """A number is frames, text is time."""
    assert Hold.parse(12) == Hold(frames=12)
    assert Hold.parse("400ms") == Hold(seconds=0.4)


@pytest.mark.parametrize(
    ("frames", "seconds"), [(None, None), (10, 1.0), (0, None), (None, 0.0), (None, 61.0)]
)
def test_hold_is_either_frames_or_seconds(frames: int | None, seconds: float | None) -> None:
    """A hold has exactly one of the two, within its range."""
    with pytest.raises(ValueError, match="need"):
        Hold(frames=frames, seconds=seconds)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("[::1]:80", ("::1", 80)),
        (":0", ("0.0.0.0", 0)),
        ("booth.local:443", ("booth.local", 443)),
    ],
)
def test_listen_is_split_into_host_and_port(text: str, address: tuple[str, int]) -> None:
    """Names, IPv4, IPv6 in brackets and no host at all are taken."""
    assert parse_listen(text) == address


@pytest.mark.parametrize("text", ["8000", "host", "host:99999", "http://host:80", "a b:80", "host:"])
def test_other_text_is_no_address(text: str) -> None:
    """Text that is not HOST:PORT is refused."""
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse_listen(text)


def test_release_is_two_thirds_of_the_threshold_unless_given() -> None:
    """`release: null` follows the threshold."""
    settings = set_values(Settings(), {"trigger.threshold": 0.9})
    assert build_rules(settings.trigger).release_level == pytest.approx(0.6)
    given = set_values(settings, {"trigger.release": 0.1})
    assert build_rules(given.trigger).release_level == 0.1


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"trigger.release": 0.9}, "need 0 <= release < threshold <= 1, got release=0.9, threshold=0.9"),
        ({"trigger.repeat": "1s"}, "need repeat >= cooldown, got repeat=1s, cooldown=2s"),
        ({"detector.kind": "yunet"}, "kind yunet needs the path of its .onnx file in detector.model"),
        ({"gpio.led": 4, "gpio.arm": 4}, "pin 4 is already that of gpio.led"),
    ],
)
def test_rules_between_settings_are_told(values: dict[str, object], rule: str) -> None:
    """A rule that two settings break together names both values."""
    with pytest.raises(ConfigError, match=r"^[a-z.]+: ") as error:
        set_values(Settings(), values)
    assert rule in str(error.value)


def test_any_threshold_is_valid_alone() -> None:
    """No other setting's default stands in the way of a threshold in (0, 1]."""
    for threshold in (0.001, 0.1, 0.5, 1.0, 1):
        assert set_values(Settings(), {"trigger.threshold": threshold}).trigger.threshold == threshold


def test_set_values_leaves_the_rest_and_remembers_what_was_given() -> None:
    """A change keeps every other value, the folder of the file among them, and counts as given."""
    before = load(overrides=["trigger.grace=4"])
    after = set_values(before, {"trigger.threshold": 0.7})
    assert changes(before, after) == ["trigger.threshold"]
    assert after.explicit == {"trigger.grace", "trigger.threshold"}


def test_moment_is_switched_as_a_whole() -> None:
    """`moment` off is null, on again has its defaults; a setting in it turns it on."""
    off = set_values(Settings(), {"moment": False})
    assert off.moment is None
    assert off.explicit == {"moment"}
    on = set_values(off, {"moment": True})
    assert on.moment == Settings().moment
    kept = set_values(off, {"moment.keep": 3})
    assert kept.moment is not None
    assert kept.moment.keep == 3
    assert changes(off, kept) == ["moment"]


def test_restart_is_needed_for_some_changes_only() -> None:
    """The threshold applies at once, the source's frame rate after a restart."""
    before = Settings()
    after = set_values(before, {"trigger.threshold": 0.7, "source.fps": 15})
    assert needs_restart(before, after) == ["source.fps"]


def test_value_is_found_by_its_key() -> None:
    """Dotted keys reach every value; unknown ones are a KeyError."""
    settings = Settings()
    assert settings.value("trigger.threshold") == 0.9
    assert settings.value("moment") is True
    assert set_values(settings, {"moment": None}).value("moment.keep") is None
    for key in ("trigger.nothing", "nothing", "trigger.threshold.x"):
        with pytest.raises(KeyError):
            settings.value(key)


@pytest.mark.parametrize(
    ("key", "title"),
    [
        ("performance.cpu_budget", "CPU budget"),
        ("gpio.led", "LED"),
        ("web.tls", "TLS"),
        ("web.public_url", "Public URL"),
        ("performance.max_fps", "Max frame rate"),
    ],
)
def test_titles_are_written_as_people_write_them(key: str, title: str) -> None:
    """Abbreviations in capitals, fps in words."""
    assert catalogue()[key].title == title


def test_every_setting_is_described() -> None:
    """Each setting of the models has words for what it does and what it takes, and its default is in them."""
    for key, setting in catalogue().items():
        assert setting.help.endswith("."), key
        assert all([setting.takes, setting.brief, setting.title]), key
        if setting.example is not None:
            changed = {key: setting.example} if key != "detector.model" else {}
            set_values(Settings(), changed)


def test_controls_are_json_and_keep_secrets() -> None:
    """The page gets every public setting with its value, and neither paths nor who may connect."""
    listed = {str(control["key"]): control for control in controls(load())}
    text = json.dumps(listed)
    assert listed["trigger.threshold"]["exclusive_minimum"] == 0
    assert listed["trigger.threshold"]["maximum"] == 1
    assert listed["trigger.cooldown"]["unit"] == "seconds"
    assert listed["saver.format"]["choices"] == ["jpg", "png"]
    assert listed["moment"]["value"] is True
    assert str(Path.cwd()) not in text
    assert not {"web.password", "saver.folder", "source.use", "web.listen"} & listed.keys()


def test_values_in_json_are_taken_back() -> None:
    """What `controls` shows can be set again unchanged."""
    settings = Settings()
    shown = {str(control["key"]): json.loads(json.dumps(control["value"])) for control in controls(settings)}
    assert changes(settings, set_values(settings, shown)) == []


def test_values_in_yaml_are_taken_back() -> None:
    """What `as_yaml` writes of each default is read back as that default."""
    for key, setting in catalogue().items():
        if setting.kind != "section":
            assert plain(load(overrides=[f"{key}={as_yaml(key, setting.default)}"]).value(key)) == plain(
                load().value(key)
            ), key


def test_rendered_config_is_the_one_in_the_repository() -> None:
    """config.yaml at the top is what the models say; `smartselfie init` writes the same."""
    assert (ROOT / "config.yaml").read_text(encoding="utf-8") == render_config()


def test_rendered_config_says_all_defaults() -> None:
    """The commented file gives every setting, each with its default, in lines that fit a screen."""
    text = render_config()
    settings = load(ROOT / "config.yaml")
    assert changes(settings, set_values(load(), {})) == []
    assert settings.explicit == {key for key, setting in catalogue().items() if setting.kind != "section"}
    assert max(map(len, text.splitlines())) <= 100
    assert list(yaml.safe_load(text)) == list(Settings.model_fields)
