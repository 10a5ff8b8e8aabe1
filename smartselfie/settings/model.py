"""All settings together, and what differs between two of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, PrivateAttr

from smartselfie.classifiers import CLASSIFIERS, ClassifierSettings
from smartselfie.detectors import DETECTORS, DetectorSettings
from smartselfie.outputs import OUTPUTS, OutputSettings
from smartselfie.schema.fields import Section
from smartselfie.schema.kinds import Family
from smartselfie.settings.machine import GpioSettings, PerformanceSettings, WebSettings, WindowSettings
from smartselfie.settings.pictures import SaverSettings, StorageSettings
from smartselfie.settings.shooting import MomentSettings, TriggerSettings
from smartselfie.sources import SOURCES, SourceSettings


class Settings(Section):
    """All settings; `Settings()` are the defaults, with relative paths as they stand."""

    source: Annotated[SourceSettings, *SOURCES.field] = Field(default_factory=SourceSettings)
    detector: Annotated[DetectorSettings, *DETECTORS.field] = Field(
        default_factory=DETECTORS.default_settings
    )
    classifier: Annotated[ClassifierSettings, *CLASSIFIERS.field] = Field(
        default_factory=CLASSIFIERS.default_settings
    )
    trigger: TriggerSettings = Field(default_factory=TriggerSettings)
    moment: MomentSettings | None = Field(default_factory=MomentSettings)
    saver: SaverSettings = Field(default_factory=SaverSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    window: WindowSettings = Field(default_factory=WindowSettings)
    performance: PerformanceSettings = Field(default_factory=PerformanceSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    gpio: GpioSettings = Field(default_factory=GpioSettings)
    outputs: Annotated[
        tuple[Annotated[OutputSettings, *OUTPUTS.field], ...],
        BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
    ] = ()

    _base: Path | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any) -> None:
        """Keep the folder that relative paths are relative to."""
        self._base = context.get("base") if context else None

    @property
    def base(self) -> Path | None:
        """The folder that relative paths are relative to; None: whatever the working folder is."""
        return self._base

    @property
    def explicit(self) -> frozenset[str]:
        """The keys that somebody gave, such as "trigger.threshold"; all others have their defaults."""
        return frozenset(given_values(self))

    def value(self, key: str) -> object:
        """Return the value of "trigger.threshold", or of "moment": whether there is one. Raises KeyError."""
        section, _, name = key.partition(".")
        if section not in Settings.model_fields:
            raise KeyError(key)
        part = getattr(self, section)
        if not name:
            return part if section == LIST else part is not None
        if section == LIST or name not in self.model_of(section).model_fields:
            raise KeyError(key)
        return getattr(part, name) if part is not None else None

    def model_of(self, section: str) -> type[Section]:
        """Return the model of a section as it is here: that of the chosen kind, where there are several."""
        part = getattr(self, section)
        return type(part) if isinstance(part, Section) else SECTIONS[section]


SECTIONS: dict[str, type[Section]] = {
    "source": SourceSettings,
    "detector": DetectorSettings,
    "classifier": ClassifierSettings,
    "trigger": TriggerSettings,
    "moment": MomentSettings,
    "saver": SaverSettings,
    "storage": StorageSettings,
    "window": WindowSettings,
    "performance": PerformanceSettings,
    "web": WebSettings,
    "gpio": GpioSettings,
}
"""The sections by name, in the order of config.yaml."""

FAMILIES: dict[str, Family[Any]] = {"source": SOURCES, "detector": DETECTORS, "classifier": CLASSIFIERS}
"""Sections whose settings depend on the kind that is chosen in them."""

LIST = "outputs"
"""The section that is a list; each of its items is of a kind of `OUTPUTS`."""

OPTIONAL_SECTIONS = frozenset({"moment"})
"""Sections that may be null as a whole."""


def given_values(settings: Settings) -> dict[str, object]:
    """Return what was given, by dotted key; a section that is null as a whole is there by its name."""
    values: dict[str, object] = {}
    for section in SECTIONS:
        part = getattr(settings, section)
        if isinstance(part, BaseModel):
            for name in part.model_fields_set:
                values[f"{section}.{name}"] = getattr(part, name)
        else:
            values[section] = None
    if settings.outputs:
        values[LIST] = settings.outputs
    return values


def changes(old: Settings, new: Settings) -> list[str]:
    """Return the keys whose values differ, in the order of config.yaml; "moment" when it came or went.

    Where another kind is chosen, settings that only one of the two has do not count: `kind` says it all.
    """
    keys = []
    for section in SECTIONS:
        if old.value(section) != new.value(section):
            keys.append(section)
            continue
        before, after = old.model_of(section).model_fields, new.model_of(section).model_fields
        names = (f"{section}.{name}" for name in after if name in before)
        keys += [key for key in names if old.value(key) != new.value(key)]
    return [*keys, *([LIST] if old.outputs != new.outputs else [])]
