"""What there is to know of each setting: for messages, for config.yaml, for the web page's controls."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from smartselfie.schema.fields import Section
from smartselfie.schema.values import Hold, Kind, format_duration, format_size
from smartselfie.settings.model import FAMILIES, LIST, OPTIONAL_SECTIONS, SECTIONS, Settings
from smartselfie.sources.trust import Trust

_PLAIN = {"unit": None, "example": None, "live": False, "private": False, "secret": False}
"""What there is to know of a field that was not declared by `setting`: the kind."""
IN_TITLES = {"fps": "frame rate", "cpu": "CPU", "led": "LED", "tls": "TLS", "url": "URL"}
"""Words of names that people write otherwise."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, described."""

    key: str
    """Dotted, such as "trigger.threshold"; a section that may be null as a whole has an entry too."""
    title: str
    kind: str
    """number, integer, switch, text, duration, size, choice, hold, policy, section ..."""
    takes: str
    """In words what it may be, with its range: what follows "must be" in a message."""
    brief: str
    """The same, as short as it gets, with its unit."""
    help: str
    """What it does and what it trades."""
    default: object
    unit: str | None = None
    minimum: float | None = None
    above: float | None = None
    """Exclusive minimum."""
    maximum: float | None = None
    choices: tuple[str | int, ...] = ()
    nullable: bool = False
    example: object = None
    live: bool = False
    """A change applies at once; else it needs a restart."""
    private: bool = False
    """The web page neither shows nor sets it: paths, secrets, who may connect."""
    secret: bool = False
    """No message shows its value."""
    required: bool = False
    """It has no default: it must be given."""


def catalogue(settings: Settings | None = None) -> Mapping[str, Setting]:
    """Return every setting by its key, in the order of config.yaml.

    Of a detector, classifier or source they are those of the kind that `settings` choose; without `settings`
    those of the default kinds.
    """
    if settings is None:
        return described({})
    return described({section: settings.model_of(section) for section in FAMILIES})


def described(models: Mapping[str, type[Section]]) -> Mapping[str, Setting]:
    """Return every setting by its key, where some sections have the settings of another kind."""
    chosen = {section: family.settings(family.default) for section, family in FAMILIES.items()} | dict(models)
    return _described(tuple(chosen.items()), tuple(family.version for family in FAMILIES.values()))


def settings_of_kind(section: str, kind: str) -> Sequence[Setting]:
    """Return the settings that a kind has beside those of its whole family."""
    family = FAMILIES[section]
    fields = family.settings(kind).model_fields
    own = (name for name in fields if name not in family.base.model_fields)
    return [_describe(f"{section}.{name}", name, fields[name]) for name in own]


def describe_setting(model: type[Section], name: str, key: str) -> Setting:
    """Describe one field of a section, under a key."""
    return _describe(key, name, model.model_fields[name])


@cache
def _described(
    models: tuple[tuple[str, type[Section]], ...], versions: tuple[int, ...]
) -> Mapping[str, Setting]:
    found = {}
    for section, model in (SECTIONS | dict(models)).items():
        if section in OPTIONAL_SECTIONS:
            help = (model.__doc__ or "").strip()
            found[section] = Setting(
                section,
                section.capitalize(),
                "section",
                "settings below it, or null",
                "null",
                help,
                True,
                live=True,
            )
        for name, field in model.model_fields.items():
            found[f"{section}.{name}"] = _describe(f"{section}.{name}", name, field)
        if section in FAMILIES:
            key = f"{section}.{FAMILIES[section].key}"
            found[key] = _describe_choice(key, found[key])
    found[LIST] = Setting(
        LIST,
        LIST.capitalize(),
        "section",
        "a list of outputs, each with its kind",
        "a list",
        "Who is told what happens.",
        (),
        private=True,
    )
    return types.MappingProxyType(found)


def _describe_choice(key: str, setting: Setting) -> Setting:
    """Describe the setting that chooses the kind, by what the registry says."""
    family = FAMILIES[key.partition(".")[0]]
    if family.prefixes:
        return replace(setting, help=family.help())
    names = tuple(family.kinds)
    return replace(
        setting,
        kind="choice",
        takes=_either(names),
        brief=" | ".join(names),
        help=family.help(),
        default=family.default,
        choices=names,
    )


def plain(value: object) -> object:
    """Return a setting's value as JSON has it: text for paths and holds in time, lists for tuples."""
    match value:
        case Hold():
            return value.frames if value.seconds is None else format_duration(value.seconds)
        case Path():
            return str(value)
        case tuple():
            return [plain(item) for item in value]
        case Trust():
            return value.as_given()
        case _:
            return value


