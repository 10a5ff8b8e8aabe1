"""Messages to people: a hundred messengers by Apprise's addresses, the picture attached."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Literal

from smartselfie.errors import ConfigError, OutputError
from smartselfie.outputs.delivering import Delivering, DeliverySettings, delivering
from smartselfie.outputs.delivery_queue import Delivery
from smartselfie.outputs.extras import need
from smartselfie.outputs.placeholders import fill
from smartselfie.records import Event
from smartselfie.schema.fields import setting
from smartselfie.schema.values import Integer, Switch, Text, Texts
from smartselfie.seams import Surroundings


class Settings(DeliverySettings):
    """The settings of notify: messages to people by Apprise."""

    kind: Literal["notify"] = "notify"
    urls: Texts = setting(
        ...,
        "Apprise's addresses of whom to tell (https://github.com/caronc/apprise/wiki).",
        example=["ntfy://ntfy.sh/my-topic"],
        secret=True,
    )
    title: Text = setting(
        "Smile!", "The message's title; {camera} {date} {time} {score} {event} are filled in."
    )
    body: Text = setting("{name}, happy {score}", "Its text, filled in likewise.")
    attach: Switch = setting(True, "Attach the picture, where the messenger takes one.")
    rate: Integer | None = setting(20, "Most messages in a minute; null: no limit.", gt=0, le=6000)


def build(settings: Settings, *, around: Surroundings) -> Delivering:
    """Make the output. Raises `ExtraMissingError`, `ConfigError` for an address Apprise does not know."""
    need("apprise", extra="notify", kind="notify")
    sender = Notify(settings.urls, title=settings.title, body=settings.body, attach=settings.attach)
    return delivering(sender, settings, around, to="\n".join(settings.urls))


def check(settings: Settings) -> str:
    """Say who would be told. Raises `ExtraMissingError`, `ConfigError`."""
    need("apprise", extra="notify", kind="notify")
    return "notify by " + ", ".join(Notify(settings.urls).names)


class Notify:
    """A `Sender` that tells each address in turn.

    A try after a failure leaves those out that have it already, as long as the program runs: messengers know
    no keys, so that after a kill in between some may get it twice.
    """

    def __init__(
        self, urls: Sequence[str], *, title: str = "Smile!", body: str = "{name}", attach: bool = True
    ) -> None:
        import apprise

        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it logs addresses, and they hold tokens
        self._title, self._body, self._attach = title, body, attach
        self._told: tuple[str, set[int]] = "", set()
        self._targets = []
        self.names: list[str] = []
        """What each address is, without what is secret in it."""
        for number, url in enumerate(urls, 1):
            target = apprise.Apprise()
            with warnings.catch_warnings():  # it loads all its messengers at the first address
                warnings.simplefilter("ignore")
                known = target.add(url)
            if not known:
                scheme = url.partition(":")[0][:20]
                raise ConfigError(
                    f"outputs: notify: Apprise does not know address {number} ({scheme}:...)",
                    remedy="its form is in Apprise's wiki",
                )
            self._targets.append(target)
            self.names.append(str(next(iter(target)).service_name or url.partition(":")[0]))

    def __call__(self, delivery: Delivery) -> None:
        """Tell everybody; what one has not taken is tried again for that one."""
        if self._told[0] != delivery.key:
            self._told = delivery.key, set()
        file = delivery.file
        picture = str(file) if self._attach and file is not None and file.exists() else None
        self._tell(delivery.event, picture, self._told[1])

    def test(self) -> str:
        """Send a message that says it is a test."""
        self._tell({"event": "test", "file": "a test"}, None, set())
        return f"told {', '.join(self.names)}"

    def close(self) -> None:
        """Nothing to give back."""

    def _tell(self, event: Event, picture: str | None, told: set[int]) -> None:
        title, body = fill(self._title, event), fill(self._body, event).strip()
        body = body or str(event.get("event"))  # messengers refuse an empty message
        failed = []
        for number, target in enumerate(self._targets):
            if number in told:
                continue
            if target.notify(title=title, body=body, attach=picture):
                told.add(number)
            else:
                failed.append(self.names[number])
        if failed:
            raise OutputError(f"{', '.join(failed)} took no message", remedy="look at its address")
