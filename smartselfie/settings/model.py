"""All settings together, and what differs between two of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, PrivateAttr

from smartselfie.settings.camera import ClassifierSettings, DetectorSettings, SourceSettings
from smartselfie.settings.fields import Section
from smartselfie.settings.machine import GpioSettings, PerformanceSettings, WebSettings, WindowSettings
from smartselfie.settings.pictures import SaverSettings, StorageSettings
from smartselfie.settings.shooting import MomentSettings, TriggerSettings


class Settings(Section):
    """All settings; `Settings()` are the defaults, with relative paths as they stand."""

    source: SourceSettings = Field(default_factory=SourceSettings)
    detector: DetectorSettings = Field(default_factory=DetectorSettings)
    classifier: ClassifierSettings = Field(default_factory=ClassifierSettings)
    trigger: TriggerSettings = Field(default_factory=TriggerSettings)
    moment: MomentSettings | None = Field(default_factory=MomentSettings)
    saver: SaverSettings = Field(default_factory=SaverSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    window: WindowSettings = Field(default_factory=WindowSettings)
    performance: PerformanceSettings = Field(default_factory=PerformanceSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    gpio: GpioSettings = Field(default_factory=GpioSettings)

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
            return part is not None
        if name not in SECTIONS[section].model_fields:
            raise KeyError(key)
        return getattr(part, name) if part is not None else None


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
    return values


def changes(old: Settings, new: Settings) -> list[str]:
    """Return the keys whose values differ, in the order of config.yaml; "moment" when it came or went."""
    keys = []
    for section, model in SECTIONS.items():
        if old.value(section) != new.value(section):
            keys.append(section)
            continue
        names = (f"{section}.{name}" for name in model.model_fields)
        keys += [key for key in names if old.value(key) != new.value(key)]
    return keys
