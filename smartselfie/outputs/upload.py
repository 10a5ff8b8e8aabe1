"""Pictures into an object store: S3 and what speaks like it, Google's, Azure's, or a folder."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator

from smartselfie.errors import OutputError, RefusedError
from smartselfie.outputs.delivering import Delivering, DeliverySettings, delivering
from smartselfie.outputs.delivery_queue import Delivery
from smartselfie.outputs.extras import need
from smartselfie.outputs.placeholders import camera_name, fill
from smartselfie.schema.fields import setting
from smartselfie.schema.values import Duration, Kind, Text
from smartselfie.seams import Surroundings

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES = ("s3", "gs", "az", "file")
TYPES = {".jpg": "image/jpeg", ".png": "image/png"}


def check_store(to: str) -> str:
    """Return the address of a store. Raises ValueError for any other."""
    parts = urlsplit(to)
    if parts.scheme not in SCHEMES or bool(parts.netloc) == (parts.scheme == "file") or "@" in parts.netloc:
        raise ValueError("must be such as s3://bucket/{camera}/{date}/")
    return to


Store = Annotated[
    str,
    AfterValidator(check_store),
    Kind(
        "store", "an address such as s3://bucket/{camera}/{date}/, gs://, az:// or file:///folder", "address"
    ),
]


class Settings(DeliverySettings):
    """The settings of upload: pictures into an object store."""

    kind: Literal["upload"] = "upload"
    to: Store = setting(
        ...,
        "Bucket and folder: s3://, gs://, az:// or file:///; {camera} {date} {year} {month} {day} {by} are "
        "filled in.",
        example="s3://bucket/{camera}/{date}/",
    )
    camera: Text | None = setting(None, "What stands for {camera}; null: the machine's name.")
    endpoint: Text | None = setting(
        None, "Address of a store that is not Amazon's.", example="https://minio.example.org:9000"
    )
    region: Text | None = setting(None, "Its region; null: what the environment says, else us-east-1.")
    access_key: Text | None = setting(
        None, "Its key; null: what the environment says (AWS_..., GOOGLE_..., AZURE_...).", secret=True
    )
    secret_key: Text | None = setting(None, "And the secret that belongs to it.", secret=True)
    timeout: Duration = setting(60.0, "How long one picture may take; longer counts as away.", gt=0, le=600)


def build(settings: Settings, *, around: Surroundings) -> Delivering:
    """Make the output. Raises `ExtraMissingError`."""
    need("obstore", extra="upload", kind="upload")
    given = {
        "endpoint": settings.endpoint,
        "region": settings.region,
        "access_key_id": settings.access_key,
        "secret_access_key": settings.secret_key,
    }
    sender = Upload(
        settings.to,
        camera=camera_name(settings.camera),
        options={name: value for name, value in given.items() if value is not None},
        timeout=settings.timeout,
    )
    return delivering(sender, settings, around, to=f"{settings.endpoint} {settings.to}")


def check(settings: Settings) -> str:
    """Say where pictures go. Raises `ExtraMissingError`."""
    need("obstore", extra="upload", kind="upload")
    return f"upload to {settings.to}"


class Upload:
    """A `Sender` that puts each picture where nothing is yet (`mode="create"`): a second try changes nothing.

    Where a picture is there already, its bytes are compared: the same ones have arrived. The store checks
    what it got by a checksum where it can. `options` are obstore's of S3; others come from the environment.
    """

    def __init__(
        self, to: str, *, camera: str, options: Mapping[str, str] | None = None, timeout: float = 60.0
    ) -> None:
        self._to, self._camera, self._options, self._timeout = to, camera, dict(options or {}), timeout
        self._where = f"{urlsplit(to).scheme}://{urlsplit(to).netloc}"
        self._store: ObjectStore | None = None

    def __call__(self, delivery: Delivery) -> None:
        """Put the picture of an event into the store; an event without one is none of its business."""
        if delivery.file is None:
            return
        try:
            data = delivery.file.read_bytes()
        except FileNotFoundError as error:
            raise RefusedError(f"{delivery.file.name} was removed before it was sent") from error
        except OSError as error:
            raise OutputError(f"{delivery.file.name} cannot be read: {error.strerror}") from error
        self._put(self._path(delivery.event, delivery.file.name), data)

    def test(self) -> str:
        """Put a small file and take it away again."""
        import obstore

        path = self._path({"event": "test"}, ".smartselfie-test")
        self._put(path, b"smartselfie outputs test\n")
        obstore.delete(self._open(), path)
        return f"{self._where} took {path} and gave it back"

    def close(self) -> None:
        """Nothing to give back."""

    def _put(self, path: str, data: bytes) -> None:
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError, InvalidPathError

        store = self._open()
        try:
            try:
                attributes: Any = None
                if kind := TYPES.get(Path(path).suffix):
                    attributes = {"Content-Type": kind} if urlsplit(self._to).scheme != "file" else None
                obstore.put(
                    store, path, io.BytesIO(data), mode="create", use_multipart=False, attributes=attributes
                )
            except AlreadyExistsError as error:
                there = bytes(obstore.get(store, path).bytes())
                if hashlib.sha256(there).digest() != hashlib.sha256(data).digest():
                    raise RefusedError(f"{self._where} has another picture at {path}") from error
        except InvalidPathError as error:
            raise RefusedError(f"{self._where} takes no such path: {path}") from error
        except BaseError as error:
            raise OutputError(f"{self._where}: {_words(error)}") from error

    def _path(self, event: Mapping[str, object], name: str) -> str:
        path = urlsplit(self._to).path
        if urlsplit(self._to).scheme == "file":
            path = path[len(_static(path)) :]
        folder = "/".join(part for part in fill(path, event, camera=self._camera).split("/") if part)
        return f"{folder}/{name}" if folder else name

    def _open(self) -> ObjectStore:
        if self._store is None:
            from obstore.exceptions import BaseError
            from obstore.store import LocalStore, S3Store, from_url

            parts = urlsplit(self._to)
            late: Any = f"{self._timeout:g}s"
            client: Any = {"timeout": late, "connect_timeout": f"{min(10.0, self._timeout):g}s"}
            once: Any = {"max_retries": 0}  # the queue tries again
            try:
                if parts.scheme == "file":
                    self._store = LocalStore(_static(parts.path), mkdir=True)
                elif parts.scheme == "s3":
                    config: Any = {
                        "region": "us-east-1",
                        "checksum_algorithm": "SHA256",
                        **_from_environment(),
                    }
                    config |= self._options
                    client["allow_http"] = str(config.get("endpoint", "")).startswith("http:")
                    self._store = S3Store(
                        parts.netloc, config=config, client_options=client, retry_config=once
                    )
                else:
                    self._store = from_url(self._where, client_options=client, retry_config=once)
            except (BaseError, OSError, ValueError) as error:
                raise OutputError(f"{self._where}: {_words(error)}") from error
        return self._store


def _static(path: str) -> str:
    """Return the folders before the first that has something to be filled in."""
    head = path.partition("{")[0]
    return head.rpartition("/")[0] or "/"


def _from_environment() -> dict[str, str]:
    import os

    names = {"AWS_REGION": "region", "AWS_DEFAULT_REGION": "region", "AWS_ENDPOINT_URL": "endpoint"}
    return {name: os.environ[variable] for variable, name in names.items() if os.environ.get(variable)}


def _words(error: Exception) -> str:
    """Return the first line of what the store says, without the addresses in it, which may be signed."""
    import re

    text = str(error).strip().partition("\n")[0]
    return re.sub(r"\b[a-z0-9+]+://\S+", "the store", text)[:300]
