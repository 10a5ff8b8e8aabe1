"""The pictures of a folder, newest first: the folder itself is asked, nothing is kept that could disagree."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageOps

from smartselfie.errors import PictureError
from smartselfie.pictures.files import PictureInfo, read_metadata, set_rating, smile_score
from smartselfie.web.wire import Json, face_json, picture_id, readable

ENDINGS = (".jpg", ".jpeg", ".png")
_SETTLED = 3.0  # seconds after which a folder's time tells of every change, also on FAT


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture's file, as the folder lists it."""

    id: str
    name: str
    changed_ns: int
    bytes: int

    @property
    def shown(self) -> str:
        """The name as any page and any archive can have it."""
        return readable(self.name)

    @property
    def version(self) -> str:
        """Differs when the file does."""
        return hashlib.blake2b(f"{self.changed_ns}.{self.bytes}".encode(), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True)
class _Listing:
    folder_ns: int
    read_at: float
    entries: tuple[Entry, ...]
    places: dict[str, int]


class Gallery:
    """Lists, reads, rates and deletes the pictures of `folder`; safe from several threads.

    A picture is addressed by an id that is looked up in the listing: no name of a file comes from outside.
    """

    def __init__(self, folder: Path, *, thumbnail_size: int = 360, cache_bytes: int = 32_000_000) -> None:
        self._folder = folder
        self._thumbnail_size = thumbnail_size
        self._thumbnails = _Cache(cache_bytes)
        self._decoders = threading.BoundedSemaphore(2)
        self._lock = threading.Lock()
        self._listing: _Listing | None = None
        self._read = functools.lru_cache(maxsize=20_000)(_read)

    def entries(self) -> Sequence[Entry]:
        """Return all pictures, newest first; empty where there is no folder yet."""
        return self._list().entries

    def find(self, id: str) -> Entry | None:
        """Return the picture with this id, None when it is gone."""
        listing = self._list()
        place = listing.places.get(id)
        if place is None:
            return None
        entry = listing.entries[place]
        try:
            status = self.path(entry).stat(follow_symlinks=False)
        except OSError:
            return None
        return Entry(entry.id, entry.name, status.st_mtime_ns, status.st_size)

    def path(self, entry: Entry) -> Path:
        """Where its file lies."""
        return self._folder / entry.name

    def info(self, entry: Entry) -> PictureInfo | None:
        """What the file says of itself; None when it is damaged or gone."""
        return self._read(self.path(entry), entry.changed_ns, entry.bytes)

    def bare(self, entry: Entry) -> Json:
        """Return what the folder alone says of a picture."""
        return {
            "id": entry.id,
            "name": entry.shown,
            "version": entry.version,
            "bytes": entry.bytes,
            "taken": None,
            "width": None,
            "height": None,
            "rating": 0,
            "by": None,
            "score": None,
            "faces": [],
        }

    def describe(self, entry: Entry) -> Json:
        """Return what the page shows of a picture."""
        info = self.info(entry)
        told = self.bare(entry)
        if info is not None:
            by = info.details.get("by")
            told |= {
                "taken": info.taken.isoformat(timespec="seconds") if info.taken else None,
                "width": info.size[0],
                "height": info.size[1],
                "rating": info.rating,
                "by": by if isinstance(by, str) else None,
                "score": round(smile_score(info.faces), 3) if info.faces else None,
                "faces": [face_json(face) for face in info.faces],
            }
        return told

    def thumbnail(self, entry: Entry) -> bytes:
        """Return a small JPEG; raises `PictureError` when the picture cannot be decoded."""
        key = (entry.name, entry.changed_ns, entry.bytes)
        small = self._thumbnails.get(key)
        if small is None:
            with self._decoders:
                small = _shrink(self.path(entry), self._thumbnail_size)
            self._thumbnails.put(key, small)
        return small

    def rate(self, entry: Entry, rating: int) -> None:
        """Give 0 to 5 stars; the pixels stay as they are."""
        set_rating(self.path(entry), rating)
        self._forget()

    def delete(self, entry: Entry) -> None:
        """Remove the file; harmless when it is gone already."""
        self.path(entry).unlink(missing_ok=True)
        with self._lock:
            listing = self._listing
            if listing is None or (place := listing.places.get(entry.id)) is None:
                return
            entries = (*listing.entries[:place], *listing.entries[place + 1 :])
            places = {each.id: number for number, each in enumerate(entries)}
            # not read anew: what else has changed shows in the folder's time, which is now another
            self._listing = _Listing(listing.folder_ns, listing.read_at, entries, places)

    def _forget(self) -> None:
        with self._lock:
            self._listing = None

    def _list(self) -> _Listing:
        with self._lock:
            try:
                folder_ns = self._folder.stat().st_mtime_ns
            except OSError:
                return _Listing(0, 0.0, (), {})
            old = self._listing
            if old is not None and old.folder_ns == folder_ns and old.read_at - folder_ns / 1e9 > _SETTLED:
                return old
            read_at = time.time()
            try:
                found = sorted(self._scan(), key=lambda e: (e.changed_ns, e.name), reverse=True)
            except OSError:
                return _Listing(0, 0.0, (), {})
            places = {entry.id: place for place, entry in enumerate(found)}
            self._listing = _Listing(folder_ns, read_at, tuple(found), places)
            return self._listing

    def _scan(self) -> Iterator[Entry]:
        with os.scandir(self._folder) as found:
            for item in found:
                if item.name.startswith(".") or not item.name.lower().endswith(ENDINGS):
                    continue
                with contextlib.suppress(OSError):  # deleted while we look, or not to be looked at
                    if item.is_file(follow_symlinks=False):
                        status = item.stat(follow_symlinks=False)
                        yield Entry(picture_id(item.name), item.name, status.st_mtime_ns, status.st_size)


class _Cache:
    """The most recently used values, up to a number of bytes; safe from several threads."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held = 0
        self._lock = threading.Lock()
        self._values: OrderedDict[object, bytes] = OrderedDict()

    def get(self, key: object) -> bytes | None:
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: object, value: bytes) -> None:
        with self._lock:
            self._held += len(value) - len(self._values.pop(key, b""))
            self._values[key] = value
            while self._held > self._most and self._values:
                _, dropped = self._values.popitem(last=False)
                self._held -= len(dropped)


def _read(path: Path, changed_ns: int, size: int) -> PictureInfo | None:
    """`changed_ns` and `size` are here for the cache's key alone."""
    try:
        return read_metadata(path)
    except (OSError, PictureError):
        return None


def _shrink(path: Path, size: int) -> bytes:
    try:
        with Pillow.open(path, formats=("JPEG", "PNG")) as picture:
            picture.draft("RGB", (size * 2, size * 2))
            small = ImageOps.exif_transpose(picture)
            small.thumbnail((size, size))
            target = io.BytesIO()
            small.convert("RGB").save(target, "JPEG", quality=80, optimize=True)
            return target.getvalue()
    except Exception as error:  # a damaged file makes the formats' readers raise nearly anything
        raise PictureError(f"{path.name}: cannot be shown; the file is damaged") from error
