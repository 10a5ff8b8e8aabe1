"""The folder that pictures are saved to: one writer, whole files only, and never the wrong disk."""

from __future__ import annotations

import errno
import logging
import os
from contextlib import suppress
from pathlib import Path

from smartselfie import atomic
from smartselfie.errors import SaveError

log = logging.getLogger(__name__)

_REMOVABLE = tuple(Path(each) for each in ("/media", "/run/media", "/mnt", "/Volumes"))


class PictureFolder:
    """A folder of pictures with one writer, which may vanish and come back.

    `prepare` opens it: makes it where that is safe, locks it, clears what a dead writer left. A folder whose
    disk is gone is never replaced by one on the disk below: its pictures would be hidden when the disk is
    back.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: atomic.FolderLock | None = None
        self._mount: Path | None = None
        self._said_unlocked = False

    def prepare(self) -> bool:
        """Make the folder ready to write to; True when it had to be opened (again).

        Raises `SaveError` when another program writes there, any other `OSError` when it cannot be used now.
        """
        if self._lock is not None:
            if self._lock.is_of(self.path):
                return False
            self.release()
        if self._mount is not None and not os.path.ismount(self._mount):
            raise OSError(errno.ENODEV, f"its disk is gone, nothing is mounted on {self._mount}")
        if not self.path.is_dir():
            if os.path.lexists(self.path):
                raise NotADirectoryError(errno.ENOTDIR, "is no folder; remove it, or set saver.folder")
            self._make()
        lock = self._take_lock()
        try:
            mount = _mount_of(self.path)
            if count := atomic.clear_leftovers(self.path):
                log.info("%s: cleared %d unfinished files of an earlier run", self.path, count)
        except BaseException:
            lock.release()
            raise
        self._lock, self._mount = lock, mount
        return True

    def write(self, name: str, data: bytes) -> Path:
        """Write a file and return its path once it is on the disk; `name` must not exist yet.

        Raises `OSError`, and then there is no such file.
        """
        self.prepare()
        target = self.path / name
        with atomic.temporary(self.path) as (file, part):
            file.write(data)
            atomic.settle(file)
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, "exists already", str(target))
            part.rename(target)
        try:
            atomic.sync_folder(self.path)
        except OSError:
            with suppress(OSError):  # the disk that just failed may fail here too
                target.unlink()
            raise
        return target

    def names(self) -> list[str]:
        """Return the names in the folder."""
        return [each.name for each in self.path.iterdir()]

    def has(self, name: str) -> bool:
        """Whether there is anything of that name."""
        return os.path.lexists(self.path / name)

    def release(self) -> None:
        """Give the lock and the disk back, so that it can be unmounted; `prepare` opens the folder again."""
        if self._lock is not None:
            lock, self._lock = self._lock, None
            lock.release()

    def _make(self) -> None:
        """Make the folder and what leads to it, but nothing in place of a disk that is not plugged in."""
        ancestor = self.path.absolute()
        while not ancestor.exists():
            ancestor = ancestor.parent
        root = next((each for each in _REMOVABLE if self.path.absolute().is_relative_to(each)), None)
        if root is not None and not _mount_of(ancestor).is_relative_to(root):
            raise OSError(errno.ENODEV, f"not there, and no disk is mounted below {root}")
        if self._mount is not None and not self.path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, f"vanished together with {self.path.parent}")
        self.path.mkdir(parents=True, exist_ok=True)

    def _take_lock(self) -> atomic.FolderLock:
        try:
            lock = atomic.FolderLock(self.path)
        except BlockingIOError as error:
            raise SaveError(
                f"{self.path}: another smartselfie writes pictures there",
                remedy="stop it, or set saver.folder",
            ) from error
        if not lock.works and not self._said_unlocked:
            self._said_unlocked = True
            log.warning("%s: its file system has no locks; let only one smartselfie write there", self.path)
        return lock


def _mount_of(path: Path) -> Path:
    """Where the disk that holds an existing path is mounted."""
    path = path.resolve()
    while not os.path.ismount(path):
        path = path.parent
    return path
