"""The settings: `load` a config.yaml, read `settings.trigger.threshold`, change them while running.

settings = load(Path("config.yaml"), ["trigger.threshold=0.7"])
changed = set_values(settings, {"trigger.hold": "400ms"})
needs_restart(settings, changed)                        # []
write_values(Path("config.yaml"), {"trigger.hold": "400ms"})   # every comment stays
"""

from smartselfie.schema.values import Hold, parse_listen
from smartselfie.settings.describe import Setting, catalogue, controls, plain
from smartselfie.settings.file import is_ours, load, needs_restart, set_values
from smartselfie.settings.machine import GpioSettings, PerformanceSettings, WebSettings, WindowSettings
from smartselfie.settings.model import Settings, changes
from smartselfie.settings.pictures import SaverSettings, StorageSettings
from smartselfie.settings.render import render_config
from smartselfie.settings.shooting import MomentSettings, TriggerSettings
from smartselfie.settings.watch import ConfigWatch
from smartselfie.settings.write import write_values

__all__ = [
    "ConfigWatch",
    "GpioSettings",
    "Hold",
    "MomentSettings",
    "PerformanceSettings",
    "SaverSettings",
    "Setting",
    "Settings",
    "StorageSettings",
    "TriggerSettings",
    "WebSettings",
    "WindowSettings",
    "catalogue",
    "changes",
    "controls",
    "is_ours",
    "load",
    "needs_restart",
    "parse_listen",
    "plain",
    "render_config",
    "set_values",
    "write_values",
]
