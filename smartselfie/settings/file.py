"""config.yaml and `--set` to settings, with every mistake named at once by file, line, key and remedy."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import ValidationError

from smartselfie.errors import ConfigError
from smartselfie.outputs import OUTPUTS
from smartselfie.redact import redact
from smartselfie.schema.fields import Section
from smartselfie.settings.describe import Setting, catalogue, describe_setting, described, plain
from smartselfie.settings.document import SECRET, Given, read, read_items, read_scalar, shorten
from smartselfie.settings.model import (
    FAMILIES,
    LIST,
    OPTIONAL_SECTIONS,
    SECTIONS,
    Settings,
    changes,
    given_values,
)

MAX_BYTES = 1_000_000
"""A config file larger than this is something else."""


def load(path: Path | None = None, overrides: Sequence[str] = ()) -> Settings:
    """Read the settings of a file, with `key=value` overrides on top; no file: the defaults.

    Relative paths in the file become absolute, relative to its folder; those of overrides, and the defaults
    where there is no file, are relative to the working folder. Raises ConfigError with a line for every
    mistake.
    """
    return parse(read_text(path) if path is not None else "", path, overrides)


def parse(text: str, path: Path | None, overrides: Sequence[str] = ()) -> Settings:
    """Do as `load` does, with the text of the file that is (or will be) at `path`. Raises ConfigError."""
    base = (path.parent if path is not None else Path()).absolute()
    document = read(text, str(path))
    given, problems = document.given, document.problems
    for override in overrides:
        try:
            _override(given, override)
        except ConfigError as error:
            problems.append(str(error))
    return _build(given, problems, base, f"{path}:")


def set_values(settings: Settings, values: Mapping[str, object]) -> Settings:
    """Return the settings with some values changed, by dotted key; `moment: False` turns a section off.

    Values are as JSON has them, or as `Settings` holds them. Raises ConfigError, a line per refused value.
    """
    given = {key: Given(value, key, "") for key, value in given_values(settings).items()}
    for key, value in values.items():
        key = shorten(key)
        _put(given, key, Given(value, key, "null" if value is None else shorten(str(plain(value)))))
    return _build(given, [], settings.base)


def needs_restart(old: Settings, new: Settings) -> list[str]:
    """Return the keys that differ and whose change only a restart applies."""
    return [key for key in changes(old, new) if not catalogue(new)[key].live]


def read_text(path: Path) -> str:
    """Return a config file's text with its line ends as they are. Raises ConfigError."""
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"{path}: not a file; name a config.yaml")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file; `smartselfie init` writes one to start from") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than 1 MB; that is no config file")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 text; save it as UTF-8") from error


@dataclass(frozen=True, slots=True)
class _Mistake:
    """A line for the user, the keys to drop before looking for more, and the keys of the rule it broke."""

    text: str
    keys: frozenset[str]
    rule: frozenset[str] = frozenset()


def _override(given: dict[str, Given], override: str) -> None:
    """Add one `key=value` of the command line. Raises ConfigError."""
    key, equals, text = override.partition("=")
    key = shorten(key)
    place = f"--set {shorten(override)}"
    if not equals or not key:
        raise ConfigError(f"{place}: must be KEY=VALUE, such as trigger.threshold=0.7")
    if key == LIST:
        document = read_items(text, place)
        if document.problems:
            raise ConfigError(document.problems[0])
        for old in [old for old in given if old.startswith(f"{LIST}.")]:
            del given[old]
        given.update(document.given)
        return
    if key in SECRET:
        place = f"--set {key}=***"
    value = read_scalar(text, place)
    setting = _known(given).get(key)
    if setting and isinstance(value, str) and value and not value.startswith(("~", "$")):
        here = Path.cwd() / value
        if setting.kind == "path" or (setting.kind == "source" and os.path.lexists(here)):
            value = str(here)
    _put(given, key, Given(value, place, shorten(text)))