def controls(settings: Settings) -> list[dict[str, object]]:
    """Describe every setting that a page may show, with its value, as JSON-able mappings.

    Durations are in seconds, sizes in bytes; a hold is a number of frames or text such as "400ms"; the value
    of a section says whether it is on.
    """
    listed = []
    for key, setting in catalogue(settings).items():
        if setting.private:
            continue
        listed.append(
            {
                "key": key,
                "section": key.partition(".")[0],
                "title": setting.title,
                "kind": setting.kind,
                "takes": setting.takes,
                "help": setting.help,
                "unit": setting.unit,
                "minimum": setting.minimum,
                "exclusive_minimum": setting.above,
                "maximum": setting.maximum,
                "choices": list(setting.choices),
                "nullable": setting.nullable,
                "default": plain(setting.default),
                "example": plain(setting.example),
                "live": setting.live,
                "value": plain(settings.value(key)),
            }
        )
    return listed


def _describe(key: str, name: str, field: FieldInfo) -> Setting:
    extra: Any = field.json_schema_extra or _PLAIN
    parts = list(_parts(field))
    nullable = type(None) in parts
    kind = next((part for part in parts if isinstance(part, Kind)), Kind("choice", ""))
    choices = next((get_args(part) for part in parts if get_origin(part) is Literal), ())
    minimum, above, maximum = (
        next((float(getattr(part, limit)) for part in parts if isinstance(part, type_)), None)
        for type_, limit in ((Ge, "ge"), (Gt, "gt"), (Le, "le"))
    )
    takes = kind.takes or _either(choices)
    takes += _range(kind.name, minimum, above, maximum)
    brief = kind.brief or " | ".join(map(str, choices)) or _brief_range(kind.name, minimum, above, maximum)
    brief += f" {extra['unit']}" if extra["unit"] else ""
    unit = extra["unit"] or {"duration": "seconds", "size": "bytes"}.get(kind.name)
    return Setting(
        key=key,
        title=_title(name),
        kind=kind.name,
        takes=takes + (", or null" if nullable else ""),
        brief=brief + (" | null" if nullable else ""),
        help=field.description or "",
        default=field.default,
        unit=unit,
        minimum=minimum,
        above=above,
        maximum=maximum,
        choices=choices,
        nullable=nullable,
        example=extra["example"],
        live=extra["live"],
        private=extra["private"],
        secret=extra["secret"],
        required=field.is_required(),
    )


def _either(choices: Sequence[object]) -> str:
    """Write choices as people do: "a, b or c"."""
    words = [str(choice) for choice in choices]
    return ", ".join(words[:-1]) + f" or {words[-1]}" if len(words) > 1 else "".join(words)


def _title(name: str) -> str:
    words = " ".join(IN_TITLES.get(word, word) for word in name.split("_"))
    return words[0].upper() + words[1:]


def _parts(field: FieldInfo) -> Iterator[Any]:
    """Walk through a field's annotation, outside first: types, Literals and what annotates them."""
    todo = [*field.metadata, field.annotation]
    while todo:
        part = todo.pop(0)
        yield part
        if get_origin(part) is Annotated:
            todo = [*part.__metadata__, part.__origin__, *todo]
        elif get_origin(part) in (Union, types.UnionType):
            todo = [*get_args(part), *todo]


def _range(kind: str, minimum: float | None, above: float | None, maximum: float | None) -> str:
    comma = "," if kind in ("duration", "size") else ""
    match minimum, above, maximum:
        case float(), None, float():
            return f"{comma} from {_limit(kind, minimum)} to {_limit(kind, maximum)}"
        case float(), None, None:
            return f"{comma} of at least {_limit(kind, minimum)}"
        case None, float(), float():
            return f"{comma} greater than {_limit(kind, above)} and at most {_limit(kind, maximum)}"
        case None, float(), None:
            return f"{comma} greater than {_limit(kind, above)}"
        case _:
            return ""


def _brief_range(kind: str, minimum: float | None, above: float | None, maximum: float | None) -> str:
    if maximum is None:
        return f"from {_limit(kind, minimum)}" if minimum is not None else f"over {_limit(kind, above or 0)}"
    lower = _limit(kind, minimum) if minimum is not None else f"over {_limit(kind, above or 0)}"
    return f"{lower} {'to' if minimum is not None else 'up to'} {_limit(kind, maximum)}"


def _limit(kind: str, limit: float) -> str:
    match kind:
        case "duration":
            return format_duration(limit)
        case "size":
            return format_size(round(limit))
        case _:
            return f"{limit:g}"
