"""Files that are either complete or not there: written under a temporary name, flushed to disk, renamed."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed: that tells as much
    fcntl: Any = None  # type: ignore[no-redef]

PREFIX = ".smartselfie-"
SUFFIX = ".part"
LOCK = f"{PREFIX}lock"
"""The file that stands for a folder's lock where folders themselves have none."""

_TICK = 1000  # nanoseconds
# What a file system answers that cannot sync a folder or lock a file: FAT over some drivers, NFS, FUSE.
_UNSUPPORTED = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EBADF}


@contextmanager
def temporary(folder: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Open a new hidden file in `folder` to write to; it is gone afterwards unless it was renamed.

    The file is locked while it is written, which tells `clear_leftovers` that its writer lives.
    """
    path = folder / f"{PREFIX}{secrets.token_hex(6)}{SUFFIX}"
    with path.open("xb") as file:
        try:
            with suppress(OSError):  # without locks a leftover is only judged by the next start
                _lock(file.fileno())
            yield file, path
        finally:
            # Gone already when it was renamed; and a disk that is full or pulled must not hide its own error.
            with suppress(OSError):
                path.unlink()


def settle(file: BinaryIO) -> None:
    """Bring what was written to `file` onto the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring the names in `folder` onto the disk, where its file system can do that."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows opens no folders
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    finally:
        os.close(handle)


def replace(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Replace the content of an existing file by what `write` writes.

    Its mode stays, and its time moves on by no more than caches need to notice.
    """
    before = path.stat()
    with temporary(path.parent) as (file, part):
        write(file)
        settle(file)
        with suppress(OSError):  # FAT has no modes
            part.chmod(before.st_mode & 0o7777)
        os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns + _TICK))
        part.replace(path)
    sync_folder(path.parent)


def write_private(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, that only its owner can read."""
    with temporary(path.parent) as (file, part):
        part.chmod(0o600)
        file.write(content)
        settle(file)
        part.replace(path)
    sync_folder(path.parent)


def clear_leftovers(folder: Path) -> int:
    """Remove the temporary files of writers that are dead; returns how many there were."""
    removed = 0
    for path in folder.glob(f"{PREFIX}*{SUFFIX}"):
        with suppress(OSError), path.open("rb") as file:
            _lock(file.fileno())
            path.unlink()
            removed += 1
    return removed


def _lock(handle: int) -> None:
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FolderLock:
    """The lock of a folder, from its constructor to `release`: one program at a time has it.

    The folder itself is locked, so that nothing is left in it and a dead program's lock is gone with it;
    where folders cannot be opened, a file in it. `works` is False where the file system has no locks. Raises
    `BlockingIOError` when somebody else has it, any other `OSError` when the folder cannot be opened.
    """

    def __init__(self, folder: Path) -> None:
        self.works = True
        self._file: Any = None
        self._handle: int | None = None
        if fcntl is None or not hasattr(os, "O_DIRECTORY"):
            from filelock import FileLock, Timeout

            self._file = FileLock(folder / LOCK, blocking=False)
            try:
                self._file.acquire()
            except Timeout as error:
                raise BlockingIOError(errno.EAGAIN, "is locked", str(folder)) from error
            self._known = _identity(folder)
            return
        self._handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._known = _identity(self._handle)
            _lock(self._handle)
        except OSError as error:
            if isinstance(error, BlockingIOError) or error.errno not in _UNSUPPORTED:
                os.close(self._handle)
                raise
            self.works = False

    def is_of(self, folder: Path) -> bool:
        """Whether a path leads to the folder that was locked."""
        try:
            return _identity(folder) == self._known
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Give the folder, and so its disk, back. Harmless when repeated."""
        handle, self._handle = self._handle, None
        with suppress(OSError):  # of a disk that was pulled
            if handle is not None:
                os.close(handle)
            elif self._file is not None:
                self._file.release()
                Path(self._file.lock_file).unlink(missing_ok=True)


def _identity(folder: Path | int) -> tuple[int, int]:
    status = os.stat(folder)  # noqa: PTH116 - also of a handle
    return status.st_dev, status.st_ino