def _put(given: dict[str, Given], key: str, item: Given) -> None:
    """Let a later value win, also between a section as a whole and the settings in it."""
    section, dot, _ = key.partition(".")
    if dot:
        given.pop(section, None)
    elif section == LIST:
        for old in [old for old in given if old.startswith(f"{LIST}.")]:
            del given[old]
    elif section in OPTIONAL_SECTIONS:
        if item.value is True:
            given.pop(section, None)
            return
        for old in [old for old in given if old.startswith(f"{section}.")]:
            del given[old]
        if item.value is False:
            item = Given(None, item.place, item.written)
    given[key] = item


def _build(given: Mapping[str, Given], problems: list[str], base: Path | None, file: str = "") -> Settings:
    """Validate what was given; drops what is refused and validates again until every mistake is known."""
    left = dict(given)
    known = _known(given)
    for key in [key for key in left if key not in known and not key.startswith(f"{LIST}.")]:
        item = left.pop(key)
        if not _is_another_kinds(key):
            problems.append(f"{item.place}: {_remedy(key, known)}")
    for section in OPTIONAL_SECTIONS & left.keys():
        if left[section].value is not None:
            item = left.pop(section)
            problems.append(f"{item.place}: got {item.written}; must be {known[section].takes}")
    dropped: set[str] = set()
    while True:
        try:
            settings = Settings.model_validate(
                _nested(left), context={"base": base, "pictures": _pictures_of(base)}
            )
            break
        except ValidationError as error:
            mistakes = _mistakes(error, left, known)
        for mistake in mistakes:
            if not dropped & mistake.rule:  # else a default broke the rule, in place of a refused value
                problems.append(mistake.text)
            dropped |= mistake.keys
            for key in mistake.keys:
                left.pop(key, None)
    if problems:
        raise ConfigError("\n".join(sorted(problems, key=lambda problem: _line(problem, file))))
    return settings


def _pictures_of(base: Path | None) -> Path | None:
    """Return where relative folders of pictures are when the settings are a user's own, None elsewhere."""
    if base is None:
        return None
    configs = [
        Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"),
        platformdirs.user_config_path(),
    ]
    if not any(base.is_relative_to(folder) for folder in configs):
        return None
    return platformdirs.user_pictures_path() / "smartselfie"


def is_ours(path: Path) -> bool:
    """Whether a config.yaml is of this program: at least half of its sections are, or it has none at all."""
    try:
        text = read_text(path)
    except ConfigError:
        return True  # said by whoever reads it
    named = re.findall(r"^([A-Za-z_][\w-]*)\s*:", text, re.MULTILINE)
    ours = [name for name in named if name in SECTIONS or name == LIST]
    return 2 * len(ours) >= len(named)


def _line(problem: str, file: str) -> float:
    """Sort the mistakes of a file by their lines, and the others behind them."""
    number = problem.removeprefix(file).partition(":")[0] if problem.startswith(file) else ""
    return int(number) if number.isascii() and number.isdigit() else float("inf")


def _nested(given: Mapping[str, Given]) -> dict[str, Any]:
    values: dict[str, Any] = {section: {} for section in SECTIONS}
    items: dict[str, dict[str, Any]] = {}
    for key, item in given.items():
        section, dot, name = key.partition(".")
        if section == LIST and dot:
            number, _, name = name.partition(".")
            items.setdefault(number, {})[name] = item.value
            values[LIST] = list(items.values())
        elif dot:
            values[section][name] = item.value
        else:
            values[section] = item.value
    return values


def _mistakes(
    error: ValidationError, given: Mapping[str, Given], known: Mapping[str, Setting]
) -> list[_Mistake]:
    """Return one mistake for each value that is refused, and for each rule that is broken."""
    found: dict[str, _Mistake] = {}
    for detail in error.errors(include_url=False):
        section = str(detail["loc"][0])
        if section == LIST:
            mistake = _mistake_in_list(detail, given)
            found.setdefault(min(mistake.keys), mistake)
        elif detail["type"] == "rule":
            rule = [f"{section}.{name}" for name in detail["ctx"]["keys"]]
            key = next((key for key in rule if key in given), rule[0])
            place = given[key].place if key in given else key
            found.setdefault(key, _Mistake(f"{place}: {detail['msg']}", frozenset(rule), frozenset(rule)))
        else:
            key = f"{section}.{detail['loc'][1]}"
            text = f"{given[key].place}: {_reason(known[key], given[key])}"
            found.setdefault(key, _Mistake(text, frozenset([key])))
    return list(found.values())


