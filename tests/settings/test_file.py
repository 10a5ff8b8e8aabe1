"""Reading config.yaml and --set: every mistake at once, by file, line, key and remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smartselfie.errors import ConfigError
from smartselfie.settings import Hold, Settings, catalogue, load, render_config, set_values
from smartselfie.settings.file import parse
from smartselfie.settings.model import SECTIONS

PATH = Path("config.yaml")
POLICY = "any, all, largest or a count of faces from 1 to 50"


def mistakes(text: str, *overrides: str) -> list[str]:
    """Return the lines of the error that a file's text and overrides give."""
    with pytest.raises(ConfigError) as error:
        parse(text, PATH, overrides)
    return str(error.value).splitlines()


def outcome(make: Callable[[], Settings]) -> list[str]:
    """Return the lines of the ConfigError that `make` raises, none where it succeeds."""
    try:
        make()
    except ConfigError as error:
        return str(error).splitlines() or ["an empty message"]
    return []


def test_values_of_a_file_are_taken() -> None:
    """Sections in block or flow style give their values; the rest keeps its defaults."""
    loaded = parse("trigger: {hold: 400ms, policy: 2}\nsource:\n  use: 0\n  size: [640, 480]\n", PATH)
    assert loaded.trigger.hold == Hold(seconds=0.4)
    assert loaded.trigger.policy == 2
    assert loaded.source.use == 0
    assert loaded.source.size == (640, 480)
    assert loaded.trigger.threshold == 0.9
    assert loaded.explicit == {"trigger.hold", "trigger.policy", "source.use", "source.size"}


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# only a comment\n", "---\n", "{}", "trigger:\n", "\ufefftrigger: {}"]
)
def test_empty_file_means_defaults(text: str) -> None:
    """Nothing, comments and empty sections are a valid file."""
    assert parse(text, PATH) == load()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("treshold: 0.7", "trigger.treshold: unknown setting; did you mean 'threshold'?"),
        ("quality: 3", "trigger.quality: unknown setting; did you mean 'saver.quality'?"),
        ("threshold: 1.5", "trigger.threshold: got 1.5; must be a number greater than 0 and at most 1"),
        ("threshold: 0", "trigger.threshold: got 0; must be a number greater than 0 and at most 1"),
        ("threshold: .nan", "trigger.threshold: got .nan; must be a number greater than 0 and at most 1"),
        ("threshold: '0.5'", "trigger.threshold: got 0.5; must be a number greater than 0 and at most 1"),
        ("threshold:", 'trigger.threshold: got ""; must be a number greater than 0 and at most 1'),
        ("grace: 2.5", "trigger.grace: got 2.5; must be a whole number from 0 to 100"),
        ("grace: 010", "trigger.grace: got 010; YAML reads it as octal: write it without the leading 0"),
        (
            "grace: on",
            "trigger.grace: got on; must be a whole number from 0 to 100 (YAML reads that as true)",
        ),
        (
            "cooldown: 1:30",
            "trigger.cooldown: got 1:30; YAML reads it as 90: write that, or put it in quotes",
        ),
        ("policy: some", f"trigger.policy: got some; must be {POLICY}"),
        ("policy: 0", f"trigger.policy: got 0; must be {POLICY}"),
        ("policy: yes", f"trigger.policy: got yes; must be {POLICY} (YAML reads that as true)"),
        (
            "hold: {frames: 3}",
            "trigger.hold: got a mapping; must be a number of frames from 1 to 1000, "
            "or a time such as 400ms of at most 1m",
        ),
        (
            "release: 0.95",
            "trigger.release: need 0 <= release < threshold <= 1, got release=0.95, threshold=0.9",
        ),
        (
            "hold: !!python/name:os.system x",
            "trigger.hold: got the tag 'tag:yaml.org,2002:python/name:os.system'; remove the tag",
        ),
        (
            "<<: 3",
            "trigger.<<: unknown setting; trigger has threshold, expression, rule, certainty, model, "
            "release, hold, hold_rate, grace, leave_after, cooldown, repeat, policy, min_face, min_relative, "
            "min_presence, min_score, together, countdown",
        ),
    ],
)
def test_mistake_names_line_key_and_remedy(line: str, message: str) -> None:
    """One wrong setting gives one line with file, line, key, what was given and what is allowed."""
    assert mistakes(f"# top\ntrigger:\n  {line}\n") == [f"config.yaml:3: {message}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("triger: {}", "config.yaml:1: triger: unknown setting; did you mean 'trigger'?"),
        ("threshold: 0.5", "config.yaml:1: threshold: unknown setting; did you mean 'trigger.threshold'?"),
        ("a: 1\na: 2", "config.yaml:2: a: given twice, first in line 1; remove one"),
        ("trigger: 5", "config.yaml:1: trigger: must be settings such as `name: value`, indented below it"),
        ("moment: 5", "config.yaml:1: moment: must be settings such as `name: value`, indented below it"),
        (
            "trigger: null",
            "config.yaml:1: trigger: must be settings such as `name: value`, indented below it",
        ),
        ("? [1, 2]\n: 3", "config.yaml:1: the name of a setting must be a word"),
        ("- a\n- b", "config.yaml:1: must be sections such as `trigger:` with settings below them"),
        ("just text", "config.yaml:1: must be sections such as `trigger:` with settings below them"),
        ("a:\n\tb: 1", "config.yaml:2: not valid YAML: a tab; indent with spaces"),
        ("a: [1,\nb", "config.yaml:2: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\n---\nb: 2", "config.yaml:2: not valid YAML: but found another document"),
        ("x: 1\ny: \x00", "config.yaml:2: a character that YAML does not allow; remove it"),
        ('a: "\\UFFFFFFFF"', "config.yaml: not valid YAML: an escape that is no character"),
        ("[" * 600, "config.yaml: nested too deeply; settings are two levels deep"),
        (
            "web: {password: 1234}",
            "config.yaml:1: web.password: got ***; must be text, or null (put it in quotes)",
        ),
        (
            "source: {rotate: off}",
            "config.yaml:1: source.rotate: got off; must be 0, 90, 180 or 270 (YAML reads that as false)",
        ),
        (
            "source: {size: [640]}",
            "config.yaml:1: source.size: got [640]; must be two whole numbers from 16 to "
            "16384: [width, height]",
        ),
        (
            "saver: {folder: 12}",
            "config.yaml:1: saver.folder: got 12; must be the path of a file or folder (put it in quotes)",
        ),
    ],
)
def test_broken_form_is_told_in_one_line(text: str, message: str) -> None:
    """What is no YAML, or YAML of another form, is one line with the line's number."""
    lines = mistakes(text)
    assert message in lines
    assert all(line.startswith("config.yaml:") for line in lines)


