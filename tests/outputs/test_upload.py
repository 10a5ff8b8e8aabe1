"""Pictures into stores: SeaweedFS' S3 on loopback, and a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from smartselfie.errors import ConfigError, OutputError, RefusedError
from smartselfie.outputs.delivery_queue import Delivery
from smartselfie.outputs.upload import Upload
from smartselfie.settings import load
from tests.outputs.servers import KEY, SECRET, s3
from tests.pictures.shots import save_shot
from tests.waiting import until


def delivery(file: Path) -> Delivery:
    """A shot to send."""
    return Delivery(1, "k", {"event": "shot", "file": str(file), "time": "2026-11-20T18:30:12+00:00"}, 0.0)


def test_a_folder_gets_each_picture_once(tmp_path: Path) -> None:
    """Folders are made of the camera's name and the date; a second try finds it there."""
    send = Upload(f"file://{tmp_path}/store/{{camera}}/{{date}}/", camera="hall")
    file = save_shot(tmp_path / "a.jpg")
    for _ in range(2):
        send(delivery(file))
    assert (tmp_path / "store/hall/2026-11-20/a.jpg").read_bytes() == file.read_bytes()
    assert "gave it back" in send.test()
    assert [each.name for each in (tmp_path / "store").rglob("*") if each.is_file()] == ["a.jpg"]


def test_another_picture_of_that_name_is_not_replaced(tmp_path: Path) -> None:
    """It becomes a dead letter, and the one there stays."""
    send = Upload(f"file://{tmp_path}/store", camera="hall")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "a.jpg").write_bytes(b"another")
    with pytest.raises(RefusedError, match=r"another picture at store/a\.jpg"):
        send(delivery(save_shot(tmp_path / "a.jpg")))
    assert (tmp_path / "store" / "a.jpg").read_bytes() == b"another"


def test_a_picture_that_was_removed_is_a_dead_letter(tmp_path: Path) -> None:
    """The limits of storage may be faster than a far side that is away."""
    with pytest.raises(RefusedError, match=r"gone\.jpg was removed before"):
        Upload(f"file://{tmp_path}", camera="hall")(delivery(tmp_path / "gone.jpg"))


def test_addresses_that_are_none() -> None:
    """The message says what one looks like."""
    for to in ("bucket/x", "ftp://bucket", "s3:///x", "s3://key:secret@bucket"):
        with pytest.raises(ConfigError, match="must be an address such as s3://bucket"):
            load(None, [f'outputs=[{{kind: upload, to: "{to}"}}]'])


def s3_sender(port: int, secret: str = SECRET) -> Upload:
    """A sender to the server's bucket."""
    options = {"endpoint": f"http://127.0.0.1:{port}", "access_key_id": KEY, "secret_access_key": secret}
    return Upload("s3://pictures/{camera}/", camera="hall", options=options, timeout=5.0)


def test_a_real_s3_store(tmp_path: Path) -> None:
    """Each picture is there once with its bytes; a wrong secret is for its owner to put right, never said."""
    import obstore

    with s3(tmp_path / "weed") as server:
        send = s3_sender(server.port)
        files = [save_shot(tmp_path / f"{number}.jpg", width=64 + number) for number in range(3)]
        until(lambda: _arrives(send, files[0]), 40.0)  # the store grows its volumes first
        for file in files:
            send(delivery(file))
        with pytest.raises(OutputError, match="s3://pictures: ") as refused:
            s3_sender(server.port, "another")(delivery(files[0]))
        assert not isinstance(refused.value, RefusedError)
        assert "another" not in str(refused.value)
        found = sorted(each["path"] for each in obstore.list(send._open(), "hall").collect())
        assert found == ["hall/0.jpg", "hall/1.jpg", "hall/2.jpg"]
        assert bytes(obstore.get(send._open(), "hall/2.jpg").bytes()) == files[2].read_bytes()


@pytest.mark.slow
def test_a_store_that_is_killed_takes_the_rest_later(tmp_path: Path) -> None:
    """It counts as away, and after its return each picture is there once."""
    import obstore

    with s3(tmp_path / "weed") as server:
        send = s3_sender(server.port)
        files = [save_shot(tmp_path / f"{number}.jpg", width=64 + number) for number in range(20)]
        for number, file in enumerate(files):
            if number % 5 == 4:
                server.kill()
                with pytest.raises(OutputError, match="s3://pictures: ") as away:
                    send(delivery(file))
                assert not isinstance(away.value, RefusedError)
                server.start()
            until(lambda file=file: _arrives(send, file), 60.0)  # type: ignore[misc]
        found = [each["path"] for each in obstore.list(send._open(), "hall").collect()]
        assert sorted(found) == sorted(f"hall/{file.name}" for file in files)


def _arrives(send: Upload, file: Path) -> bool:
    try:
        send(delivery(file))
    except OutputError:
        return False
    return True
