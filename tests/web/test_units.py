"""Small pure parts: limits per client, and texts without the machine's paths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartselfie.records import Box, Face
from smartselfie.web.rates import Rates, client_key
from smartselfie.web.wire import event_json, face_json, picture_id, without_paths


def test_a_face_is_told_with_what_its_detector_knows() -> None:
    """Landmarks and its score; null where it knows none."""
    marks = ((1.04, 2.0), (3.0, 2.0), (2.0, 3.0), (1.0, 4.0), (3.0, 4.0))
    known, unknown = (
        face_json(Face(Box(0, 0, 5, 5), landmarks=marks, score=0.98765)),
        face_json(Face(Box(0, 0, 5, 5))),
    )
    assert known["landmarks"] == [[1.0, 2.0], [3.0, 2.0], [2.0, 3.0], [1.0, 4.0], [3.0, 4.0]]
    assert known["score"] == 0.988
    assert unknown["landmarks"] is unknown["score"] is None


def test_a_bucket_gives_its_burst_and_then_one_at_a_time() -> None:
    """Three at once, the fourth after the time that one token takes."""
    now = 0.0
    rates = Rates(burst=3, per_second=0.5, clock=lambda: now)
    assert [rates.take("a") for _ in range(4)] == [0, 0, 0, 2]
    assert rates.take("b") == 0
    now = 2.0
    assert [rates.take("a") for _ in range(2)] == [0, 2]


def test_a_token_can_be_given_back() -> None:
    """An attempt that was none does not count."""
    rates = Rates(burst=1, per_second=0.001, clock=lambda: 0.0)
    assert rates.take("a") == 0
    rates.give_back("a")
    assert rates.take("a") == 0


def test_the_number_of_buckets_is_bounded() -> None:
    """However many clients come, no more than so many are remembered."""
    rates = Rates(burst=1, per_second=0.001, clients=10, clock=lambda: 0.0)
    for number in range(1000):
        rates.take(str(number))
    assert rates.take("999") > 0
    assert rates.take("0") == 0


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
    ],
)
def test_who_counts_as_one_client(address: str, key: str) -> None:
    """An IPv4 address, or the network that one household gets of IPv6."""
    assert client_key(address) == key


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("cannot write /home/pi/images_clicked/a.jpg: disk full", "cannot write a.jpg: disk full"),
        ("/srv/x/model.tflite: damaged", "model.tflite: damaged"),
        ('file "/a b/c.jpg"', 'file "c.jpg"'),
        ("/home/ann smith/my pics/a b.jpg: full", "a b.jpg: full"),
        ("C:\\Users\\ann\\pic.jpg is gone", "pic.jpg is gone"),
        ("happy 0.52 < 0.60", "happy 0.52 < 0.60"),
        ("2/3 of the faces", "2/3 of the faces"),
        ("rtsp://user:secret@10.0.0.7/stream is silent", "rtsp://10.0.0.7/stream is silent"),
        ("/dev/video0 is unplugged", "video0 is unplugged"),
    ],
)
def test_texts_lose_the_folders_of_paths(told: str, shown: str) -> None:
    """The file's name stays, its folder and a URL's password go, and plain text is left alone."""
    assert without_paths(told) == shown


@given(st.text(max_size=200))
def test_cutting_paths_never_fails(told: str) -> None:
    """Any text comes through, and a second cut changes nothing that matters: it is never longer."""
    assert len(without_paths(told)) <= len(told)


def test_an_event_with_a_file_has_the_pictures_address() -> None:
    """The id is that of the gallery, whatever folder the file lies in."""
    event = event_json({"event": "shot", "file": "/srv/pics/a.jpg", "faces": [{"box": (1, 2, 3, 4)}]})
    assert event["file"] == "a.jpg"
    assert event["id"] == picture_id("a.jpg")
