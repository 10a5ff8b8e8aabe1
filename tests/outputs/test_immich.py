"""Immich's API as its documentation has it, played by the receiver."""

from __future__ import annotations

import email
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartselfie.errors import OutputError, RefusedError
from smartselfie.outputs.delivery_queue import Delivery
from smartselfie.outputs.immich import Immich
from tests.outputs.receiver import Receiver, receiver
from tests.pictures.shots import save_shot


@pytest.fixture
def there() -> Iterator[Receiver]:
    """A receiver."""
    with receiver() as what:
        what.url = what.url.removesuffix("/hook")
        yield what


def test_a_picture_is_uploaded_with_its_checksum_and_put_into_the_album(
    there: Receiver, tmp_path: Path
) -> None:
    """By the checksum Immich knows a picture that it has, and answers `duplicate`: that is an arrival too."""
    file = save_shot(tmp_path / "a.jpg")
    there.answers, there.body = [201, 200, 200, 200], b'{"id": "asset-1", "status": "created"}'
    send = Immich(there.url, "key", album="album-1", camera="hall")
    for _ in range(2):
        send(Delivery(1, "k", {"event": "shot", "file": str(file), "time": "2026-11-20T18:30:12+00:00"}, 0.0))
    assert [path for path, _, _ in there.got] == ["/api/assets", "/api/albums/album-1/assets"] * 2
    _, headers, body = there.got[0]
    assert headers["x-api-key"] == "key"
    assert headers["x-immich-checksum"] == hashlib.sha1(file.read_bytes()).hexdigest()
    form = email.message_from_bytes(f"Content-Type: {headers['content-type']}\r\n\r\n".encode() + body)
    parts = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in form.get_payload()
    }  # type: ignore[union-attr, misc]
    assert parts["assetData"] == file.read_bytes()
    assert (parts["deviceAssetId"], parts["deviceId"]) == (b"a.jpg", b"smartselfie-hall")
    assert parts["fileCreatedAt"] == b"2026-11-20T18:30:12+00:00"
    assert json.loads(there.got[1][2]) == {"ids": ["asset-1"]}


def test_a_wrong_key_waits_and_a_bad_picture_does_not(there: Receiver, tmp_path: Path) -> None:
    """The owner can put a key right; nobody can put right what Immich does not take."""
    shot = Delivery(1, "k", {"event": "shot", "file": str(save_shot(tmp_path / "a.jpg"))}, 0.0)
    there.answers = [401]
    with pytest.raises(OutputError, match="answered 401 Unauthorized; look at its address and its password"):
        Immich(there.url, "key")(shot)
    there.answers = [400]
    with pytest.raises(RefusedError, match="answered 400"):
        Immich(there.url, "key")(shot)
