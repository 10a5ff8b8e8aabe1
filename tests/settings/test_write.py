"""Settings written back into config.yaml: only the value changes, every comment stays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smartselfie.errors import ConfigError
from smartselfie.settings import (
    Hold,
    Settings,
    catalogue,
    changes,
    load,
    render_config,
    set_values,
    write_values,
)
from smartselfie.settings.describe import Setting
from smartselfie.settings.file import parse
from smartselfie.settings.model import SECTIONS
from smartselfie.settings.render import as_yaml
from smartselfie.settings.write import rewrite

PATH = Path("config.yaml")


def rewritten(text: str, values: Mapping[str, object], comment: str | None = None) -> str:
    """Return a file's text with values changed."""
    return rewrite(text, PATH, values, comment)[0]


def test_only_the_value_changes() -> None:
    """The scalar is replaced at its place; comments, order and quotes around it stay."""
    text = (
        "# top\ntrigger:  # when\n    threshold: 0.60  # high\n    # hold: 5\nsaver: {quality: 90}\n# end\n"
    )
    assert rewritten(text, {"trigger.threshold": 0.7}) == text.replace("0.60", "0.7")


def test_several_values_change_at_once() -> None:
    """Values that only fit together are written together."""
    text = "trigger: {threshold: 0.6, release: 0.5}\n"
    assert rewritten(text, {"trigger.threshold": 0.4, "trigger.release": 0.2}) == (
        "trigger: {threshold: 0.4, release: 0.2}\n"
    )


def test_same_value_leaves_the_file_as_it_is() -> None:
    """Writing what is there already changes no character."""
    text = "trigger:\n  threshold: 6.0e-1\n"
    assert rewritten(text, {"trigger.threshold": 0.6}, "tuned: x") == text


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("", {"trigger.hold": 5}, "trigger:\n  hold: 5\n"),
        ("# only", {"trigger.hold": 5}, "# only\n\ntrigger:\n  hold: 5\n"),
        ("---\n", {"trigger.hold": 5}, "---\n\ntrigger:\n  hold: 5\n"),
        ("trigger:  # x", {"trigger.hold": 5}, "trigger:  # x\n  hold: 5\n"),
        ("trigger: {}", {"trigger.hold": 5}, "trigger: {hold: 5}"),
        ("trigger: {grace: 1,}", {"trigger.hold": 5}, "trigger: {grace: 1, hold: 5,}"),
        ("{trigger: {grace: 1}}", {"saver.quality": 5}, "{trigger: {grace: 1}, saver: {quality: 5}}"),
        ("{trigger: }", {"trigger.hold": 5}, "{trigger: {hold: 5} }"),
        (
            " trigger:\n   grace: 1 # g\n   # z",
            {"trigger.hold": 5},
            " trigger:\n   grace: 1 # g\n   hold: 5\n   # z",
        ),
        (
            " trigger:\n   grace: 1",
            {"web.enabled": True},
            " trigger:\n   grace: 1\n\n web:\n   enabled: true\n",
        ),
        ("trigger:\r\n  grace: 1\r\n", {"trigger.hold": 5}, "trigger:\r\n  grace: 1\r\n  hold: 5\r\n"),
        (
            "trigger: {grace: 1}\n...\n",
            {"web.enabled": True},
            "trigger: {grace: 1}\n\nweb:\n  enabled: true\n...\n",
        ),
        ("moment: null # off\n", {"moment.keep": 2}, "moment:  # off\n  keep: 2\n"),
        ("{moment: null}\n", {"moment.keep": 2}, "{moment: {keep: 2}}\n"),
    ],
)
def test_missing_setting_is_added(text: str, values: dict[str, object], expected: str) -> None:
    """A setting or section that is not in the file is put where it belongs, in the file's own style."""
    assert rewritten(text, values) == expected


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("trigger:\n  release:  # r\n", {"trigger.release": 0.1}, "trigger:\n  release: 0.1  # r\n"),
        ("trigger: {release}", {"trigger.release": 0.1}, "trigger: {release: 0.1}"),
        ("trigger: {'release':}", {"trigger.release": 0.1}, "trigger: {'release': 0.1}"),
        (
            "saver:\n  name: |- # n\n    abc\n  quality: 3\n",
            {"saver.name": "{ms}"},
            'saver:\n  name: "{ms}"  # n\n  quality: 3\n',
        ),
        ("saver:\n  name: 'a\n    b' # n\n", {"saver.name": "c"}, "saver:\n  name: c # n\n"),
        (
            "source:\n  size: # s\n  - 640 # w\n  - 480 # h\n  fps: 5\n",
            {"source.size": [320, 240]},
            "source:\n  size: [320, 240] # h  # s # w\n  fps: 5\n",
        ),
        (
            "source: {size: [640, # w\n 480], fps: 5}\n",
            {"source.size": [320, 240]},
            "source: {size: [320, 240], fps: 5}  # w\n",
        ),
        (
            "trigger: {min_face: &a 0.2, min_relative: *a}",
            {"trigger.min_relative": 0.3},
            "trigger: {min_face: &a 0.2, min_relative: 0.3}",
        ),
    ],
)
def test_every_way_to_write_a_value_is_replaced(text: str, values: dict[str, object], expected: str) -> None:
    """Nothing, blocks, folded text, lists and aliases give way to the plain value; their comments stay."""
    assert rewritten(text, values) == expected


