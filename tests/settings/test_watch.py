"""Noticing that config.yaml changed: without a thread, time is an argument."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smartselfie.settings import ConfigWatch


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a config file."""
    path = tmp_path / "config.yaml"
    path.write_text("a")
    return path


def test_unchanged_file_is_no_change(path: Path) -> None:
    """However often it is asked, a file that stays is no change."""
    watch = ConfigWatch(path)
    assert not any(watch.changed(now) for now in range(10))


def test_written_file_is_one_change(path: Path) -> None:
    """A change is told once, when the file has stayed the same for one more look."""
    watch = ConfigWatch(path)
    path.write_text("ab")
    assert [watch.changed(now) for now in (0.0, 1.0, 2.0, 3.0)] == [False, True, False, False]


def test_file_that_is_still_being_written_waits(path: Path) -> None:
    """As long as every look sees another file, nothing is told."""
    watch = ConfigWatch(path)
    seen = []
    for now in range(4):
        path.write_text("b" * (now + 2))
        seen.append(watch.changed(now))
    assert seen == [False] * 4
    assert watch.changed(4)


def test_replaced_file_is_a_change(path: Path) -> None:
    """An editor that renames a new file of the same size and time over the old one is noticed."""
    watch = ConfigWatch(path)
    other = path.with_suffix(".new")
    other.write_text("b")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    assert [watch.changed(0.0), watch.changed(1.0)] == [False, True]


def test_removed_file_is_no_change_until_it_is_back(path: Path) -> None:
    """A file that is away changes nothing; back with another content it is a change."""
    watch = ConfigWatch(path)
    path.unlink()
    assert not any(watch.changed(now) for now in (0.0, 1.0, 2.0))
    path.write_text("new")
    assert [watch.changed(3.0), watch.changed(4.0)] == [False, True]


def test_file_is_looked_at_now_and_then(path: Path) -> None:
    """Between two looks the file is not touched, however often the loop asks."""
    watch = ConfigWatch(path, every=1.0)
    watch.changed(0.0)
    path.write_text("ab")
    assert [watch.changed(now) for now in (0.1, 0.9, 1.0, 1.5, 2.0)] == [False, False, False, False, True]


def test_own_write_is_no_change(path: Path) -> None:
    """What the program wrote itself is not told."""
    watch = ConfigWatch(path)
    path.write_text("ab")
    watch.expect()
    assert not any(watch.changed(now) for now in range(3))
