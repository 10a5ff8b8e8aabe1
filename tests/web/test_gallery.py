"""The gallery: the folder is the database."""

from __future__ import annotations

import io
import os
import time
import zipfile
from pathlib import Path

import httpx
import pytest
from PIL import Image as Pillow

from smartselfie.errors import PictureError
from smartselfie.pictures.files import read_metadata
from smartselfie.web.gallery import Gallery
from smartselfie.web.pictures import zip_stream
from tests.web.daemon import Daemon, write_picture


def fill(folder: Path, count: int) -> list[str]:
    """Write small pictures a second apart; returns their names, newest first."""
    base = time.time_ns() - 1000 * 10**9
    write_picture(folder / "first.jpg", size=(64, 48))
    data = (folder / "first.jpg").read_bytes()
    (folder / "first.jpg").unlink()
    names = [f"selfie-{number:05}.jpg" for number in range(count)]
    for number, name in enumerate(names):
        (folder / name).write_bytes(data)
        os.utime(folder / name, ns=(base + number * 10**9,) * 2)
    return names[::-1]


def test_newest_comes_first_page_by_page(client: httpx.Client, folder: Path) -> None:
    """Following `next` gives every picture once, newest first, and ends."""
    names = fill(folder, 25)
    seen: list[str] = []
    after = ""
    while True:
        page = client.get(f"/api/v1/shots?limit=10{after}").json()
        assert page["total"] == 25
        seen += [item["name"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == names


def test_paging_goes_on_when_the_last_one_was_deleted(client: httpx.Client, folder: Path) -> None:
    """The picture at which a page ended may go away meanwhile: no other one is missed or shown twice."""
    names = fill(folder, 10)
    page = client.get("/api/v1/shots?limit=4").json()
    (folder / names[3]).unlink()
    following = client.get(f"/api/v1/shots?limit=4&after={page['next']}").json()
    assert [item["name"] for item in following["items"]] == names[4:8]


def test_only_pictures_are_listed(folder: Path) -> None:
    """Hidden and unfinished files, folders and other files are none; upper case endings are."""
    for name in (".hidden.jpg", "notes.txt", "half.jpg.tmp"):
        (folder / name).write_bytes(b"x")
    (folder / "folder.jpg").mkdir()
    write_picture(folder / "REAL.JPG")
    assert [entry.name for entry in Gallery(folder).entries()] == ["REAL.JPG"]


def test_a_missing_folder_is_an_empty_gallery(tmp_path: Path) -> None:
    """Before the first picture there is no folder, and that is no fault."""
    assert list(Gallery(tmp_path / "none").entries()) == []


def test_changes_by_others_are_seen(folder: Path) -> None:
    """The folder itself is asked: what another program adds or removes shows at the next look."""
    gallery = Gallery(folder)
    fill(folder, 3)
    assert len(gallery.entries()) == 3
    write_picture(folder / "new.jpg")
    assert gallery.entries()[0].name == "new.jpg"
    (folder / "new.jpg").unlink()
    assert len(gallery.entries()) == 3


def test_a_picture_tells_its_scores(client: httpx.Client, folder: Path) -> None:
    """Size, time, stars and each face's seven probabilities come from the file itself."""
    write_picture(folder / "a.jpg", happy=0.97)
    item = client.get("/api/v1/shots").json()["items"][0]
    assert (item["width"], item["height"], item["rating"], item["by"]) == (640, 360, 4, "smile")
    assert item["faces"][0]["top"] == "happy"
    assert item["faces"][0]["scores"]["happy"] == pytest.approx(0.97)
    assert item["taken"][:4].isdigit()


def test_rating_changes_the_file_and_not_the_pixels(client: httpx.Client, folder: Path) -> None:
    """Stars are written as XMP; the picture is not encoded again and keeps its place in the order."""
    write_picture(folder / "a.jpg")
    before = Pillow.open(folder / "a.jpg").tobytes()
    item = client.get("/api/v1/shots").json()["items"][0]
    rated = client.patch(f"/api/v1/shots/{item['id']}", json={"rating": 5})
    assert rated.json()["rating"] == 5
    assert read_metadata(folder / "a.jpg").rating == 5
    assert Pillow.open(folder / "a.jpg").tobytes() == before


@pytest.mark.parametrize("rating", [-1, 6, 2.5, "3", None])
def test_impossible_ratings_are_refused(client: httpx.Client, folder: Path, rating: object) -> None:
    """Only whole stars from 0 to 5."""
    write_picture(folder / "a.jpg")
    item = client.get("/api/v1/shots").json()["items"][0]
    assert client.patch(f"/api/v1/shots/{item['id']}", json={"rating": rating}).status_code == 422


def test_deleting_removes_the_file(client: httpx.Client, folder: Path) -> None:
    """The file is gone, the others stay, and a second time it is not there."""
    names = fill(folder, 3)
    item = client.get("/api/v1/shots").json()["items"][1]
    assert client.delete(f"/api/v1/shots/{item['id']}").status_code == 204
    assert sorted(path.name for path in folder.iterdir()) == sorted([names[0], names[2]])
    assert client.delete(f"/api/v1/shots/{item['id']}").status_code == 404


def test_the_picture_is_the_file(client: httpx.Client, folder: Path) -> None:
    """Byte for byte, with its name when it is downloaded."""
    write_picture(folder / "a.jpg")
    item = client.get("/api/v1/shots").json()["items"][0]
    shown = client.get(f"/api/v1/shots/{item['id']}/picture")
    assert shown.content == (folder / "a.jpg").read_bytes()
    assert shown.headers["content-type"] == "image/jpeg"
    saved = client.get(f"/api/v1/shots/{item['id']}/picture?download=true")
    assert saved.headers["content-disposition"] == 'attachment; filename="a.jpg"'


def test_thumbnails_are_small_and_upright(client: httpx.Client, folder: Path) -> None:
    """360 pixels at the longer side, turned as EXIF says."""
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.new("RGB", (1200, 800), "orange").save(folder / "turned.jpg", exif=exif)
    item = client.get("/api/v1/shots").json()["items"][0]
    answer = client.get(f"/api/v1/shots/{item['id']}/thumbnail")
    assert Pillow.open(io.BytesIO(answer.content)).size == (240, 360)
    assert "max-age" in answer.headers["cache-control"]


def test_a_thumbnail_is_made_once(folder: Path) -> None:
    """The second look decodes nothing, until the file changes; the memory for them is bounded."""
    write_picture(folder / "a.jpg")
    gallery = Gallery(folder, cache_bytes=100_000)
    entry = gallery.entries()[0]
    first = gallery.thumbnail(entry)
    assert gallery.thumbnail(entry) is first
    write_picture(folder / "a.jpg", shade=250)
    changed = gallery.find(entry.id)
    assert changed is not None
    assert gallery.thumbnail(changed) != first
    small = Gallery(folder, cache_bytes=1)
    assert small.thumbnail(changed) is not small.thumbnail(changed)


def test_a_damaged_picture_is_a_clear_answer(client: httpx.Client, folder: Path) -> None:
    """It is listed without details; its thumbnail is 422, not a fault of the server."""
    (folder / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
    item = client.get("/api/v1/shots").json()["items"][0]
    assert item["width"] is None
    assert client.get(f"/api/v1/shots/{item['id']}/thumbnail").status_code == 422
    gallery = Gallery(folder)
    entry = gallery.entries()[0]
    with pytest.raises(PictureError):
        gallery.thumbnail(entry)


def test_all_pictures_come_as_one_zip(client: httpx.Client, folder: Path) -> None:
    """Every file whole, under its own name."""
    names = fill(folder, 5)
    answer = client.get("/api/v1/archive")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == names
        assert archive.read(names[0]) == (folder / names[0]).read_bytes()


def test_several_pictures_come_as_one_zip(client: httpx.Client, folder: Path) -> None:
    """Those that were chosen; one that is gone is left out."""
    names = fill(folder, 5)
    items = client.get("/api/v1/shots").json()["items"]
    ids = ",".join([items[1]["id"], items[3]["id"], "0" * 16])
    with zipfile.ZipFile(io.BytesIO(client.post("/api/v1/archive", data={"ids": ids}).content)) as archive:
        assert archive.namelist() == [names[1], names[3]]


def test_a_zip_is_never_held_whole(folder: Path) -> None:
    """However large the pictures, the stream gives blocks; a picture that goes away meanwhile is left out."""
    (folder / "large.jpg").write_bytes(os.urandom(3_000_000))
    (folder / "gone.jpg").write_bytes(b"x")
    gallery = Gallery(folder)
    entries = sorted(gallery.entries(), key=lambda entry: entry.name, reverse=True)
    stream = zip_stream(gallery, entries, block=100_000)
    first = next(stream)
    (folder / "gone.jpg").unlink()
    blocks = [first, *stream]
    assert max(len(block) for block in blocks) < 110_000
    with zipfile.ZipFile(io.BytesIO(b"".join(blocks))) as archive:
        assert archive.namelist() == ["large.jpg"]


def test_the_shot_event_leads_to_the_picture(client: httpx.Client, daemon: Daemon) -> None:
    """What the page gets told of a shot is the id that the gallery lists."""
    with client.stream("GET", "/api/v1/events") as response:
        lines = response.iter_lines()
        next(lines)
        client.post("/api/v1/shutter")
        data = next(line for line in lines if line.startswith("data: "))
    assert client.get("/api/v1/shots").json()["items"][0]["id"] in data