def test_all_mistakes_come_at_once_in_the_order_of_lines() -> None:
    """Unknown, doubled, refused and contradicting settings are told together; the command line's last."""
    text = (
        "trigger:\n  treshold: 1\n  threshold: 2\n  grace: 1\n  grace: 2\n"
        "gpio: {led: 4, arm: 4}\nsaver: {quality: 0, name: a/b}\n"
    )
    lines = mistakes(text, "trigger.hold=x", "nonsense")
    assert [line.split(": ")[0] for line in lines] == [
        "config.yaml:2",
        "config.yaml:3",
        "config.yaml:5",
        "config.yaml:6",
        "config.yaml:7",
        "config.yaml:7",
        "--set nonsense",
        "--set trigger.hold=x",
    ]


def test_refused_value_causes_no_second_mistake() -> None:
    """A release that fits the intended threshold is not blamed because the threshold is refused."""
    assert len(mistakes("trigger: {threshold: x, release: 0.7}")) == 1


def test_rule_is_checked_beside_other_mistakes() -> None:
    """A contradiction is told although another setting of the same section is refused too."""
    assert len(mistakes("trigger: {grace: x, release: 0.9}")) == 2


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/b",
        "a\\b",
        ".hidden",
        "{nothing}",
        "{date!r}",
        "{ms:3}",
        "{",
        "{0}",
        " ",
        "x" * 101,
        "a\nb",
        "{date.x}",
    ],
)
def test_name_pattern_cannot_leave_the_folder(name: str) -> None:
    """A pattern with folders, unknown fields or format codes is refused."""
    with pytest.raises(ConfigError, match=r"saver.name: got .*; must be a file name"):
        set_values(Settings(), {"saver.name": name})


