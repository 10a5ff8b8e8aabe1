"""What a saved picture is called: a pattern, checked once, that can never leave its folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from smartselfie.errors import ConfigError

PLACEHOLDERS = ("date", "time", "ms", "counter", "score")
LONGEST = 180
"""Bytes of a filled name without its ending: 255 is what file systems take, the rest is for endings."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
# Control characters, separators, and what FAT and exFAT refuse: a stick must take every name.
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u2028\u2029\u202a-\u202e\ud800-\udfff]')


def check_pattern(text: str) -> None:
    """Refuse a pattern of file names with `ConfigError`, which says the rule and the pattern.

    A pattern is text without an ending; {date} becomes 20261120, {time} 183012, {ms} 417, {counter} 0001 and
    {score} the smile in percent, 092. No name made from an accepted pattern leaves its folder or is hidden.
    """
    given = f"name pattern {text!r}"
    unknown = [name for name in _PLACEHOLDER.findall(text) if name not in PLACEHOLDERS]
    if unknown:
        allowed = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise ConfigError(f"{given}: {{{unknown[0]}}} is unknown; use {allowed}")
    plain = _PLACEHOLDER.sub("0", text)
    if "{" in plain or "}" in plain:
        raise ConfigError(f"{given}: braces only stand around a placeholder such as {{date}}")
    if bad := _FORBIDDEN.search(plain):
        raise ConfigError(f"{given}: {bad.group()!r} is not allowed in a file's name")
    if not plain.strip():
        raise ConfigError(f"{given}: need at least one character")
    if plain[0] in ". " or plain[-1] in ". ":
        raise ConfigError(f"{given}: must not begin or end with a dot or a space")
    if len(plain.encode()) + 8 * len(_PLACEHOLDER.findall(text)) > LONGEST:
        raise ConfigError(f"{given}: names get longer than {LONGEST} bytes")


def fill_pattern(pattern: str, *, taken: datetime, counter: int, score: float) -> str:
    """Return the name (without ending) of a picture taken at `taken`, with P(happy) `score` 0..1."""
    values = {
        "date": f"{taken:%m%d}",
        "time": f"{taken:%H%M%S}",
        "ms": f"{taken.microsecond // 1000:03}",
        "counter": f"{counter:04}",
        "score": f"{round(100 * min(max(score, 0.0), 1.0)):03}",
    }
    values["date"] = f"{taken.year:04}{values['date']}"  # strftime does not pad years on every system
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], pattern)


def counter_in(pattern: str, name: str) -> int | None:
    """Return what {counter} stands for in a name (without ending), None where the name does not fit."""
    digits = {"date": r"\d{8,}", "time": r"\d{6}", "ms": r"\d{3}", "score": r"\d{3}"}
    expression, end, seen = "", 0, False
    for match in _PLACEHOLDER.finditer(pattern):
        expression += re.escape(pattern[end : match.start()])
        if match.group(1) != "counter":
            expression += digits[match.group(1)]
        else:
            expression += r"\d+" if seen else r"(\d+)"
            seen = True
        end = match.end()
    found = re.fullmatch(expression + re.escape(pattern[end:]), name) if seen else None
    return int(found.group(1)) if found and len(found.group(1)) < 10 else None


class Namer:
    """Gives every picture a name that no file of its folder has; `ConfigError` for a bad pattern."""

    def __init__(self, pattern: str) -> None:
        check_pattern(pattern)
        self._pattern = pattern
        self._counter = 1
        self._last = ("", 1)

    def continue_after(self, names: Iterable[str]) -> None:
        """Count on from the highest {counter} among a folder's names (without endings)."""
        numbers = (counter_in(self._pattern, name) for name in names)
        self._counter = 1 + max((number for number in numbers if number is not None), default=0)

    def __call__(self, taken: datetime, score: float, exists: Callable[[str], bool]) -> str:
        """Return the next name without ending; `exists` says whether a name is taken."""
        while True:
            name = fill_pattern(self._pattern, taken=taken, counter=self._counter, score=score)
            if "{counter}" not in self._pattern:
                return self._numbered(name, exists)
            self._counter += 1
            if not exists(name):
                return name

    def _numbered(self, name: str, exists: Callable[[str], bool]) -> str:
        """The name itself, else with the first free number behind it."""
        number = self._last[1] if self._last[0] == name else 1
        while exists(f"{name}-{number}" if number > 1 else name):
            number += 1
        self._last = (name, number)
        return f"{name}-{number}" if number > 1 else name
