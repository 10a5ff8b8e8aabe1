"""The values settings are made of: durations, sizes in bytes, holds, policies, paths."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from smartselfie.records import CLASSES
from smartselfie.saving.names import PLACEHOLDERS, check_pattern

_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([A-Za-z]+)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kind:
    """Marks a setting's type with its name and, in words, what it takes: for a message, and in brief."""

    name: str
    takes: str
    brief: str = ""


def parse_duration(value: object) -> object:
    """Turn "400ms", "2s", "1m", "2h" or "7d" into seconds; leaves numbers alone. Raises ValueError."""
    if not isinstance(value, str):
        return value
    match = _QUANTITY.fullmatch(value)
    if match is None or match[2] not in _MILLISECONDS:
        raise ValueError("not a duration")
    return _as_float(Fraction(match[1]) * _MILLISECONDS[match[2]] / 1000)


def format_number(value: float) -> str:
    """Write a number without an exponent (which YAML 1.1 takes for text); it reads back exactly."""
    return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")


def format_duration(seconds: float) -> str:
    """Write seconds as people do: "400ms", "2s", "7d"; `parse_duration` reads it back exactly."""
    if 0 < seconds < 1 and round(seconds * 1000) / 1000 == seconds:
        return f"{round(seconds * 1000)}ms"
    for unit in ("d", "h", "m"):
        size = _MILLISECONDS[unit] // 1000
        if seconds and seconds % size == 0:
            return f"{int(seconds) // size}{unit}"
    return f"{format_number(seconds)}s"


def parse_size(value: object) -> object:
    """Turn "500MB" or "2GB" into bytes; leaves numbers alone. Raises ValueError."""
    if not isinstance(value, str):
        return value
    match = _QUANTITY.fullmatch(value)
    units = {name.lower(): factor for name, factor in _BYTES.items()}
    if match is None or match[2].lower() not in units:
        raise ValueError("not a size")
    return round(Fraction(match[1]) * units[match[2].lower()])


