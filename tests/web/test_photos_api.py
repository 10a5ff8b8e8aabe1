"""What the network says of an upload: limits first, nothing on disk, each file its own answer."""

from __future__ import annotations

import io
import struct
import sys
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image as Pillow

from smartselfie.records import Box, Face, Image, Look
from smartselfie.web.app import Parts, Photos
from smartselfie.web.photos_api import UploadLimits
from tests.web.conftest import Serve
from tests.web.daemon import Brightness, StillFaces, picture

CLASSIFY = "/api/v1/classify"


def encoded(image: Image, kind: str = "JPEG", **options: Any) -> bytes:
    """Return a file of a (H, W, 3) BGR picture."""
    target = io.BytesIO()
    Pillow.fromarray(image[..., ::-1]).save(target, kind, **options)
    return target.getvalue()


def huge_png(side: int = 30_000) -> bytes:
    """Return a small file that says it is a picture of side x side pixels, and is one."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = b"\0" * (1 + side // 8 + (side % 8 > 0))
    rows = b"".join(packer.compress(row * 1000) for _ in range(side // 1000)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def upload(client: httpx.Client, *files: bytes, field: str = "file") -> httpx.Response:
    """Send files as the page does."""
    return client.post(CLASSIFY, files=[(field, ("picture", data)) for data in files])


def test_a_picture_is_answered_with_its_faces(visitor: httpx.Client) -> None:
    """Box, seven scores and the dominant expression of each, and the size they are in."""
    answer = upload(visitor, encoded(np.full((90, 120, 3), 240, np.uint8)))
    assert answer.status_code == 200
    body = answer.json()
    assert (body["width"], body["height"]) == (120, 90)
    assert [face["box"] for face in body["faces"]] == [[10, 10, 60, 60]]
    assert body["faces"][0]["top"] == "happy"
    assert sum(body["faces"][0]["scores"].values()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_png_and_jpeg_are_taken(visitor: httpx.Client, kind: str) -> None:
    """Whatever the file is called."""
    assert upload(visitor, encoded(picture((100, 80)), kind)).status_code == 200


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "BMP", "TIFF"])
def test_other_formats_are_refused(visitor: httpx.Client, kind: str) -> None:
    """Judged by content, with a sentence on what to send."""
    answer = upload(visitor, encoded(picture((100, 80)), kind))
    assert answer.status_code == 415
    assert ".png, .jpg or .jpeg" in answer.json()["detail"]


@pytest.mark.parametrize("data", [b"hello", b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_what_is_no_picture_is_refused(visitor: httpx.Client, data: bytes) -> None:
    """A text named .jpg, an empty file, headers without a picture: a problem, not a fault."""
    answer = visitor.post(CLASSIFY, files={"file": ("photo.jpg", data, "image/jpeg")})
    assert answer.status_code in (415, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_cut_off_picture_is_refused(visitor: httpx.Client) -> None:
    """Half a JPEG is damaged."""
    data = encoded(picture())
    answer = upload(visitor, data[: len(data) // 2])
    assert answer.status_code == 422
    assert "damaged or cut off" in answer.json()["detail"]


def test_a_picture_bomb_is_refused_before_it_is_decoded(visitor: httpx.Client) -> None:
    """109 KB that would become 900 million pixels: refused for its size, with the memory flat."""
    bomb = huge_png()
    assert len(bomb) < 200_000
    tracemalloc.start()
    try:
        answer = upload(visitor, bomb)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.status_code == 413
    assert "too large" in answer.json()["detail"]
    assert most < 20_000_000


def test_exif_orientation_is_respected(visitor: httpx.Client) -> None:
    """A picture that lies on its side is looked at upright, and its size is told so."""
    exif = Pillow.Exif()
    exif[0x0112] = 6
    body = upload(visitor, encoded(picture((120, 80)), exif=exif)).json()
    assert (body["width"], body["height"]) == (80, 120)


def test_several_files_have_an_answer_each(visitor: httpx.Client) -> None:
    """In the order they were sent; one that is refused says why in its own entry."""
    good = encoded(picture((100, 80)))
    body = upload(visitor, good, b"text", huge_png(10_000), good).json()
    assert [("error" in entry) for entry in body["results"]] == [False, True, True, False]
    assert [entry.get("error", {}).get("status") for entry in body["results"]] == [None, 415, 413, None]


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"files": {"other": b"x"}}, 422),
        ({"data": {"file": "text"}}, 415),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 422),
        ({"content": b"--x\r\n", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 422),
        ({"content": encoded(picture((8, 8))), "headers": {"content-type": "image/jpeg"}}, 415),
    ],
)
def test_wrong_forms_say_what_to_send(visitor: httpx.Client, options: dict[str, Any], status: int) -> None:
    """A missing field, a broken body, a bare picture: each a problem with a sentence."""
    answer = visitor.post(CLASSIFY, **options)
    assert answer.status_code == status
    assert answer.json()["detail"]


@pytest.fixture
def narrow(serve: Serve, photos: Photos) -> Iterator[httpx.Client]:
    """A server with small limits."""
    limits = UploadLimits(file_bytes=20_000, request_bytes=60_000, files=3, pixels=10_000)
    with httpx.Client(base_url=serve(Parts(photos=replace(photos, limits=limits))).url) as asking:
        yield asking


def test_size_limits(narrow: httpx.Client) -> None:
    """A file, a request, the pixels and the number of files that are too much are 413 or 422."""
    assert upload(narrow, b"\xff\xd8\xff" + b"\0" * 20_000).status_code == 413
    assert upload(narrow, b"\0" * 60_000).status_code == 413
    assert upload(narrow, encoded(picture((101, 100)), quality=30)).status_code == 413
    assert upload(narrow, *[b"x"] * 4).status_code == 422

    def endless() -> Iterator[bytes]:
        yield b"--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n"
        for _ in range(100):
            yield b"\0" * 5_000

    kind = {"content-type": "multipart/form-data; boundary=x"}
    assert narrow.post(CLASSIFY, content=endless(), headers=kind).status_code == 413


class Waits(StillFaces):
    """A detector that waits until it is told to go on."""

    def __init__(self) -> None:
        super().__init__(Box(1, 1, 30, 30))
        self.inside = threading.Semaphore(0)
        self.go = threading.Event()

    def __call__(self, image: Image, look: Look) -> list[Face]:
        self.inside.release()
        self.go.wait(10)
        return super().__call__(image, look)


def test_too_many_at_once_are_told_to_come_back(serve: Serve) -> None:
    """Beyond the bound a request is answered at once with 503, those inside are finished."""
    waits = Waits()
    photos = Photos(lambda: waits, Brightness, limits=UploadLimits(at_once=2))
    data = encoded(picture((60, 60)))
    answers: list[int] = []
    answered = threading.Semaphore(0)
    with httpx.Client(base_url=serve(Parts(photos=photos)).url, timeout=15) as asking:

        def ask() -> None:
            answers.append(upload(asking, data).status_code)
            answered.release()

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        assert waits.inside.acquire(timeout=10)
        assert all(answered.acquire(timeout=10) for _ in range(6))
        waits.go.set()
        for thread in threads:
            thread.join()
    assert sorted(answers) == [200, 200] + [503] * 6


def test_what_is_held_in_memory_is_bounded(serve: Serve) -> None:
    """While the requests inside have sent as much as may be held, others are told to come back."""
    waits = Waits()
    data = encoded(picture((60, 60)))
    photos = Photos(lambda: waits, Brightness, limits=UploadLimits(held_bytes=len(data) + 1000))
    server = serve(Parts(photos=photos))
    with httpx.Client(base_url=server.url, timeout=15) as asking, ThreadPoolExecutor(1) as beside:
        first = beside.submit(upload, asking, data)
        assert waits.inside.acquire(timeout=10)
        assert upload(asking, data).status_code == 503
        waits.go.set()
        assert first.result().status_code == 200
        assert upload(asking, data).status_code == 200


def test_nothing_is_written_to_disk(
    serve: Serve, photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While large and small pictures are looked at, no thread of this process opens a file to write."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    written: list[str] = []
    watching = threading.Event()

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if not watching.is_set():
            return
        if (
            event == "open"
            and isinstance(arguments[1], str)
            and any(letter in arguments[1] for letter in "wax+")
        ):
            written.append(str(arguments[0]))
        elif event in ("os.mkdir", "os.rename", "tempfile.mkstemp", "tempfile.mkdtemp"):
            written.append(f"{event} {arguments[0]}")

    sys.addaudithook(audit)  # stays until the process ends, and is quiet from here on
    noise = np.random.default_rng(1).integers(0, 255, (1400, 1400, 3)).astype(np.uint8)
    large = encoded(noise, quality=98)
    assert len(large) > 2_000_000
    with httpx.Client(base_url=serve(Parts(photos=photos)).url, timeout=30) as asking:
        watching.set()
        assert upload(asking, large).status_code == 200
        assert upload(asking, large, b"text", large).status_code == 200
        watching.clear()
    assert written == []
    assert list(tmp_path.iterdir()) == []


def test_a_slow_sender_is_let_go(serve: Serve, photos: Photos) -> None:
    """Who takes longer than the limit to send a picture does not keep its place."""
    limits = UploadLimits(seconds=0.2)
    server = serve(Parts(photos=replace(photos, limits=limits)))
    stop = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b"--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n"
        stop.wait(0.6)
        yield b"\0"

    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = httpx.post(server.url + CLASSIFY[1:], content=slowly(), headers=kind, timeout=10)
    assert answer.status_code == 408
