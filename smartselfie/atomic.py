"""Files that are either complete or not there: written under a temporary name, flushed to disk, renamed."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PREFIX = ".smartselfie-"
SUFFIX = ".part"

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
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
            os.fchmod(file.fileno(), before.st_mode & 0o7777)
        os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns + _TICK))
        part.replace(path)
    sync_folder(path.parent)


def clear_leftovers(folder: Path) -> int:
    """Remove the temporary files of writers that are dead; returns how many there were."""
    removed = 0
    for path in folder.glob(f"{PREFIX}*{SUFFIX}"):
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
            removed += 1
    return removed


def lock_folder(handle: int) -> bool:
    """Lock a folder by its open handle until that is closed; False where the file system has no locks.

    Raises `BlockingIOError` when somebody else has it.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        return False
    return True
