"""A webhook: each event is posted as JSON, signed, with a key by which a second try is known for one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator

from smartselfie.outputs.delivering import Delivering, DeliverySettings, delivering
from smartselfie.outputs.delivery_queue import Delivery
from smartselfie.outputs.http import check_url, far_side, judge, request
from smartselfie.schema.fields import setting
from smartselfie.schema.values import Kind, PathSetting, Switch, Text
from smartselfie.seams import Surroundings

MOST_ATTACHED = 20_000_000
"""Bytes of a picture that is sent along."""

Url = Annotated[str, AfterValidator(check_url), Kind("url", "an address such as https://host/path", "URL")]


class Settings(DeliverySettings):
    """The settings of webhook: each event is posted to an address as JSON."""

    kind: Literal["webhook"] = "webhook"
    url: Url = setting(..., "Where it is posted.", example="https://example.org/hook", secret=True)
    secret: Text | None = setting(
        None,
        "Signs each post as Standard Webhooks say (whsec_ and base64, or any text); null: no signature.",
        secret=True,
    )
    picture: Switch = setting(False, "Send the picture along, as base64 in the JSON.")
    ca: PathSetting | None = setting(
        None,
        "A PEM file of the authority that signed the far side's certificate; null: the system's.",
    )


def build(settings: Settings, *, around: Surroundings) -> Delivering:
    """Make the output."""
    sender = Webhook(
        settings.url,
        secret=settings.secret,
        picture=settings.picture,
        timeout=settings.timeout,
        ca=None if settings.ca is None else str(settings.ca),
    )
    return delivering(sender, settings, around, to=settings.url)


def check(settings: Settings) -> str:
    """Say who would be told."""
    return f"webhook to {far_side(settings.url)}"


class Webhook:
    """A `Sender` that posts. `secret` is text, or `whsec_` and base64; `now` is the wall clock in seconds.

    The body is `{"type": "shot", "id": ..., "timestamp": ..., "data": {the event}}`; `webhook-id` is the
    delivery's key, the same at every try, and `webhook-signature` covers id, time and body
    (https://www.standardwebhooks.com).
    """

    def __init__(
        self,
        url: str,
        *,
        secret: str | None = None,
        picture: bool = False,
        timeout: float = 10.0,
        ca: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._url, self._picture, self._timeout, self._ca, self._now = url, picture, timeout, ca, now
        self._secret = None if secret is None else secret_bytes(secret)

    def __call__(self, delivery: Delivery) -> None:
        """Post; any answer of 200 to 299 says that it has arrived."""
        data = dict(delivery.event)
        if delivery.file is not None:
            data["file"] = delivery.file.name  # where it lies on this machine is nobody's business
            if self._picture:
                data["picture"] = _as_base64(delivery.file)
        what = {"type": data.get("event"), "id": delivery.key, "timestamp": delivery.added, "data": data}
        self._post(json.dumps(what, ensure_ascii=False).encode(), delivery.key)

    def test(self) -> str:
        """Post an event `test`."""
        body = {"type": "test", "id": "test", "timestamp": self._now(), "data": {"event": "test"}}
        self._post(json.dumps(body).encode(), f"test-{self._now():.3f}")
        return f"{far_side(self._url)} took an event `test`"

    def close(self) -> None:
        """Nothing to give back."""

    def _post(self, body: bytes, key: str) -> None:
        at = str(int(self._now()))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": f'"{key}"',
            "webhook-id": key,
            "webhook-timestamp": at,
        }
        if self._secret is not None:
            headers["webhook-signature"] = sign(self._secret, key, at, body)
        reply = request("POST", self._url, body=body, headers=headers, timeout=self._timeout, ca=self._ca)
        judge(reply, self._url)


def sign(secret: bytes, key: str, at: str, body: bytes) -> str:
    """Return the signature of a post: version and base64 of HMAC-SHA-256 over "id.time.body"."""
    signed = hmac.new(secret, f"{key}.{at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()


def secret_bytes(secret: str) -> bytes:
    """Return a secret as it signs: `whsec_` stands before base64, anything else is itself."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def _as_base64(file: Path) -> str | None:
    try:
        data = file.read_bytes() if file.stat().st_size <= MOST_ATTACHED else None
    except OSError:  # removed in the meantime: the event is still news
        return None
    return None if data is None else base64.b64encode(data).decode()
