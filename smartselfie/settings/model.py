"""All settings together, and what differs between two of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, PrivateAttr

from smartselfie.settings.camera import Classifier, Detector, Source
from smartselfie.settings.fields import Section
from smartselfie.settings.machine import Gpio, Performance, Web, Window
from smartselfie.settings.pictures import Saver, Storage
from smartselfie.settings.shooting import Moment, Trigger


class Settings(Section):
    """All settings; `Settings()` are the defaults, with relative paths as they stand."""

    source: Source = Field(default_factory=Source)
    detector: Detector = Field(default_factory=Detector)
    classifier: Classifier = Field(default_factory=Classifier)
    trigger: Trigger = Field(default_factory=Trigger)
    moment: Moment | None = Field(default_factory=Moment)
    saver: Saver = Field(default_factory=Saver)
    storage: Storage = Field(default_factory=Storage)
    window: Window = Field(default_factory=Window)
    performance: Performance = Field(default_factory=Performance)
    web: Web = Field(default_factory=Web)
    gpio: Gpio = Field(default_factory=Gpio)

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
    "source": Source,
    "detector": Detector,
    "classifier": Classifier,
    "trigger": Trigger,
    "moment": Moment,
    "saver": Saver,
    "storage": Storage,
    "window": Window,
    "performance": Performance,
    "web": Web,
    "gpio": Gpio,
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
