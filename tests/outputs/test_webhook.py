"""A webhook against a real HTTP receiver on loopback, with every fault it can have."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartselfie.errors import ConfigError, OutputError, RefusedError
from smartselfie.outputs.delivery_queue import Delivery
from smartselfie.outputs.http import far_side
from smartselfie.outputs.webhook import Webhook
from smartselfie.settings import load
from tests.outputs.receiver import Receiver, receiver
from tests.pictures.shots import save_shot

SHOT = Delivery(1, "key-1", {"event": "shot", "file": "/pictures/a.jpg"}, added=12.5)


@pytest.fixture
def there() -> Iterator[Receiver]:
    """A receiver that takes everything."""
    with receiver() as what:
        yield what


def test_a_post_is_signed_and_has_its_key(there: Receiver) -> None:
    """By Standard Webhooks: HMAC-SHA-256 over id, time and body; the file by its name only."""
    secret = b"0123456789abcdef"
    send = Webhook(there.url, secret="whsec_" + base64.b64encode(secret).decode(), now=lambda: 1700000000.9)
    send(SHOT)
    send(SHOT)
    (path, headers, body), (_, again, _) = there.got
    assert path == "/hook"
    assert headers["webhook-id"] == again["webhook-id"] == "key-1"
    assert headers["idempotency-key"] == '"key-1"'
    signed = hmac.new(secret, b"key-1.1700000000." + body, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(signed).decode()
    expected = {"type": "shot", "id": "key-1", "timestamp": 12.5, "data": {"event": "shot", "file": "a.jpg"}}
    assert json.loads(body) == expected


def test_the_picture_travels_along(there: Receiver, tmp_path: Path) -> None:
    """As base64, when that is asked for; one that is gone is news all the same."""
    file = save_shot(tmp_path / "a.jpg")
    send = Webhook(there.url, picture=True)
    send(Delivery(1, "k", {"event": "shot", "file": str(file)}, 0.0))
    send(Delivery(2, "l", {"event": "shot", "file": str(tmp_path / "gone.jpg")}, 0.0))
    first, second = (json.loads(body)["data"] for _, _, body in there.got)
    assert base64.b64decode(first["picture"]) == file.read_bytes()
    assert second["picture"] is None


@pytest.mark.parametrize("status", [301, 401, 404, 408, 429, 502, 503])
def test_answers_that_ask_for_patience(there: Receiver, status: int) -> None:
    """Nothing is wrong with the delivery: it waits."""
    there.answers = [status]
    with pytest.raises(OutputError, match=str(status)) as caught:
        Webhook(there.url)(SHOT)
    assert not isinstance(caught.value, RefusedError)


@pytest.mark.parametrize(
    ("status", "again"), [(400, False), (413, False), (422, False), (409, True), (500, True)]
)
def test_answers_that_refuse_this_one(there: Receiver, status: int, again: bool) -> None:
    """It will not do, or may do another time."""
    there.answers = [status]
    with pytest.raises(RefusedError, match=str(status)) as caught:
        Webhook(there.url)(SHOT)
    assert caught.value.again is again


def test_retry_after_is_heard(there: Receiver) -> None:
    """The far side may say for how long it wants to be left alone."""
    there.answers, there.headers = [503], {"Retry-After": "17"}
    with pytest.raises(OutputError) as caught:
        Webhook(there.url)(SHOT)
    assert caught.value.pause == 17


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_a_far_side_that_never_ends_is_left(there: Receiver, fault: str) -> None:
    """Silence and an answer that trickles end at the time-out, which is for the whole."""
    there.answers = [fault]
    with pytest.raises(OutputError, match=r"no answer within 0\.3 s"):
        Webhook(there.url, timeout=0.3)(SHOT)


def test_broken_connections_and_nobody(there: Receiver) -> None:
    """Both count as away, and name the far side without what may be secret."""
    there.answers = ["break"]
    secret = there.url.replace("127.0.0.1", "somebody:password@127.0.0.1") + "?token=1234"
    with pytest.raises(OutputError, match=r"broke off|closed|reset") as caught:
        Webhook(secret)(SHOT)
    assert "password" not in str(caught.value)
    assert "1234" not in str(caught.value)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(OutputError, match="refused"):
            Webhook(f"http://127.0.0.1:{taken.getsockname()[1]}")(SHOT)


def test_a_test_posts_an_event_test(there: Receiver) -> None:
    """It says where it arrived."""
    assert Webhook(there.url).test() == f"{far_side(there.url)} took an event `test`"
    assert json.loads(there.got[0][2])["type"] == "test"


def test_a_bad_address_is_refused_without_being_shown() -> None:
    """It may hold a password."""
    with pytest.raises(ConfigError, match=r"url: got \*\*\*; must be an address such as"):
        load(None, ['outputs=[{kind: webhook, url: "ftp://me:secret@host"}]'])
    with pytest.raises(ConfigError, match="needs url"):
        load(None, ["outputs=[{kind: webhook}]"])
