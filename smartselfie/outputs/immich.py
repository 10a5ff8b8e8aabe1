"""Pictures into Immich, which knows a picture it has by its checksum."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from smartselfie.errors import OutputError, RefusedError
from smartselfie.outputs.delivering import Delivering, DeliverySettings, delivering
from smartselfie.outputs.delivery_queue import Delivery
from smartselfie.outputs.http import far_side, judge, request
from smartselfie.outputs.placeholders import camera_name
from smartselfie.outputs.webhook import Url
from smartselfie.schema.fields import setting
from smartselfie.schema.values import Duration, Text
from smartselfie.seams import Surroundings


class Settings(DeliverySettings):
    """The settings of immich: pictures into Immich."""

    kind: Literal["immich"] = "immich"
    url: Url = setting(..., "Where Immich is.", example="http://immich.local:2283")
    api_key: Text = setting(
        ...,
        "A key from Immich's account settings, allowed asset.upload and albumAsset.create.",
        example="...",
        secret=True,
    )
    album: Text | None = setting(None, "Id of an album that pictures are added to; null: none.")
    camera: Text | None = setting(None, "The device that Immich shows; null: the machine's name.")
    timeout: Duration = setting(60.0, "How long one picture may take; longer counts as away.", gt=0, le=600)


def build(settings: Settings, *, around: Surroundings) -> Delivering:
    """Make the output."""
    sender = Immich(
        settings.url,
        settings.api_key,
        album=settings.album,
        camera=camera_name(settings.camera),
        timeout=settings.timeout,
    )
    return delivering(sender, settings, around, to=settings.url)


def check(settings: Settings) -> str:
    """Say where pictures go."""
    return f"immich at {far_side(settings.url)}"


class Immich:
    """A `Sender` that uploads pictures (Immich's `POST /api/assets`), each once by its SHA-1."""

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        album: str | None = None,
        camera: str = "camera",
        timeout: float = 60.0,
    ) -> None:
        self._url = url.rstrip("/").removesuffix("/api") + "/api"
        self._key, self._album, self._camera, self._timeout = api_key, album, camera, timeout

    def __call__(self, delivery: Delivery) -> None:
        """Upload the picture of an event, and put it into the album; one that Immich has stays as it is."""
        if delivery.file is None:
            return
        try:
            data = delivery.file.read_bytes()
            written = datetime.fromtimestamp(delivery.file.stat().st_mtime, UTC).isoformat()
        except FileNotFoundError as error:
            raise RefusedError(f"{delivery.file.name} was removed before it was sent") from error
        except OSError as error:
            raise OutputError(f"{delivery.file.name} cannot be read: {error.strerror}") from error
        fields = {
            "deviceAssetId": delivery.file.name,
            "deviceId": f"smartselfie-{self._camera}",
            "fileCreatedAt": str(delivery.event.get("time") or written),
            "fileModifiedAt": written,
        }
        kind, body = multipart(fields, "assetData", delivery.file.name, data)
        checksum = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        answer = self._ask("POST", "/assets", body, {"Content-Type": kind, "x-immich-checksum": checksum})
        if self._album is not None and isinstance(answer.get("id"), str):
            ids = json.dumps({"ids": [answer["id"]]}).encode()
            self._ask("PUT", f"/albums/{self._album}/assets", ids, {"Content-Type": "application/json"})

    def test(self) -> str:
        """Ask whose key it is: nothing is uploaded."""
        answer = self._ask("GET", "/users/me", None, {})
        return f"{far_side(self._url)} knows the key of {answer.get('name') or 'its user'}"

    def close(self) -> None:
        """Nothing to give back."""

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> dict[str, object]:
        sent = {"x-api-key": self._key, "Accept": "application/json", **headers}
        reply = request(method, self._url + path, body=body, headers=sent, timeout=self._timeout)
        judge(reply, self._url)
        try:
            answer = json.loads(reply.body or b"{}")
        except ValueError as error:
            raise OutputError(f"{far_side(self._url)} does not answer as Immich does") from error
        return answer if isinstance(answer, dict) else {}


def multipart(fields: Mapping[str, str], name: str, file: str, data: bytes) -> tuple[str, bytes]:
    """Return content type and body of a form with one file."""
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    quoted = file.replace("\\", "_").replace('"', "_").replace("\r", "_").replace("\n", "_")
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{quoted}"\r\n'
    parts += [
        f"{head}Content-Type: application/octet-stream\r\n\r\n".encode(),
        data,
        f"\r\n--{boundary}--\r\n".encode(),
    ]
    return f"multipart/form-data; boundary={boundary}", b"".join(parts)
