"""Settings as YAML: single values, and the whole commented config.yaml."""

from __future__ import annotations

import json
import re
import textwrap

from smartselfie.errors import ConfigError
from smartselfie.settings.describe import Setting, catalogue, plain
from smartselfie.settings.document import read_scalar
from smartselfie.settings.model import SECTIONS
from smartselfie.settings.values import format_duration, format_number, format_size

WIDTH = 100
FACTS = 32
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]*", re.ASCII)

_HEAD = """\
The settings of smartselfie. Every setting is here, with its default; what you leave out keeps it.

Durations are seconds or text: 400ms, 2s, 1m, 2h, 7d. Sizes are text: 500MB, 2GB. null is "none".
Relative paths are relative to this file. A change applies as soon as this file is saved, except
where it says "restart". The command line wins over this file, for any setting:
smartselfie --set trigger.threshold=0.7"""


def as_yaml(key: str, value: object) -> str:
    """Write a value of the setting `key` in YAML, in one line, as `load` reads it back."""
    kind = catalogue()[key].kind
    if kind == "duration" and isinstance(value, int | float):
        return format_duration(value)
    if kind == "size" and isinstance(value, int):
        return format_size(value)
    value = plain(value)
    if isinstance(value, list):
        return "[" + ", ".join(_scalar(item) for item in value) + "]"
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
    return "\n".join(lines) + "\n"


def _line(setting: Setting, *, mark: bool) -> str:
    """Return the line that gives one setting, with what it may be in brief behind it."""
    facts = setting.brief
    if setting.example is not None:
        facts += f"; such as {as_yaml(setting.key, setting.example)}"
    if mark and not setting.live:
        facts += "; restart"
    value = as_yaml(setting.key, setting.default)
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
