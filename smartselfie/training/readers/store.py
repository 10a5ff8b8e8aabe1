"""Folders and .zip files alike: names and bytes."""

from __future__ import annotations

import posixpath
import zipfile
from pathlib import Path
from typing import Protocol

from smartselfie.errors import DataError


class Store(Protocol):
    """Files by their names, which are paths with `/` relative to the store."""

    path: Path

    def names(self) -> list[str]:
        """Return all of them in order, hidden ones left out."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        ...

    def read(self, name: str) -> bytes:
        """Return its content; OSError, zipfile.BadZipFile or zlib.error when it cannot be read."""
        ...


class Folder:
    """A folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        """See `Store`."""
        found = (path for path in self.path.rglob("*") if path.is_file() and not path.name.startswith("."))
        return sorted(path.relative_to(self.path).as_posix() for path in found)

    def has(self, name: str) -> bool:
        """See `Store`."""
        return (self.path / name).is_file()

    def read(self, name: str) -> bytes:
        """See `Store`."""
        return (self.path / name).read_bytes()


class Archive:
    """A .zip file; DataError when it is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise DataError(f"{path}: not a .zip that can be read ({error})") from error
        self._names = sorted(
            name
            for name in self._zip.namelist()
            if not name.endswith("/") and not name.startswith("__MACOSX") and "/." not in f"/{name}"
        )
        self._known = set(self._names)

    def names(self) -> list[str]:
        """See `Store`."""
        return self._names

    def has(self, name: str) -> bool:
        """See `Store`."""
        return posixpath.normpath(name) in self._known

    def read(self, name: str) -> bytes:
        """See `Store`."""
        try:
            return self._zip.read(posixpath.normpath(name))
        except KeyError as error:
            raise FileNotFoundError(name) from error
        except RuntimeError as error:
            raise DataError(f"{self.path}: {error}") from error  # it wants a password
