"""The settings: `load` a config.yaml, read `settings.trigger.threshold`, change them while running.

settings = load(Path("config.yaml"), ["trigger.threshold=0.7"])
changed = set_values(settings, {"trigger.hold": "400ms"})
needs_restart(settings, changed)                        # []
write_values(Path("config.yaml"), {"trigger.hold": "400ms"})   # every comment stays
"""

from smartselfie.settings.camera import Classifier, Detector, Source
from smartselfie.settings.describe import Setting, catalogue, controls, plain
from smartselfie.settings.file import load, needs_restart, set_values
from smartselfie.settings.machine import Gpio, Performance, Web, Window
from smartselfie.settings.model import Settings, changes
from smartselfie.settings.pictures import Saver, Storage
from smartselfie.settings.render import render_config
from smartselfie.settings.shooting import Moment, Trigger
from smartselfie.settings.values import Hold, parse_listen
from smartselfie.settings.watch import ConfigWatch
from smartselfie.settings.write import write_values

__all__ = [
    "Classifier",
    "ConfigWatch",
    "Detector",
    "Gpio",
    "Hold",
    "Moment",
    "Performance",
    "Saver",
    "Setting",
    "Settings",
    "Source",
    "Storage",
    "Trigger",
    "Web",
    "Window",
    "catalogue",
    "changes",
    "controls",
    "load",
    "needs_restart",
    "parse_listen",
    "plain",
    "render_config",
    "set_values",
    "write_values",
]
