"""Every kind of camera of `tests/cameras.py`: it gives pictures, or one line says why not and what to do."""

import hashlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartselfie.errors import NoCameraError, UsageError
from smartselfie.settings import load
from smartselfie.sources import SourceOpener
from smartselfie.sources.mjpeg import MjpegStream, UnsuitableStreamError
from smartselfie.sources.trust import Trust
from tests.cameras import LOGIN, PASSWORD, REFUSED, SIZE, VIDEO, Cameras, names, own_certificate


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    """One server for all kinds."""
    with Cameras() as serving:
        yield serving


@pytest.mark.parametrize("kind", names())
def test_it_gives_pictures(cameras: Cameras, kind: str) -> None:
    """Whatever is wrong around its pictures, they arrive whole."""
    stream = MjpegStream(cameras.url(kind), timeout=5)
    frames = [stream.read() for _ in range(3)]
    stream.close()
    assert [frame.size for frame in frames] == [SIZE] * 3
    assert PASSWORD not in stream.name


@pytest.mark.parametrize(("kind", "words"), REFUSED.items())
def test_it_is_refused_in_words(cameras: Cameras, kind: str, words: str) -> None:
    """What gives no pictures says so, and never shows the password."""
    login = "me:wr%2Fong" if kind in ("wrong-password", "unknown-login") else ""
    with pytest.raises(NoCameraError) as refused:
        MjpegStream(cameras.url(kind, login), timeout=5)
    assert words in str(refused.value)
    assert "cret" not in str(refused.value)
    assert "wr%2Fong" not in str(refused.value)


@pytest.mark.parametrize("kind", VIDEO)
def test_video_goes_to_ffmpeg(cameras: Cameras, kind: str) -> None:
    """MPEG's transport stream is known by its packets, whatever its type says."""
    with pytest.raises(UnsuitableStreamError, match="sends video"):
        MjpegStream(cameras.url(kind), timeout=5)


def test_what_was_tolerated_is_told(cameras: Cameras) -> None:
    """The source knows it, for `check -v`."""
    stream = MjpegStream(cameras.url("text-type"), timeout=5)
    stream.close()
    assert stream.tolerated == ["says text/plain, sends JPEG pictures"]
    stream = MjpegStream(cameras.url("redirect-login"), timeout=5)
    stream.close()
    assert stream.tolerated == [f"follows to http://127.0.0.1:{cameras.port}/basic", "logs in by Basic"]


def test_a_login_is_told_to_no_other_origin(cameras: Cameras) -> None:
    """A redirect elsewhere goes there without user and password."""
    cameras.asked.clear()
    with pytest.raises(NoCameraError):
        MjpegStream(cameras.url("redirect-away"), timeout=5)
    assert cameras.asked == [("redirect-away", ""), ("basic", "")]


def test_a_slow_first_picture_has_a_patience_of_its_own() -> None:
    """`open_timeout` is for it, `timeout` only for those after it; when it is over, its setting is named."""
    with Cameras(delay=1.0) as cameras:
        stream = MjpegStream(cameras.url("slow-first-picture"), timeout=0.3, open_timeout=10)
        assert stream.read().size == SIZE
        stream.close()
        stream = MjpegStream(cameras.url("slow-first-picture"), timeout=0.1, open_timeout=0.2)
        with pytest.raises(OSError, match=r"no answer in time|source\.open_after gives it longer"):
            stream.read()
        stream.close()


@pytest.mark.parametrize(
    "url", ["http://u:p[a@h/x", "http://u:p/a@h/x", "rtsp://u:p#a@h/", "http://[::1/x", "http://"]
)
def test_an_address_that_is_none_says_how_to_write_it(url: str) -> None:
    """A password that holds / # ? or [ is a matter of writing, not an internal error."""
    opener = SourceOpener(url if len(url) > 7 else "http://u:p/@", timeout=0.2)
    with pytest.raises((UsageError, NoCameraError)) as refused:
        opener()
    assert "%2F" in str(refused.value) or "no such" in str(refused.value)
    assert "p/a" not in str(refused.value)


def test_a_certificate_of_its_own_can_be_taken(tmp_path: Path) -> None:
    """Refused with its fingerprint; then taken by that, by its file, or unseen; another one is refused."""
    context = own_certificate(tmp_path)
    der = ssl.PEM_cert_to_DER_cert((tmp_path / "cert.pem").read_text())
    fingerprint = hashlib.sha256(der).hexdigest()
    with Cameras(tls=context) as cameras:
        with pytest.raises(NoCameraError, match=f"not trusted.*source.tls: {{sha256: {fingerprint}}}"):
            MjpegStream(cameras.url("plain"), timeout=5)
        for given in ({"sha256": fingerprint}, {"ca": str(tmp_path / "cert.pem")}, {"verify": False}):
            trust = Trust.parse(given)
            stream = MjpegStream(cameras.url("basic", LOGIN), timeout=5, trust=trust)
            assert stream.read().size == SIZE
            stream.close()
        with pytest.raises(NoCameraError, match="another fingerprint"):
            MjpegStream(cameras.url("plain"), timeout=5, trust=Trust.parse({"sha256": "0" * 64}))


@pytest.mark.parametrize("value", ["yes", "{verify: maybe}", "{sha256: abc}", "{ca: a, verify: false}", "[]"])
def test_trust_is_one_of_three(value: str) -> None:
    """Anything else is refused in one line."""
    with pytest.raises(ValueError, match=r"must be \{verify: false\}"):
        load(None, [f"source.tls={value}"])