def test_shared_value_is_refused() -> None:
    """A value that an alias repeats elsewhere is not changed: it would change that too."""
    text = "trigger: {min_face: &a 0.2, min_relative: *a}"
    with pytest.raises(ConfigError, match=r"config.yaml: .* trigger.min_face must be changed by hand"):
        rewritten(text, {"trigger.min_face": 0.3})


def test_refused_value_changes_nothing(tmp_path: Path) -> None:
    """A value out of range leaves the file as it was."""
    path = tmp_path / "config.yaml"
    path.write_text("trigger: {threshold: 0.5}")
    with pytest.raises(ConfigError, match=r"trigger.threshold: got 2; must be"):
        write_values(path, {"trigger.threshold": 2})
    assert path.read_text() == "trigger: {threshold: 0.5}"


def test_broken_file_is_not_touched(tmp_path: Path) -> None:
    """A file with a mistake is reported, not repaired."""
    path = tmp_path / "config.yaml"
    path.write_text("trigger: {treshold: 0.5}")
    with pytest.raises(ConfigError, match="did you mean 'threshold'"):
        write_values(path, {"trigger.threshold": 0.7})
    assert path.read_text() == "trigger: {treshold: 0.5}"


def test_moment_is_switched_off_and_on_with_its_comments() -> None:
    """Switching the section off turns its lines into comments; on again it has its defaults."""
    text = "moment:  # m\n  # x\n  before: 100ms  # y\n\n  after: 50ms\n# z\nweb: {}\n"
    off = rewritten(text, {"moment": False})
    assert off == "moment: null  # m\n  # x\n  # before: 100ms  # y\n\n  # after: 50ms\n# z\nweb: {}\n"
    assert parse(rewritten(off, {"moment": True}), PATH).moment == Settings().moment
    assert rewritten("moment: {keep: 2} # c\n", {"moment": False}) == "moment: null  # {keep: 2} # c\n"
    assert rewritten("{moment: {keep: 2}}", {"moment": None}) == "{moment: null}"
    assert rewritten("{web: {}}", {"moment": None}) == "{web: {}, moment: null}"
    assert rewritten("web: {}\n", {"moment": None}) == "web: {}\n\nmoment: null\n"
    assert rewritten("moment: null\n", {"moment.keep": 2, "moment": False}) == "moment: null\n"
    assert rewritten("moment: null\n", {"moment": True, "moment.keep": 2}) == "moment: {keep: 2}\n"


def test_comment_says_where_values_come_from() -> None:
    """A comment is put above the first changed key of a section; the older one of its kind goes."""
    text = "trigger:\n  threshold: 0.6  # a\n  hold: 10\n"
    once = rewritten(text, {"trigger.threshold": 0.5, "trigger.hold": 8}, "tuned: on 3 clips")
    assert once == "trigger:\n  # tuned: on 3 clips\n  threshold: 0.5  # a\n  hold: 8\n"
    twice = rewritten(once, {"trigger.threshold": 0.4}, "tuned: on 4 clips\nx")
    assert twice == "trigger:\n  # tuned: on 4 clips x\n  threshold: 0.4  # a\n  hold: 8\n"


def test_paths_stay_relative(tmp_path: Path) -> None:
    """A relative path is written as it was given, and means the file's folder."""
    path = tmp_path / "config.yaml"
    written = write_values(path, {"saver.folder": "out"})
    assert written.saver.folder == tmp_path / "out"
    assert path.read_text() == "saver:\n  folder: out\n"