def _mistake_in_list(detail: Any, given: Mapping[str, Given]) -> _Mistake:
    """Return the mistake in one of the outputs; the whole output is left out when others are looked for."""
    if len(detail["loc"]) == 1 or not any(key.startswith(f"{LIST}.") for key in given):
        item = given[LIST]
        return _Mistake(
            f"{item.place}: got {item.written}; must be {catalogue()[LIST].takes}", frozenset([LIST])
        )
    numbers = list(dict.fromkeys(key.split(".")[1] for key in given if key.startswith(f"{LIST}.")))
    number = numbers[int(detail["loc"][1])]
    place = f"{LIST}.{number}."
    keys = frozenset(key for key in given if key.startswith(place))
    name = str(detail["loc"][2]) if len(detail["loc"]) > 2 else ""
    item = given.get(place + name) or given[min(keys)]
    kind = given[f"{place}kind"].value if f"{place}kind" in given else ""
    if kind not in OUTPUTS.kinds:
        reason = f"needs one of these kinds: {', '.join(OUTPUTS.kinds)}"
    elif detail["type"] == "rule":
        reason = detail["msg"]
    elif name in (model := OUTPUTS.settings(str(kind))).model_fields:
        setting = describe_setting(model, name, f"{LIST}.{name}")
        reason = _reason(setting, item) if place + name in given else f"needs {name}: {setting.takes}"
    else:
        reason = f"unknown setting; {kind} has {', '.join(model.model_fields)}"
    return _Mistake(f"{item.place}: {reason}", keys)


def _known(given: Mapping[str, Given]) -> Mapping[str, Setting]:
    """Return the settings there are, by the kinds that were given."""
    models: dict[str, type[Section]] = {}
    for section, family in FAMILIES.items():
        item = given.get(f"{section}.{family.key}")
        with suppress(KeyError):  # a kind that nobody knows: a mistake of its own
            kind = family.choose(item.value) if item is not None else family.default
            models[section] = family.settings(kind)
    return described(models)


def _is_another_kinds(key: str) -> bool:
    """Whether another kind of the same family has this setting: it waits until that is chosen again."""
    section, _, name = key.partition(".")
    family = FAMILIES.get(section)
    return family is not None and any(name in family.settings(kind).model_fields for kind in family.kinds)


def _reason(setting: Setting, item: Given) -> str:
    """Say what was given and what is allowed."""
    got = "***" if setting.secret or setting.key in SECRET else redact(item.written) or '""'
    hint = ""
    if isinstance(item.value, bool) and setting.kind not in ("switch", "auto_switch"):
        hint = f" (YAML reads that as {str(item.value).lower()})"
    elif isinstance(item.value, int | float) and setting.kind in ("text", "path", "name", "listen"):
        hint = " (put it in quotes)"
    return f"got {got}; must be {setting.takes}{hint}"


def _remedy(key: str, known: Mapping[str, Setting]) -> str:
    """Name what was probably meant by an unknown key."""
    section, _, name = key.rpartition(".")
    if key in SECTIONS:
        example = next(each.partition(".")[2] for each in known if each.startswith(f"{key}."))
        return f"a section, not a setting; name one in it, such as {key}.{example}"
    elsewhere = [each for each in known if each.endswith(f".{name}")]
    if section in SECTIONS:
        names = [each.partition(".")[2] for each in known if each.startswith(f"{section}.")]
        near = difflib.get_close_matches(name, names, 1) or elsewhere
        remedy = f"{section} has {', '.join(names)}"
    else:
        whole = difflib.get_close_matches(key, list(known), 1)
        sections = [*SECTIONS, LIST]
        near = (difflib.get_close_matches(key, sections, 1) if not section else []) or elsewhere or whole
        remedy = f"the sections are {', '.join(SECTIONS)}"
    return "unknown setting; " + (f"did you mean '{near[0]}'?" if near else remedy)
