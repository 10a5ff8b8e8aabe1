"""The folder that pictures go to: one writer, whole files, never the wrong disk."""

import errno
import fcntl
import os
import stat
from pathlib import Path

import pytest

from smartselfie import atomic
from smartselfie.errors import SaveError
from smartselfie.saving import folder as picture_folder
from smartselfie.saving.folder import PictureFolder


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    """The folder and what leads to it are made when it is opened."""
    folder = PictureFolder(tmp_path / "a" / "b")
    assert folder.prepare()
    assert not folder.prepare()
    assert folder.write("x.jpg", b"1").read_bytes() == b"1"
    folder.release()


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    """While one writer has the folder, another gets a SaveError that names it; afterwards it may."""
    first, second = PictureFolder(tmp_path), PictureFolder(tmp_path)
    first.prepare()
    with pytest.raises(SaveError, match=f"{tmp_path}: another smartselfie writes pictures there"):
        second.prepare()
    first.release()
    assert second.prepare()
    second.release()


def test_a_file_system_without_locks_is_used_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where locking is not supported the folder is used, and that is said once."""

    def unsupported(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    folder = PictureFolder(tmp_path)
    for _ in range(2):
        folder.prepare()
        folder.write(f"{len(folder.names())}.jpg", b"x")
        folder.release()
    assert [each.message for each in caplog.records] == [
        f"{tmp_path}: its file system has no locks; let only one smartselfie write there"
    ]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A name that exists is an error, also when it is a dead link; what was there stays."""
    (tmp_path / "x.jpg").write_bytes(b"old")
    (tmp_path / "y.jpg").symlink_to("nowhere")
    folder = PictureFolder(tmp_path)
    for name in ("x.jpg", "y.jpg"):
        with pytest.raises(FileExistsError):
            folder.write(name, b"new")
    assert (tmp_path / "x.jpg").read_bytes() == b"old"
    assert sorted(folder.names()) == ["x.jpg", "y.jpg"]
    folder.release()


def test_a_file_gets_its_name_when_it_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content is synced before the name is there, the folder after it."""
    seen: list[tuple[str, bool]] = []
    sync = os.fsync

    def recording(handle: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        seen.append((kind, (tmp_path / "x.jpg").exists()))
        sync(handle)

    monkeypatch.setattr(os, "fsync", recording)
    folder = PictureFolder(tmp_path)
    folder.write("x.jpg", b"content")
    folder.release()
    assert seen == [("file", False), ("folder", True)]


def test_a_failed_sync_leaves_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fails at any of the two syncs, neither a picture nor a temporary file is left."""
    for failing in (1, 2):
        calls: list[int] = []

        def broken(handle: int, calls: list[int] = calls, failing: int = failing) -> None:
            calls.append(handle)
            if len(calls) == failing:
                raise OSError(errno.EIO, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", broken)
            folder = PictureFolder(tmp_path)
            with pytest.raises(OSError, match="Input/output"):
                folder.write("x.jpg", b"content")
            folder.release()
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_sync_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that does not know how to sync a folder still takes pictures."""
    sync = os.fsync

    def only_files(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(handle)

    monkeypatch.setattr(os, "fsync", only_files)
    folder = PictureFolder(tmp_path)
    assert folder.write("x.jpg", b"content").exists()
    folder.release()


def test_what_a_dead_writer_left_is_cleared(tmp_path: Path) -> None:
    """Unfinished files go when the folder is opened; those being written and those of others stay."""
    (tmp_path / f"{atomic.PREFIX}99-0{atomic.SUFFIX}").write_bytes(b"half")
    (tmp_path / ".other.part").write_bytes(b"theirs")
    with atomic.temporary(tmp_path) as (_, living):
        folder = PictureFolder(tmp_path)
        folder.prepare()
        assert sorted(folder.names()) == sorted([".other.part", living.name])
        folder.release()
    assert [each.name for each in tmp_path.iterdir()] == [".other.part"]


def test_a_removed_folder_is_made_again(tmp_path: Path) -> None:
    """A folder that somebody removed is made anew, as long as its parent is there."""
    folder = PictureFolder(tmp_path / "a" / "b")
    folder.write("1.jpg", b"1")
    (tmp_path / "a" / "b" / "1.jpg").unlink()
    (tmp_path / "a" / "b").rmdir()
    assert folder.write("2.jpg", b"2").exists()
    (tmp_path / "a").rename(tmp_path / "moved")
    with pytest.raises(FileNotFoundError, match=f"vanished together with {tmp_path}/a"):
        folder.write("3.jpg", b"3")
    assert not (tmp_path / "a").exists()
    (tmp_path / "moved").rename(tmp_path / "a")
    assert folder.write("3.jpg", b"3").exists()
    folder.release()


def test_a_folder_that_was_replaced_is_opened_anew(tmp_path: Path) -> None:
    """When another folder has taken the name, that one is locked and used."""
    path = tmp_path / "a"
    folder = PictureFolder(path)
    folder.prepare()
    path.rename(tmp_path / "before")
    path.mkdir()
    assert folder.prepare()
    with pytest.raises(SaveError):
        PictureFolder(path).prepare()
    assert PictureFolder(tmp_path / "before").prepare()
    folder.release()


def test_no_folder_is_made_where_a_stick_belongs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the places of removable disks nothing is made while no disk is mounted there."""
    monkeypatch.setattr(picture_folder, "_REMOVABLE", (tmp_path,))
    with pytest.raises(OSError, match=f"no disk is mounted below {tmp_path}"):
        PictureFolder(tmp_path / "STICK" / "pictures").prepare()
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    """A file of the folder's name is left alone."""
    (tmp_path / "a").write_text("x")
    with pytest.raises(OSError, match="is no folder"):
        PictureFolder(tmp_path / "a").prepare()
    assert (tmp_path / "a").read_text() == "x"