def test_file_is_replaced_whole_with_its_mode(tmp_path: Path) -> None:
    """The new file has the old one's permissions, nothing is left beside it, and a link stays a link."""
    path = tmp_path / "elsewhere" / "real.yaml"
    path.parent.mkdir()
    path.write_text("trigger: {grace: 1}\n")
    path.chmod(0o640)
    link = tmp_path / "config.yaml"
    link.symlink_to(path)
    inode = path.stat().st_ino
    written = write_values(link, {"trigger.grace": 2})
    assert written == load(link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.stat().st_ino != inode
    assert [file.name for file in path.parent.iterdir()] == ["real.yaml"]
    assert load(link).trigger.grace == 2


def test_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A folder that is not there is one clear line."""
    with pytest.raises(ConfigError, match=r"config.yaml: cannot be written: No such file or directory"):
        write_values(tmp_path / "nowhere" / "config.yaml", {"trigger.grace": 2})


def test_a_setting_of_another_kind_is_refused() -> None:
    """What the chosen kind does not have is not written; the kind itself is, with settings it has."""
    with pytest.raises(ConfigError, match=r"detector\.min_neighbors is no setting of kind yunet"):
        rewritten("detector: {kind: yunet, model: a.onnx}", {"detector.min_neighbors": 3})
    text = rewritten("detector: {kind: haar}", {"detector.kind": "yunet", "detector.model": "a.onnx"})
    assert text == "detector: {kind: yunet, model: a.onnx}"


def test_every_setting_is_written_into_the_documented_file() -> None:
    """In the commented config.yaml each setting's own line changes, and no other."""
    text = render_config()
    examples = {key: setting.example for key, setting in catalogue().items() if setting.example is not None}
    lines = rewritten(text, examples).splitlines()
    different = [new for old, new in zip(text.splitlines(), lines, strict=True) if old != new]
    assert [line.split(":")[0].strip() for line in different] == [key.partition(".")[2] for key in examples]


WORDS = st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=12)


def values_of(setting: Setting) -> st.SearchStrategy[object]:
    """Generate values that a setting takes."""
    match setting.kind:
        case "number" | "integer" | "duration" | "size":
            low = setting.minimum if setting.minimum is not None else setting.above or 0
            high = setting.maximum if setting.maximum is not None else low + 10**6
            whole = st.integers(int(low) + 1, int(high)) if int(high) > int(low) else st.just(int(high))
            floats = st.floats(low, high, exclude_min=setting.minimum is None)
            values = floats if setting.kind in ("number", "duration") else whole
        case "switch" | "auto_switch":
            values = st.booleans()
        case "choice":
            values = st.sampled_from(setting.choices)
        case "hold":
            values = st.integers(1, 1000) | st.sampled_from(["400ms", "1.25s", Hold(seconds=0.1)])
        case "policy":
            values = st.sampled_from(["any", "all", "largest"]) | st.integers(1, 50)
        case "text":
            values = WORDS
        case "texts":
            values = st.lists(WORDS, max_size=3)
        case _:
            values = st.just(setting.default)
    return values | st.none() if setting.nullable else values


KINDS = {"detector.kind", "classifier.kind"}
"""Which settings there are depends on these."""
KEYS = [key for key, setting in catalogue().items() if setting.kind != "section" and key not in KINDS]
VALUES = st.dictionaries(st.sampled_from(KEYS), st.none(), max_size=8).flatmap(
    lambda keys: st.fixed_dictionaries({key: values_of(catalogue()[key]) for key in keys})
)


@st.composite
def configs(draw: st.DrawFn) -> str:
    """Generate valid config files in many layouts, with comments everywhere one may stand."""
    values = draw(VALUES)
    try:
        whole = set_values(Settings(), values)
    except ConfigError:
        assume(False)
    count = iter(range(10_000))

    def comment() -> str:
        return draw(st.sampled_from(["", "", f"  # c{next(count)}: {{[#"]))

    eol = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    lines = [comment().strip()]
    for section in draw(st.permutations(list(SECTIONS))):
        keys = [key for key in values if key.startswith(f"{section}.")]
        entries = [f"{key.partition('.')[2]}: {as_yaml(key, whole.value(key))}" for key in keys]
        if draw(st.booleans()):
            between = draw(st.sampled_from([", ", f",{eol}    "]))
            lines += (
                [f"{section}: {{{between.join(entries)}}}{comment()}"] if entries else [comment().strip()]
            )
        elif entries:
            lines += [f"{section}:{comment()}", *(f"   {entry}{comment()}" for entry in entries)]
            lines += [draw(st.sampled_from(["", "   "])) + comment().strip()]
        elif draw(st.booleans()):
            lines += [f"{section}:{comment()}"]
    return eol.join(lines) + draw(st.sampled_from(["", eol]))


@settings(max_examples=80, deadline=None)
@given(configs(), st.sampled_from(KEYS), st.data())
def test_any_config_rewritten_differs_in_the_value_alone(text: str, key: str, data: st.DataObject) -> None:
    """Any valid file with a value changed loads back with that value, all others and all comments."""
    before = parse(text, PATH)
    value = data.draw(values_of(catalogue()[key]))
    try:
        wanted = set_values(before, {key: value})
    except ConfigError:
        assume(False)
    new = rewritten(text, {key: value})
    after = parse(new, PATH)
    assert after.value(key) == wanted.value(key)
    assert set(changes(before, after)) <= {key}
    assert after.explicit == before.explicit | {key}
    assert re.findall("# c[0-9]+: {\\[#", new) == re.findall("# c[0-9]+: {\\[#", text)
    assert ("\r\n" in text) == ("\r\n" in new) or "\n" not in text
