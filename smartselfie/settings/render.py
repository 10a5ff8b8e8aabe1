"""Settings as YAML: single values, and the whole commented config.yaml."""

from __future__ import annotations

import json
import re
import textwrap

from smartselfie.errors import ConfigError
from smartselfie.outputs import OUTPUTS
from smartselfie.schema.values import format_duration, format_number, format_size
from smartselfie.settings.describe import Setting, catalogue, describe_setting, plain, settings_of_kind
from smartselfie.settings.document import read_scalar
from smartselfie.settings.model import FAMILIES, LIST, SECTIONS, Settings

WIDTH = 100
FACTS = 32
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]*", re.ASCII)

_OUTPUTS = "Who is told what happens, as a list; an event is told to each. A change needs a restart."
_HEAD = """\
The settings of smartselfie. Every setting is here, with its default; what you leave out keeps it.

Durations are seconds or text: 400ms, 2s, 1m, 2h, 7d. Sizes are text: 500MB, 2GB. null is "none".
Relative paths are relative to this file. A change applies as soon as this file is saved, except
where it says "restart". The command line wins over this file, for any setting:
smartselfie --set trigger.threshold=0.7"""


def as_yaml(key: str, value: object, settings: Settings | None = None) -> str:
    """Write a value of the setting `key` in YAML, in one line, as `load` reads it back.

    `settings` are those it belongs to: their kinds may have settings that the default kinds have not.
    """
    return _as_yaml(catalogue(settings)[key].kind, value)


def _as_yaml(kind: str, value: object) -> str:
    if kind == "duration" and isinstance(value, int | float):
        return format_duration(value)
    if kind == "size" and isinstance(value, int):
        return format_size(value)
    value = plain(value)
    if isinstance(value, list):
        return "[" + ", ".join(_scalar(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_scalar(item)}" for name, item in value.items()) + "}"
    return _scalar(value)


def render_config() -> str:
    """Return the text of a config.yaml with every setting, its default, range and what it trades."""
    lines = [f"# {line}".rstrip() for line in _HEAD.splitlines()]
    for section, model in SECTIONS.items():
        settings = [setting for key, setting in catalogue().items() if key.startswith(f"{section}.")]
        restart = not any(setting.live for setting in settings)
        title = (model.__doc__ or "").strip() + (" A change needs a restart." if restart else "")
        lines += ["", "", f"# {'-' * (WIDTH - 2)}", *_comment(title, ""), f"{section}:"]
        for setting in settings:
            lines += [*_comment(setting.help, "  "), _line(setting, mark=not restart), ""]
        lines.pop()
        lines += _other_kinds(section)
    lines += ["", "", f"# {'-' * (WIDTH - 2)}", *_comment(_OUTPUTS, ""), f"{LIST}: []"]
    said: set[str] = set()
    for kind in OUTPUTS.kinds:
        lines += ["", *_comment(f"{kind}: {OUTPUTS.entry(kind).help}", ""), f"#  - kind: {kind}"]
        for setting in _settings_of_output(kind):
            if setting.help not in said:  # what all have is said once
                lines += _comment(setting.help, "#    ")
                said.add(setting.help)
            lines.append(f"#  {_line(setting, mark=False)}")
    return "\n".join(lines) + "\n"


def _settings_of_output(kind: str) -> list[Setting]:
    """Return a kind's settings, what must be given first."""
    model = OUTPUTS.settings(kind)
    names = (name for name in model.model_fields if name != OUTPUTS.key)
    described = (describe_setting(model, name, f"{LIST}.{name}") for name in names)
    return sorted(described, key=lambda setting: not setting.required)


def _other_kinds(section: str) -> list[str]:
    """Return the settings of the kinds that are not the default, as comments."""
    if (family := FAMILIES.get(section)) is None:
        return []
    lines: list[str] = []
    default = {setting.key: setting.help for setting in settings_of_kind(section, family.default)}
    for kind in (kind for kind in family.kinds if kind != family.default):
        for setting in settings_of_kind(section, kind):
            if default.get(setting.key) != setting.help:
                words = _comment(f"{kind}: {setting.help}", "  ")
                lines += ["", *words, f"  # {_line(setting, mark=False).strip()}"]
    return lines


def _line(setting: Setting, *, mark: bool) -> str:
    """Return the line that gives one setting, with what it may be in brief behind it."""
    facts = setting.brief
    if setting.example is not None and not setting.required:
        facts += f"; such as {_as_yaml(setting.kind, setting.example)}"
    if mark and not setting.live:
        facts += "; restart"
    value = _as_yaml(setting.kind, setting.example if setting.required else setting.default)
    return f"  {setting.key.partition('.')[2]}: {value}".ljust(FACTS - 2) + f"  # {facts}"


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ", break_on_hyphens=False
    )


def _scalar(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return format_number(value)
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    """Write text bare where YAML reads it as that text, else in double quotes."""
    if _PLAIN.fullmatch(text):
        try:
            if read_scalar(text, "") == text:
                return text
        except ConfigError:
            pass  # a number that is a trap, such as 010
    return json.dumps(text, ensure_ascii=False)