def test_moment_may_be_null() -> None:
    """`moment: null` is no moment; an empty `moment:` is the default one."""
    assert parse("moment: null", PATH).moment is None
    assert parse("moment: ~", PATH).moment is None
    assert parse("moment:", PATH).moment is not None


def test_overrides_win() -> None:
    """`--set` beats the file, and the later one the earlier."""
    loaded = parse("trigger: {threshold: 0.5}", PATH, ["trigger.threshold=0.7", "trigger.threshold=0.8"])
    assert loaded.trigger.threshold == 0.8


def test_overrides_are_read_as_yaml() -> None:
    """Numbers, text, lists, null and whole sections may be set."""
    loaded = load(
        overrides=[
            "source.size=[640, 480]",
            "web.listen=0.0.0.0:80",
            "moment=null",
            "trigger.hold=400ms",
            "web.tls=",
        ]
    )
    assert loaded.source.size == (640, 480)
    assert loaded.web.listen == "0.0.0.0:80"
    assert loaded.moment is None
    assert loaded.trigger.hold == Hold(seconds=0.4)
    assert parse("moment: null", PATH, ["moment.keep=2"]).moment is not None
    assert parse("moment: {keep: 2}", PATH, ["moment=null"]).moment is None


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "trigger.threshold=abc",
            "--set trigger.threshold=abc: got abc; must be a number greater than 0 and at most 1",
        ),
        ("trigger.hol=3", "--set trigger.hol=3: unknown setting; did you mean 'hold'?"),
        ("nonsense", "--set nonsense: must be KEY=VALUE, such as trigger.threshold=0.7"),
        ("=3", "--set =3: must be KEY=VALUE, such as trigger.threshold=0.7"),
        (
            "trigger={a: 1}",
            "--set trigger={a: 1}: a section, not a setting; name one in it, such as trigger.threshold",
        ),
        ("moment=5", "--set moment=5: got 5; must be settings below it, or null"),
        (
            "source.size=[1",
            "--set source.size=[1: not valid YAML; put text with special characters in quotes",
        ),
        (
            "trigger.cooldown=1:30",
            "--set trigger.cooldown=1:30: got 1:30; YAML reads it as 90: write that, or put it in quotes",
        ),
    ],
)
def test_wrong_override_is_named(override: str, message: str) -> None:
    """A mistake on the command line shows the argument."""
    assert mistakes("", override) == [message]


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """Relative paths of a file start at its folder, those of the command line at the working folder."""
    path = tmp_path / "sub" / "config.yaml"
    path.parent.mkdir()
    (path.parent / "clip.mp4").touch()
    path.write_text("saver: {folder: out}\nclassifier: {model: /m/x.tflite}\nsource: {use: clip.mp4}\n")
    loaded = load(path, ["detector.kind=haar", "detector.cascade=my.xml"])
    assert loaded.saver.folder == path.parent / "out"
    assert loaded.classifier.model == Path("/m/x.tflite")
    assert loaded.source.use == str(path.parent / "clip.mp4")
    assert loaded.detector.cascade == Path.cwd() / "my.xml"
    assert (
        load(path, ["detector.kind=haar"]).detector.cascade
        == path.parent / "haarcascade_frontalface_default.xml"
    )
    assert set_values(loaded, {"saver.folder": "new"}).saver.folder == path.parent / "new"


@pytest.mark.parametrize("use", ["auto", "demo", "picamera", "/dev/video0", "rtsp://a/b", "missing.mp4"])
def test_names_of_sources_stay_as_they_are(use: str) -> None:
    """What is no file beside the config file is not made a path."""
    assert parse(f"source: {{use: {use!r}}}", PATH).source.use == use


