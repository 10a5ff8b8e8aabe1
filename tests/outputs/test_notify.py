"""Messages by Apprise, to a receiver on loopback."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartselfie.errors import ConfigError, OutputError
from smartselfie.outputs.delivery_queue import Delivery
from smartselfie.outputs.notify import Notify
from tests.outputs.receiver import Receiver, receiver
from tests.pictures.shots import save_shot


@pytest.fixture
def there() -> Iterator[Receiver]:
    """A receiver."""
    with receiver() as what:
        yield what


def test_a_message_has_its_words_and_the_picture(there: Receiver, tmp_path: Path) -> None:
    """Title and text are filled in; the picture is attached."""
    event = {
        "event": "shot",
        "file": str(save_shot(tmp_path / "a.jpg")),
        "faces": [{"scores": {"happy": 0.93}}],
    }
    Notify([there.url.replace("http", "json")], body="{name}: {score}")(Delivery(1, "k", event, 0.0))
    message = json.loads(there.got[0][2])
    assert (message["title"], message["message"]) == ("Smile!", "a.jpg: 0.93")
    assert message["attachments"][0]["filename"] == "a.jpg"


def test_who_has_it_is_not_told_again(there: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    """One of two takes nothing: the next try is for that one, and no address with a token is said."""
    logging.getLogger("apprise").propagate = True
    good, bad = f"{there.url}/good".replace("http", "json"), f"{there.url}/token1234".replace("http", "json")
    send = Notify([good, bad])
    there.answers = [200, 500, 200]
    shot = Delivery(1, "k", {"event": "shot"}, 0.0)
    with pytest.raises(OutputError, match="JSON took no message") as caught:
        send(shot)
    send(shot)
    assert [path.rsplit("/", 1)[1] for path, _, _ in there.got] == ["good", "token1234", "token1234"]
    assert "token1234" not in caplog.text + str(caught.value)


def test_an_unknown_address_is_refused_at_the_start() -> None:
    """The message shows its scheme only."""
    with pytest.raises(ConfigError, match=r"does not know address 1 \(nosuch:\.\.\.\); its form") as caught:
        Notify(["nosuch://token1234"])
    assert "token1234" not in str(caught.value)
