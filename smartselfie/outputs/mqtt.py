"""A broker, and with it Home Assistant: the camera as a device, its pictures, its switches."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator

from smartselfie.errors import BusyError
from smartselfie.outputs import BaseOutput
from smartselfie.outputs.delivering import Delivering, DeliverySettings, delivering
from smartselfie.outputs.delivery_queue import Delivery
from smartselfie.outputs.extras import need
from smartselfie.outputs.home_assistant import (
    Json,
    Topics,
    command_of,
    discovery,
    encode,
    hold_number,
    shot_payload,
    shown,
)
from smartselfie.outputs.mqtt_client import Broker, BrokerOptions, Message
from smartselfie.outputs.mqtt_values import free_gigabytes, jpeg, picture_bytes, temperature
from smartselfie.outputs.placeholders import camera_name, happiest
from smartselfie.records import Event, State, View
from smartselfie.schema.fields import setting
from smartselfie.schema.values import Duration, Kind, PathSetting, Switch, Text, Texts
from smartselfie.seams import Surroundings

log = logging.getLogger(__name__)

SLOW = 30.0
"""Seconds between two looks at what changes slowly: frame rate, disk, temperature."""
PREVIEW_WIDTH = 480
"""Pixels."""
_SEEN = {
    "camera_lost": ("camera_lost", "ON"),
    "camera_back": ("camera_lost", "OFF"),
    "disk_full": ("disk_full", "ON"),
}


def check_broker(url: str) -> str:
    """Return a broker's address. Raises ValueError for anything else, in words that do not show it."""
    parts = urlsplit(url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ValueError("must be such as mqtt://host:1883")
    _ = parts.port
    return url


BrokerUrl = Annotated[
    str,
    AfterValidator(check_broker),
    Kind("url", "an address such as mqtt://host:1883 or mqtts://host:8883", "URL"),
]


class Settings(DeliverySettings):
    """The settings of mqtt: a broker, and with it Home Assistant."""

    kind: Literal["mqtt"] = "mqtt"
    broker: BrokerUrl = setting(
        ..., "The broker; mqtts is encrypted.", example="mqtt://homeassistant.local:1883", secret=True
    )
    only: Texts = setting(
        (), "Leave it []: what is wrong with camera and disk is told by other events than shot."
    )
    user: Text | None = setting(None, "Who logs in; null: nobody has to.")
    password: Text | None = setting(None, "And the password.", secret=True)
    ca: PathSetting | None = setting(
        None, "PEM file of who signed the broker's certificate; null: the system's."
    )
    certificate: PathSetting | None = setting(
        None, "This camera's certificate (PEM), where the broker asks for one."
    )
    key: PathSetting | None = setting(None, "The key that belongs to the certificate (PEM).")
    camera: Text | None = setting(
        None, "The camera's id in topics, unlike any other's; null: the machine's name."
    )
    discovery: Text = setting("homeassistant", "Home Assistant's prefix for discovery.")
    commands: Switch = setting(
        True, "Obey the shutter, the switch and the settings that come from the broker."
    )
    preview: Duration | None = setting(
        1.0, "How often a small live picture is sent; null: never.", ge=0.2, le=3600
    )


def build(settings: Settings, *, around: Surroundings) -> MqttOutput:
    """Make the output; it connects once the program runs. Raises `ExtraMissingError`, `ConfigError`."""
    need("paho", extra="mqtt", kind="mqtt")
    camera = camera_name(settings.camera)
    topics = Topics(camera, settings.discovery)
    parts = urlsplit(settings.broker)
    user, password = (None if each is None else unquote(each) for each in (parts.username, parts.password))
    broker = Broker(
        BrokerOptions(
            host=parts.hostname or "",
            port=parts.port or (8883 if parts.scheme == "mqtts" else 1883),
            tls=parts.scheme == "mqtts",
            user=settings.user or user,
            password=settings.password or password,
            ca=settings.ca,
            certificate=settings.certificate,
            key=settings.key,
            timeout=settings.timeout,
        ),
        client_id=f"smartselfie-{camera}",
        availability=topics.of("availability"),
    )
    shots = MqttShots(broker, topics)
    far = f"{parts.hostname}:{parts.port} {camera}"
    return MqttOutput(
        broker,
        topics,
        delivering(shots, settings, around, to=far),
        around=around,
        commands=settings.commands,
        preview=settings.preview,
    )


def check(settings: Settings) -> str:
    """Say which broker. Raises `ExtraMissingError`."""
    need("paho", extra="mqtt", kind="mqtt")
    parts = urlsplit(settings.broker)
    return f"mqtt at {parts.hostname}:{parts.port or 1883}"


class MqttShots:
    """A `Sender`: the last picture, retained, and behind it the event `shot`, once to the broker (QoS 2).

    Only a kill between its arrival and our note of it sends it once more, with the same `id` in it.
    """

    def __init__(self, broker: Broker, topics: Topics) -> None:
        self._broker, self._topics = broker, topics

    def __call__(self, delivery: Delivery) -> None:
        """Publish a shot; other events have their place in the state."""
        if delivery.event.get("event") != "shot":
            return
        payload = shot_payload(delivery.event, delivery.key, happiest(delivery.event))
        picture = None if delivery.file is None else picture_bytes(delivery.file)
        messages: list[Message] = [(self._topics.of("shot"), encode(payload), 2, False)]
        if picture is not None:
            messages.insert(0, (self._topics.of("picture"), picture, 1, True))
        self._broker.deliver(delivery.key, messages)

    def test(self) -> str:
        """Publish to a topic of its own; nothing listens there."""
        return self._broker.test(self._topics.of("test"))

    def close(self) -> None:
        """The broker is the output's."""


class MqttOutput(BaseOutput):
    """The camera as Home Assistant's device. Owns the broker's connection and the queue of shots.

    What only counts now (states, the preview) is not queued: it is published again when the broker is back.
    """

    def __init__(
        self,
        broker: Broker,
        topics: Topics,
        shots: Delivering,
        *,
        around: Surroundings,
        commands: bool = True,
        preview: float | None = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._broker, self._topics, self._shots, self._around = broker, topics, shots, around
        self._commands, self._preview, self._clock = commands, preview, clock
        self._lock = threading.Lock()  # guards the states, which two threads publish
        self._state: Json = {"camera_lost": "OFF", "disk_full": "OFF"}
        self._sent = ""
        self._announced = ""
        self._slow_due = self._preview_due = float("-inf")
        self.view_every = min(0.5, preview or 0.5)

    def begin(self) -> None:
        """Connect, and send what an earlier run has left."""
        listen = {self._topics.birth: self._on_birth}
        if self._commands:
            listen[self._topics.of("+/set")] = self._on_command
        self._broker.start(self._on_connect, listen)
        self._shots.begin()

    def event(self, event: Event) -> None:
        """Queue a shot; note what it says of camera and disk."""
        name = str(event.get("event"))
        if name == "shot":
            self._shots.event(event)
        if name in _SEEN and event.get("reason") not in ("frozen", "black"):
            key, value = _SEEN[name]
            with self._lock:
                self._state[key] = value
            self._publish_state()

    def view(self, view: View) -> None:
        """Publish the state when it changed, and the preview when it is due."""
        now = self._clock()
        state = self._state_of(view)
        if now >= self._slow_due:
            self._slow_due = now + SLOW
            state |= self._slow(view)
        if not view.notices:  # nothing is wrong
            state |= {"camera_lost": "OFF", "disk_full": "OFF"}
        with self._lock:
            self._state |= state
        self._announce()
        self._publish_state()
        if self._preview is not None and now >= self._preview_due and self._broker.connected:
            self._preview_due = now + self._preview
            self._broker.show(self._topics.of("preview"), jpeg(view.frame.image, PREVIEW_WIDTH, 70))

    def report(self) -> dict[str, object]:
        """How the queue and the connection are."""
        report = self._shots.report()
        return {**report, "trouble": report["trouble"] or self._broker.trouble}

    def revive(self) -> int:
        """Let dead letters wait again."""
        return self._shots.revive()

    def forget_dead(self) -> int:
        """Throw dead letters away."""
        return self._shots.forget_dead()

    def test(self) -> str:
        """Connect, publish and leave. Raises `OutputError`."""
        return self._shots.test()

    def remove(self) -> str:
        """Take the device away from Home Assistant, and what the broker keeps of it. Raises `OutputError`."""
        kept = [
            self._topics.config,
            *(self._topics.of(name) for name in ("state", "picture", "availability")),
        ]
        return self._broker.clear(kept)

    def close(self) -> None:
        """Send what waits for a moment, say that the camera is gone, and leave."""
        self._shots.close()
        self._broker.close()

    def _on_connect(self) -> None:
        with self._lock:
            self._announced = self._sent = ""
        self._announce()
        self._publish_state()
        self._shots.hurry()

    def _on_birth(self, topic: str, payload: bytes) -> None:
        if payload == b"online":
            self._on_connect()

    def _on_command(self, topic: str, payload: bytes) -> None:
        try:
            hold = self._around.value("trigger.hold")
            self._around.send(command_of(self._topics, topic, payload, hold=hold))
        except (ValueError, BusyError) as error:
            log.warning("output mqtt: a command is refused: %s", error)

    def _announce(self) -> None:
        """Publish the device, where it is not known or has changed."""
        hold = self._around.value("trigger.hold")
        name = f"smartselfie {self._topics.camera}"
        page = self._around.value("web.public_url")
        text = encode(
            discovery(
                self._topics,
                name=name,
                hold=hold,
                preview=self._preview is not None,
                page=str(page) if page else None,
            )
        )
        with self._lock:
            if text == self._announced or not self._broker.connected:
                return
            self._announced = text
        self._broker.publish(self._topics.config, text, retain=True)

    def _publish_state(self) -> None:
        with self._lock:
            text = encode(self._state)
            if text == self._sent or not self._broker.connected:
                return
            self._sent = text
        self._broker.publish(self._topics.of("state"), text, retain=True)

    def _state_of(self, view: View) -> Json:
        value = self._around.value
        return {
            "state": view.decision.state.value,
            "why": shown(view.decision.why),
            "armed": "OFF" if view.decision.state is State.DISARMED else "ON",
            "threshold": value("trigger.threshold"),
            "hold": hold_number(value("trigger.hold")),
            "cooldown": value("trigger.cooldown"),
            "policy": str(value("trigger.policy")),
            "faces": len(view.faces),
            "shots": view.shots,
        }

    def _slow(self, view: View) -> Json:
        free = free_gigabytes(self._around.folder)
        return {"fps": round(view.fps, 1), "disk_free": free, "temperature": temperature()}
