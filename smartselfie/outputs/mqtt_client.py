"""The connection to a broker: made again whenever it is lost, bounded in what waits for it."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smartselfie.errors import ConfigError, OutputError

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessageInfo

log = logging.getLogger(__name__)

KEEPALIVE = 20
"""Seconds after which a broker that says nothing is asked; after half as many more it counts as gone."""
RECONNECT = (1, 15)
"""Shortest and longest pause in seconds between two tries to connect."""
CONNECT = 3.0
"""Seconds that a broker has to take a connection."""
LEAVE = 1.0
"""Seconds for saying good-bye."""
REFUSALS = {
    "Not authorized": "user or password is wrong",
    "Bad user name or password": "user or password is wrong",
}

Message = tuple[str, str | bytes, int, bool]
"""Topic, payload, QoS, and whether the broker keeps it."""
Listener = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """Where the broker is, and who asks."""

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    timeout: float = 10.0
    """Seconds that a message may take to be confirmed."""


class Broker:
    """A connection that `start` begins and `close` ends; paho's thread keeps it up in between.

    `availability` is retained "online" while it stands; the broker itself makes it "offline" when it breaks.
    Raises `ConfigError` for certificates that cannot be read.
    """

    def __init__(self, options: BrokerOptions, *, client_id: str, availability: str) -> None:
        self._options, self._id, self._availability = options, client_id, availability
        self._tls = _context(options) if options.tls else None
        self._client: Client | None = None
        self._up, self._once_up = threading.Event(), threading.Event()
        self._trouble = ""
        self._said = False
        self._listeners: Mapping[str, Listener] = {}
        self._shown: MQTTMessageInfo | None = None
        self._pending: tuple[str, list[MQTTMessageInfo]] = "", []

    @property
    def connected(self) -> bool:
        """Whether messages can be published now."""
        return self._up.is_set()

    @property
    def trouble(self) -> str:
        """Why it is not connected; empty while it is."""
        return "" if self.connected else self._trouble

    @property
    def name(self) -> str:
        """The broker as it may be shown."""
        return f"{self._options.host}:{self._options.port}"

    def start(self, on_connect: Callable[[], None], listeners: Mapping[str, Listener]) -> None:
        """Connect, now and again when the connection is lost; `listeners` hear topics, in paho's thread."""
        self._listeners = listeners
        self._on_connect = on_connect
        client = self._client = self._make(clean=False)
        client.connect_async(self._options.host, self._options.port, KEEPALIVE)
        client.loop_start()

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        """Publish what counts only now; without a connection it is left out. Never waits."""
        if self._client is not None and self.connected:
            self._client.publish(topic, payload, 1, retain)

    def show(self, topic: str, payload: bytes) -> None:
        """Publish the newest of many; left out while the one before is still on its way. Never waits."""
        if self._shown is not None and not self._shown.is_published():
            return
        if self._client is not None and self.connected:
            self._shown = self._client.publish(topic, payload, 0)

    def deliver(self, key: str, messages: Sequence[Message]) -> None:
        """Publish messages and return when the broker has confirmed all. Raises `OutputError`.

        Called again with the same key it waits for those that are on their way, and makes no new ones.
        """
        if self._client is None or not self.connected:
            raise OutputError(self._trouble or f"{self.name} is not there")
        if self._pending[0] != key:
            self._pending = key, [self._client.publish(*message) for message in messages]
        end = time.monotonic() + self._options.timeout
        for info in self._pending[1]:
            try:
                info.wait_for_publish(max(0.0, end - time.monotonic()))
            except (RuntimeError, ValueError) as error:  # it was not even queued
                self._pending = "", []
                raise OutputError(f"{self.name} takes no message") from error
            if not info.is_published():
                raise OutputError(f"{self.name} has confirmed nothing for {self._options.timeout:g} s")
        self._pending = "", []

    def test(self, topic: str) -> str:
        """Connect, publish a message and leave. Raises `OutputError`."""
        return self._once([(topic, b"test", False)], f"{self.name} took a message")

    def clear(self, topics: Sequence[str]) -> str:
        """Publish empty retained messages and leave. Raises `OutputError`."""
        return self._once(
            [(topic, b"", True) for topic in topics], f"{self.name} keeps nothing of this camera"
        )

    def close(self) -> None:
        """Say good-bye and leave, within a moment. Harmless when repeated."""
        client, self._client = self._client, None
        if client is None:
            return
        if self.connected:
            info = client.publish(self._availability, "offline", 1, True)
            with suppress(RuntimeError, ValueError):  # it cannot be queued any more
                info.wait_for_publish(LEAVE)
        self._up.clear()
        client.disconnect()
        leave = threading.Thread(target=client.loop_stop, name="mqtt-leave", daemon=True)
        leave.start()  # it may wait for a broker that takes no connection
        leave.join(LEAVE)

    def _once(self, messages: Sequence[tuple[str, bytes, bool]], well: str) -> str:
        self._once_up.clear()
        client = self._make(clean=True, suffix="-once")
        try:
            client.connect_async(self._options.host, self._options.port, KEEPALIVE)
            client.loop_start()
            if not self._once_up.wait(self._options.timeout):
                raise OutputError(self._trouble or f"{self.name} does not answer")
            for info in [client.publish(topic, payload, 1, retain) for topic, payload, retain in messages]:
                info.wait_for_publish(self._options.timeout)
                if not info.is_published():
                    raise OutputError(f"{self.name} confirms nothing")
        finally:
            client.disconnect()
            client.loop_stop()
        return well

    def _make(self, *, clean: bool, suffix: str = "") -> Client:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        client = Client(CallbackAPIVersion.VERSION2, client_id=self._id + suffix, clean_session=clean)
        if self._options.user is not None:
            client.username_pw_set(self._options.user, self._options.password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        client.connect_timeout = CONNECT
        client.reconnect_delay_set(*RECONNECT)
        client.max_queued_messages_set(100)
        client.on_connect = self._connected
        client.on_connect_fail = self._failed
        client.on_disconnect = self._lost
        if not suffix:
            client.will_set(self._availability, "offline", 1, True)
            client.on_message = self._heard
        return client

    def _connected(self, client: Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            why = REFUSALS.get(str(reason), str(reason).lower())
            self._complain(f"{self.name} refuses: {why}")
            return
        if client is not self._client:
            self._once_up.set()
            return
        if self._trouble and self._said:
            log.info("output mqtt: %s is back", self.name)
        self._trouble, self._said = "", False
        self._up.set()
        if client is self._client:
            for topic in self._listeners:
                client.subscribe(
                    topic, 0
                )  # a broker keeps no commands for later: nobody wants an old shutter
            client.publish(self._availability, "online", 1, True)
            self._on_connect()

    def _failed(self, client: Client, data: Any) -> None:
        self._complain(f"{self.name} is not there, or takes no connection")

    def _lost(self, client: Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if client is not self._client:
            return
        was_up = self._up.is_set()
        self._up.clear()
        if reason.is_failure and (was_up or not self._trouble):
            self._complain(f"{self.name}: the connection was lost ({str(reason).lower()})")

    def _heard(self, client: Client, data: Any, message: Any) -> None:
        if message.retain and message.topic.endswith("/set"):
            return  # kept by the broker from who knows when
        from paho.mqtt.client import topic_matches_sub

        for topic, listener in self._listeners.items():
            if topic_matches_sub(topic, message.topic):
                try:
                    listener(message.topic, message.payload)
                except Exception:  # whatever came, the connection goes on
                    log.warning("output mqtt: %s: a message is of no use", message.topic, exc_info=True)

    def _complain(self, why: str) -> None:
        self._trouble = why
        if not self._said and self._client is not None:
            self._said = True
            log.warning("output mqtt: %s; trying again", why)


def _context(options: BrokerOptions) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=None if options.ca is None else str(options.ca))
        if options.certificate is not None:
            context.load_cert_chain(options.certificate, options.key)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"outputs: mqtt: its certificates cannot be read: {reason}",
            remedy="look at ca, certificate and key",
        ) from error
    return context
