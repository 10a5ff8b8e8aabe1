"""A family of parts, such as the detectors: its kinds by name, each imported only when it is chosen.

The module of a kind holds all that is its own: `Settings`, a section of config.yaml, and `build`, which makes
the part of them. Other packages bring kinds by an entry point in the group `smartselfie.<family>`, whose name
is the kind and whose value is such a module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from pydantic import PlainValidator, SerializeAsAny, ValidationError, ValidationInfo
from pydantic_core import InitErrorDetails, PydanticCustomError

from smartselfie.errors import PluginError
from smartselfie.schema.fields import Section

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class KindEntry:
    """A line of a registry."""

    module: str
    """The module with the kind's `Settings` and `build`."""
    help: str
    """What it is and what it needs, in a sentence."""
    pattern: str = ""
    """What chooses this kind, as a regular expression; empty: its name."""
    takes: str = ""
    """For sources: what people type to choose it."""
    live: bool = False
    """For sources: frames come when they come (a camera), and the newest wins."""
    own_settings: bool = True
    """The module has settings; False: those of the family are all it needs."""


class Family(Generic[Part]):
    """The kinds of one family. `key` is the setting that chooses among them, `default` what it is without.

    `base` is the section that every kind's settings extend. With `prefixes` a value may go on behind its kind
    ("toy:left"), and what is no kind at all is for the default. Installed packages may add kinds.
    """

    def __init__(
        self,
        name: str,
        kinds: Mapping[str, KindEntry],
        *,
        base: type[Section],
        default: str = "",
        key: str = "kind",
        prefixes: bool = False,
    ) -> None:
        self.name = name
        self.key = key
        self.prefixes = prefixes
        self.default = default
        self.base = base
        self._own = dict(kinds)
        self._installed: dict[str, KindEntry] | None = None
        self.version = 0
        """Counts changes of the registry, for whoever keeps what was made of it."""

    @property
    def kinds(self) -> Mapping[str, KindEntry]:
        """Every kind by its name, those of installed packages last."""
        if self._installed is None:
            found = {point.name: point for point in entry_points(group=f"smartselfie.{self.name}")}
            self._installed = {
                name: KindEntry(point.value, _help(point.value))
                for name, point in found.items()
                if name not in self._own
            }
        return {**self._own, **self._installed}

    def entry(self, kind: str) -> KindEntry:
        """Return the line of a kind. Raises KeyError for a name that nobody has registered."""
        return self._own[kind] if kind in self._own else self.kinds[kind]

    def choose(self, value: object) -> str:
        """Return the kind that a value of the setting `key` chooses. Raises KeyError when it chooses none."""
        text = str(value)
        for name, entry in self._own.items():
            if entry.pattern and re.fullmatch(entry.pattern, text, re.DOTALL):
                return name
        if text in self._own and not self._own[text].pattern:
            return text
        for name in (text, text.partition(":")[0]) if self.prefixes else (text,):
            if name in self.kinds and not self.kinds[name].pattern:
                return name
        if self.prefixes:
            return self.default
        raise KeyError(text)

    def module(self, kind: str) -> Any:
        """Import a kind's module. Raises `PluginError` when another package's cannot be imported."""
        entry = self.entry(kind)
        try:
            return import_module(entry.module)
        except ImportError as error:
            if entry.module.startswith("smartselfie."):
                raise
            raise PluginError(
                f"{self.name}: {kind} cannot be loaded from {entry.module}: {error}",
                remedy="install it again",
            ) from error

    def settings(self, kind: str) -> type[Section]:
        """Return the section that a kind's settings are."""
        if not self.entry(kind).own_settings:
            return self.base
        model: type[Section] = self.module(kind).Settings
        return model

    def build(self, settings: Any, **surroundings: Any) -> Part:
        """Make the part that settings describe. Raises what the kind raises."""
        kind = self.choose(getattr(settings, self.key))
        part: Part = self.module(kind).build(settings, **surroundings)
        return part

    def validate(self, value: Any, info: ValidationInfo) -> Section:
        """Turn a mapping into the settings of the kind it chooses. Raises pydantic's ValidationError."""
        if isinstance(value, Section):
            return value
        if not isinstance(value, Mapping):
            raise PydanticCustomError("mapping", "must be settings such as `name: value`")
        chosen = value.get(self.key, self.default)
        try:
            kind = self.choose(chosen)
        except KeyError:
            detail = InitErrorDetails(type="missing", loc=(self.key,), input=chosen)
            raise ValidationError.from_exception_data(self.name, [detail]) from None
        return self.settings(kind).model_validate(dict(value), context=info.context)

    @property
    def field(self) -> Any:
        """The annotation of a setting that is one of these kinds."""
        serialize: Any = SerializeAsAny
        return (PlainValidator(self.validate), serialize())

    def default_settings(self) -> Any:
        """Return the default kind's settings, all at their defaults."""
        return self.settings(self.default)()

    def help(self) -> str:
        """Return every kind with what it is, for people."""
        called = {name: entry.takes or name for name, entry in self.kinds.items()}
        return " ".join(f"{called[name]}: {entry.help}" for name, entry in self.kinds.items())

    def takes(self) -> str:
        """Return what people may type, in words: "auto, a camera's number, ... or demo"."""
        words = [entry.takes or name for name, entry in self.kinds.items()]
        return ", ".join(words[:-1]) + f" or {words[-1]}"

    @contextmanager
    def registered(self, name: str, entry: KindEntry) -> Iterator[None]:
        """Have one more kind for a while."""
        self._own[name] = entry
        self.version += 1
        try:
            yield
        finally:
            del self._own[name]
            self.version += 1


def _help(module: str) -> str:
    """Return the first line of a module's docstring, or why it cannot be imported."""
    try:
        text = import_module(module).__doc__ or ""
    except ImportError as error:
        return f"cannot be loaded ({error})."
    return text.strip().splitlines()[0] if text.strip() else f"from {module}."