def _as_float(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError as error:
        raise ValueError("too large") from error


def format_size(size: int) -> str:
    """Write bytes as people do: "500MB"; `parse_size` reads it back exactly."""
    for unit in ("TB", "GB", "MB", "kB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return f"{size}B"


@dataclass(frozen=True, slots=True)
class Hold:
    """How long a smile is held: a count of frames or a time in seconds, exactly one of them."""

    frames: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if (self.frames is None) == (self.seconds is None):
            raise ValueError(f"need frames or seconds, got frames={self.frames}, seconds={self.seconds}")
        if self.frames is not None and not 1 <= self.frames <= 1000:
            raise ValueError(f"need 1 to 1000 frames, got {self.frames}")
        if self.seconds is not None and not 0 < self.seconds <= 60:
            raise ValueError(f"need more than 0 and at most 60 seconds, got {self.seconds}")

    @classmethod
    def parse(cls, value: object) -> Hold:
        """Read 10 (frames) or "400ms" (time). Raises ValueError."""
        match value:
            case Hold():
                return value
            case bool():
                raise ValueError("not a hold")
            case int():
                return cls(frames=value)
            case str():
                seconds = parse_duration(value)
                assert isinstance(seconds, float)
                return cls(seconds=seconds)
            case _:
                raise ValueError("not a hold")

    def __str__(self) -> str:
        return str(self.frames) if self.seconds is None else format_duration(self.seconds)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic read it with `parse`, and describe it in JSON as a number or text."""
        return core_schema.no_info_plain_validator_function(
            cls.parse,
            json_schema_input_schema=core_schema.union_schema(
                [core_schema.int_schema(ge=1), core_schema.str_schema()]
            ),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda hold: hold.frames if hold.seconds is None else format_duration(hold.seconds)
            ),
        )


def _text(value: object) -> object:
    """Refuse text that no terminal, file system or picture could carry."""
    if isinstance(value, str) and (not value.strip() or not value.isprintable()):
        raise ValueError("not printable")
    return value


def expand(text: str) -> Path:
    """Return a path with `~` and variables as a shell has them. Raises ValueError for one that is unknown."""
    told = os.path.expandvars(text)
    if re.search(r"\$(\w+|\{)", told, re.ASCII):
        raise ValueError("no such variable")
    try:
        return Path(told).expanduser()
    except RuntimeError as error:  # ~somebody who does not exist
        raise ValueError("no such home") from error


def _path(value: object, info: ValidationInfo) -> object:
    """Make a path of text, relative to the folder in the validation's context where there is one."""
    if isinstance(_text(value), str):
        value = expand(str(value))
    base = info.context.get("base") if info.context else None
    return base / value if isinstance(value, Path) and base is not None else value


def _source(value: object, info: ValidationInfo) -> object:
    """Make a file or folder beside the config file absolute; leave every other name of a source alone."""
    if isinstance(value, int) and not 0 <= value <= 99:
        raise ValueError("not a camera's number")
    base = info.context.get("base") if info.context else None
    if value in ("auto", "demo", "picamera"):  # also where a file has such a name
        return value
    if isinstance(_text(value), str):
        if str(value).startswith(("~", "$")):
            value = str(expand(str(value)))
        if base is not None and os.path.lexists(base / str(value)):
            return str(base / str(value))
    return value


def _pictures_folder(value: object, info: ValidationInfo) -> object:
    """Do as `_path`, but put pictures of a program set up for a user with that user's other pictures."""
    base = info.context.get("pictures") if info.context else None
    if isinstance(value, str) and base is not None and not expand(value).is_absolute():
        value = str(base / value)
    return _path(value, info)


def _site(value: object) -> object:
    """Take the address of a site: scheme, host and port, with no more behind it than a slash."""
    if not isinstance(_text(value), str):
        return value
    match = re.fullmatch(r"(https?://(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::([0-9]{1,5}))?)/?", str(value))
    if match is None or (match[2] and not 0 < int(match[2]) < 65536):
        raise ValueError("not the address of a site")
    return f"{match[1]}/"


def _size(value: object) -> object:
    value = _pair(value)
    if isinstance(value, tuple) and not all(isinstance(side, int) and 16 <= side <= 16384 for side in value):
        raise ValueError("not a picture's size")
    return value


def _no_switch(value: object) -> object:
    if isinstance(value, bool):  # False == 0 to a Literal
        raise ValueError("not a number")
    return value


def _pair(value: object) -> object:
    """Let a list stand for a tuple: YAML and JSON know no other."""
    return tuple(value) if isinstance(value, list) else value


def _classes(value: object) -> object:
    value = _pair(value)
    if isinstance(value, tuple) and (len(value) < 2 or len(set(map(str, value))) < len(value)):
        raise ValueError("not two classes or more, each once")
    return value


def _expressions(value: object) -> object:
    value = (value.strip().lower(),) if isinstance(value, str) else _pair(value)
    if isinstance(value, tuple) and (not value or not all(isinstance(name, str) and name for name in value)):
        raise ValueError("not a class or a list of some")
    return value


def check_name(pattern: object) -> object:
    """Refuse a name pattern that has unknown fields or could leave the folder. Raises ValueError."""
    if not isinstance(_text(pattern), str):
        return pattern
    name = str(pattern)
    if len(name) > 100:
        raise ValueError("not a file name")
    check_pattern(name)
    return name


def parse_listen(value: str) -> tuple[str, int]:
    """Split "127.0.0.1:8000", "[::1]:8000" or ":8000" (every address). Raises ValueError."""
    host, colon, port = value.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port, re.ASCII) or int(port) > 65535:
        raise ValueError(f"need HOST:PORT, got {value!r}")
    if re.search(r"[\s/@\[\]]", host):
        raise ValueError(f"need HOST:PORT, got {value!r}")
    return host or "0.0.0.0", int(port)


def _listen(value: object) -> object:
    if isinstance(_text(value), str):
        parse_listen(str(value))
    return value


def _policy(value: object) -> object:
    if isinstance(value, int) and not 1 <= value <= 50:
        raise ValueError("not a count of faces")
    return value


def _finite(value: object) -> object:
    """Refuse what `float` cannot hold before pydantic compares it."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**63:
        raise ValueError("too large")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not finite")
    return value


Number = Annotated[float, BeforeValidator(_finite), Kind("number", "a number")]
Integer = Annotated[int, BeforeValidator(_finite), Kind("integer", "a whole number")]
Switch = Annotated[bool, Kind("switch", "true or false", "true | false")]
Text = Annotated[str, BeforeValidator(_text), Kind("text", "text", "text")]
Duration = Annotated[
    float,
    BeforeValidator(_finite),
    BeforeValidator(parse_duration),
    Kind("duration", "a duration such as 400ms, 2s, 1m, 2h or 7d"),
]
Size = Annotated[
    int,
    BeforeValidator(_finite),
    BeforeValidator(parse_size),
    Kind("size", "a size such as 500MB or 2GB"),
]
HoldFor = Annotated[
    Hold,
    Kind(
        "hold",
        "a number of frames from 1 to 1000, or a time such as 400ms of at most 1m",
        "1 to 1000 frames | a time up to 1m",
    ),
]
Policy = Annotated[
    Literal["any", "all", "largest"] | int,
    BeforeValidator(_policy),
    Kind("policy", "any, all, largest or a count of faces from 1 to 50", "any | all | largest | a count"),
]
AutoSwitch = Annotated[
    Literal["auto"] | bool, Kind("auto_switch", "auto, true or false", "auto | true | false")
]
PathSetting = Annotated[Path, BeforeValidator(_path), Kind("path", "the path of a file or folder", "path")]
PicturesFolder = Annotated[
    Path, BeforeValidator(_pictures_folder), Kind("path", "the path of a file or folder", "path")
]
SiteAddress = Annotated[
    str,
    BeforeValidator(_site),
    Kind("text", "http:// or https://, a host and maybe a port, without a path", "https://HOST"),
]
TwoPaths = Annotated[
    tuple[PathSetting, PathSetting],
    BeforeValidator(_pair),
    Kind("paths", "two paths: [certificate, key]", "[certificate, key]"),
]
PictureSize = Annotated[
    tuple[int, int],
    BeforeValidator(_size),
    Kind("picture_size", "two whole numbers from 16 to 16384: [width, height]", "[width, height]"),
]
SourceName = Annotated[
    int | str,
    BeforeValidator(_source),
    Kind(
        "source",
        "auto, a camera's number from 0 to 99, a device, a file, a folder, a URL, picamera or demo",
        "see above",
    ),
]
Rotation = Annotated[Literal[0, 90, 180, 270], BeforeValidator(_no_switch)]
Listen = Annotated[str, BeforeValidator(_listen), Kind("listen", "HOST:PORT", "HOST:PORT")]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_pair), Kind("texts", "a list of texts", "a list")]
ClassOrder = Annotated[
    tuple[str, ...],
    BeforeValidator(_classes),
    Kind("classes", f"a list such as {', '.join(CLASSES)} in the model's order", "a list of names"),
]
Expressions = Annotated[
    tuple[Text, ...],
    BeforeValidator(_expressions),
    Kind("expressions", "a class of the network, or a list of some", "happy | [happy, surprise]"),
]
NamePattern = Annotated[
    str,
    BeforeValidator(check_name),
    Kind(
        "name",
        "a file name without a folder, no dot or space at either end, at most 100 characters, with "
        + " ".join(f"{{{f}}}" for f in PLACEHOLDERS),
        "a file name",
    ),
]
