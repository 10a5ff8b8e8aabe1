"""What Home Assistant reads and says over MQTT: discovery, states, commands. Pure: values in, values out.

https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smartselfie._version import __version__
from smartselfie.records import Arm, Change, Command, Shutter
from smartselfie.schema.values import Hold

Json = dict[str, Any]

BY = ("smile", "key", "button", "web", "mqtt", "other")
"""What asked for a picture: the types of the event `shot`."""
POLICIES = ("any", "all", "largest", "2", "3", "4", "5")
MOST_STATE = 255
"""Characters that a state may have in Home Assistant."""


@dataclass(frozen=True, slots=True)
class Topics:
    """Where everything of one camera is."""

    camera: str
    """Its id: letters, digits, `_` and `-`."""
    prefix: str = "homeassistant"
    """Home Assistant's own prefix for discovery."""

    @property
    def base(self) -> str:
        """What all of the camera's own topics begin with."""
        return f"smartselfie/{self.camera}"

    @property
    def config(self) -> str:
        """The device's discovery."""
        return f"{self.prefix}/device/smartselfie_{self.camera}/config"

    @property
    def birth(self) -> str:
        """Where Home Assistant says that it is there."""
        return f"{self.prefix}/status"

    def of(self, name: str) -> str:
        """One of the camera's own topics."""
        return f"{self.base}/{name}"


def discovery(topics: Topics, *, name: str, hold: object, preview: bool, page: str | None = None) -> Json:
    """Return the retained payload that makes the whole device."""
    device: Json = {
        "identifiers": [f"smartselfie_{topics.camera}"],
        "name": name,
        "manufacturer": "smartselfie",
        "model": "Smile camera",
        "sw_version": __version__,
    }
    if page:
        device["configuration_url"] = page
    return {
        "device": device,
        "origin": {"name": "smartselfie", "sw_version": __version__},
        "availability": [{"topic": topics.of("availability")}],
        "qos": 1,
        "components": {
            key: {"unique_id": f"smartselfie_{topics.camera}_{key}", **component}
            if len(component) > 1
            else component
            for key, component in _components(topics, hold, preview).items()
        },
    }


def _components(topics: Topics, hold: object, preview: bool) -> dict[str, Json]:
    def sensor(name: str, key: str, **more: object) -> Json:
        return {
            "platform": "sensor",
            "name": name,
            "state_topic": topics.of("state"),
            "value_template": f"{{{{ value_json.{key} }}}}",
            **more,
        }

    def problem(name: str, key: str) -> Json:
        return sensor(name, key) | {"platform": "binary_sensor", "device_class": "problem"}

    def command(platform: str, name: str, key: str, **more: object) -> Json:
        return sensor(name, key) | {"platform": platform, "command_topic": topics.of(f"{key}/set"), **more}

    def number(name: str, key: str, **more: object) -> Json:
        return command("number", name, key, entity_category="config", mode="box", **more)

    diagnostic = {"entity_category": "diagnostic", "state_class": "measurement"}
    camera = {"platform": "camera", "name": "Preview", "topic": topics.of("preview")}
    button = {"platform": "button", "name": "Shutter", "icon": "mdi:camera", "payload_press": "PRESS"}
    return {
        "preview": camera if preview else {"platform": "camera"},  # the platform alone takes it away
        "picture": {
            "platform": "image",
            "name": "Last picture",
            "image_topic": topics.of("picture"),
            "content_type": "image/jpeg",
        },
        "shot": {
            "platform": "event",
            "name": "Shot",
            "icon": "mdi:emoticon-happy-outline",
            "state_topic": topics.of("shot"),
            "event_types": list(BY),
        },
        "shutter": {**button, "command_topic": topics.of("shutter/set")},
        "armed": command("switch", "Armed", "armed", payload_on="ON", payload_off="OFF"),
        "threshold": number("Threshold", "threshold", min=0.01, max=1, step=0.01),
        "hold": number("Hold", "hold", **_hold_range(hold)),
        "cooldown": number("Cooldown", "cooldown", min=0, max=60, step=0.1, unit_of_measurement="s"),
        "policy": command("select", "Policy", "policy", options=list(POLICIES), entity_category="config"),
        "state": sensor("State", "state", icon="mdi:state-machine"),
        "why": sensor("Why", "why", icon="mdi:comment-question-outline"),
        "camera_lost": problem("Camera lost", "camera_lost"),
        "disk_full": problem("Disk full", "disk_full"),
        "fps": sensor("Frames a second", "fps", unit_of_measurement="fps", **diagnostic),
        "disk": sensor(
            "Disk free", "disk_free", device_class="data_size", unit_of_measurement="GB", **diagnostic
        ),
        "temperature": sensor(
            "Temperature", "temperature", device_class="temperature", unit_of_measurement="°C", **diagnostic
        ),
    }


def _hold_range(hold: object) -> Json:
    """A hold is a count of frames or a time: the number is in whatever the settings have."""
    if isinstance(hold, Hold) and hold.seconds is not None:
        return {"min": 50, "max": 60_000, "step": 50, "unit_of_measurement": "ms"}
    return {"min": 1, "max": 1000, "step": 1, "unit_of_measurement": "frames"}


def hold_number(hold: object) -> float:
    """Return a hold as the number that is shown: frames, or milliseconds."""
    if isinstance(hold, Hold):
        return round(hold.seconds * 1000) if hold.seconds is not None else hold.frames or 0
    return 0


def shown(text: str) -> str:
    """Shorten a text to what a state may be."""
    return text if len(text) <= MOST_STATE else text[: MOST_STATE - 1] + "…"


def shot_payload(event: Mapping[str, object], key: str, score: float) -> Json:
    """Return what the event `shot` says; the file by its name."""
    by = str(event.get("by"))
    return {
        "event_type": by if by in BY else "other",
        "id": key,
        "file": str(event.get("file") or "").rpartition("/")[2],
        "time": event.get("time"),
        "score": round(score, 4),
        "faces": event.get("faces", []),
    }


def command_of(topics: Topics, topic: str, payload: bytes, *, hold: object) -> Command:
    """Return the command that a message is.

    What a setting may be is decided where the page's changes are decided: in the loop, which refuses with a
    line in the log. Raises ValueError for a message that is no command at all.
    """
    name = topic.removeprefix(f"{topics.base}/").removesuffix("/set")
    text = payload.decode("utf-8", "replace").strip()
    match name:
        case "shutter" if text == "PRESS":
            return Shutter("mqtt")
        case "armed" if text in ("ON", "OFF"):
            return Arm(text == "ON")
        case "threshold" | "cooldown":
            return Change({f"trigger.{name}": _number(text)})
        case "hold":
            number = round(_number(text))
            in_time = isinstance(hold, Hold) and hold.seconds is not None
            return Change({"trigger.hold": f"{number}ms" if in_time else number})
        case "policy":
            return Change({"trigger.policy": int(text) if text.isascii() and text.isdigit() else text[:40]})
        case _:
            raise ValueError(f"{name[:40]}: {text[:40]!r} is no command")


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]!r} is no number")
    return number


def encode(payload: Json) -> str:
    """Write a payload."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