def test_home_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path may begin with ~."""
    monkeypatch.setenv("HOME", "/home/somebody")
    assert parse("saver: {folder: ~/pictures}", PATH).saver.folder == Path("/home/somebody/pictures")


def test_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    """A file that was named and is not there is an error."""
    with pytest.raises(ConfigError, match=r"nothing.yaml: no such file; `smartselfie init` writes one"):
        load(tmp_path / "nothing.yaml")


def test_folder_is_no_config_file(tmp_path: Path) -> None:
    """A folder in place of a file is told in one line."""
    with pytest.raises(ConfigError, match="not a file"):
        load(tmp_path)


def test_file_in_an_impossible_place_is_told(tmp_path: Path) -> None:
    """A path through a file cannot be read, and says why."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be read: Not a directory"):
        load(tmp_path / "file" / "config.yaml")


def test_other_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are named by their line."""
    path = tmp_path / "config.yaml"
    path.write_bytes(b"trigger:\n  # gr\xfc\xdfe\n")
    with pytest.raises(ConfigError, match=r"config.yaml:2: not UTF-8 text; save it as UTF-8"):
        load(path)


def test_huge_file_is_not_read(tmp_path: Path) -> None:
    """A file of more than 1 MB is refused before it is parsed."""
    path = tmp_path / "config.yaml"
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigError, match="larger than 1 MB"):
        load(path)


def test_recursive_and_multiplied_aliases_are_harmless() -> None:
    """Aliases that contain themselves, or a billion of each other, end in an error like any other."""
    assert mistakes("trigger: &a {hold: *a}")
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join(f'*{before}' for _ in range(9))}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert len(mistakes(bomb + "source: {size: *i}")) == 10
    assert mistakes("source: {size: &a [*a, 1]}")[0].startswith(
        "config.yaml:1: source.size: got [[...], 1]; must"
    )


PIECES = st.sampled_from(
    [
        *catalogue(),
        *(key.rpartition(".")[2] for key in catalogue()),
        *(f"{section}:" for section in SECTIONS),
        *"{}[],:-?&*!|>#%@`~'",
        *("null", "yes", "off", "1:30", "010", "0x", "0b_", ".nan", ".inf", "1e999", "-1", "2", "0.5", "any"),
        *(
            "&a",
            "*a",
            "!!int x",
            "!!python/object:os.system",
            "!!binary x",
            "<<",
            "=",
            "2020-01-01",
            "400ms",
            "2GB",
        ),
        *(
            "\n",
            "\n  ",
            "\n    ",
            " ",
            ": ",
            "- ",
            "\t",
            "\r\n",
            "---\n",
            "...\n",
            "'",
            "\\",
            "\ud7ff",
            "\u2028",
            "\x85",
        ),
        "9" * 5000,
        "[" * 300,
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=30).map("".join)))
@example("a: 0x_")
@example("trigger: {threshold: 0b_}")
@example('saver: {folder: "\\0"}')
@example('saver: {name: "\\ud800"}')
@example("saver: {folder: ~nobody-of-this-name/x}")
@example("trigger: {threshold: " + "9" * 5000 + "}")
@example("trigger: {cooldown: " + "9" * 400 + "s}")
@example("trigger: {hold: " + "9" * 400 + "d}")
@example("storage: {max_size: " + "9" * 400 + "GB}")
@example("trigger: {policy: [" + "9" * 30 + "]}")
def test_any_text_gives_settings_or_a_config_error(text: str) -> None:
    """Whatever a file holds, loading it ends in settings or in lines for the user."""
    lines = outcome(lambda: parse(text, PATH))
    assert all(line.startswith("config.yaml:") and line.isprintable() for line in lines)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_damaged_config_gives_settings_or_a_config_error(data: st.DataObject) -> None:
    """The documented file with some characters removed, doubled or replaced never crashes the reader."""
    text = render_config()[:2000]
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 30)))
        text = text[:start] + data.draw(st.one_of(PIECES, st.just(text[start:end] * 2))) + text[end:]
    assert all(line.startswith("config.yaml:") for line in outcome(lambda: parse(text, PATH)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from([*catalogue(), "trigger", "x.y", ""]), JSON, max_size=4))
def test_any_json_gives_settings_or_a_config_error(values: dict[str, object]) -> None:
    """Whatever the page sends, setting it ends in settings or in lines for the user."""
    assert len(outcome(lambda: set_values(Settings(), values))) <= len(values)
