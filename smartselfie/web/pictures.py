"""`/api/v1/shots`: the gallery's listing, each picture, its rating, and all of them as one zip."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Form, Path, Query, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from smartselfie.web.gallery import Entry, Gallery
from smartselfie.web.problems import ProblemError, documented

log = logging.getLogger(__name__)

Id = Annotated[str, Path(description="A picture's id, as listed", pattern="^[0-9a-f]{16}$")]
_GONE = "there is no such picture; it may have been deleted"


class PictureFace(BaseModel):
    """A face of a saved picture."""

    track: int
    box: list[int] = Field(description="x, y, width, height in pixels of the picture")
    scores: dict[str, float] | None
    top: str | None


class PictureItem(BaseModel):
    """A saved picture."""

    id: str
    name: str
    version: str = Field(description="differs when the file has changed")
    bytes: int
    taken: str | None = Field(description="ISO 8601 with UTC offset")
    width: int | None
    height: int | None
    rating: int = Field(description="stars, 0 (none) to 5")
    by: str | None = Field(description="smile, key, button or web")
    score: float | None = Field(description="how much it smiles, 0 to 1")
    faces: list[PictureFace]


class PicturePage(BaseModel):
    """A part of the listing, newest first."""

    total: int
    items: list[PictureItem]
    next: str | None = Field(description="what to pass as `after` for the following ones; null at the end")


class Rating(BaseModel):
    """How many stars."""

    model_config = ConfigDict(extra="forbid")

    rating: int = Field(ge=0, le=5, strict=True)


class _Outlet(io.RawIOBase):
    """A file that cannot be sought: what is written waits to be taken."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written += data
        return len(data)

    def take(self) -> bytes:
        written, self._written = bytes(self._written), bytearray()
        return written


def zip_stream(gallery: Gallery, entries: Sequence[Entry], block: int = 256 * 1024) -> Iterator[bytes]:
    """Give a zip of the pictures block by block, never more than one block of it in memory.

    Stored, not packed: JPEG does not get smaller. A picture that goes away or cannot be
    read is left out, or ends where its disk does: the others are there.
    """
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED) as archive:
        for entry in entries:
            path = gallery.path(entry)
            try:
                source = path.open("rb")
                told = zipfile.ZipInfo.from_file(path, entry.shown, strict_timestamps=False)
            except (OSError, ValueError):
                continue
            with source, archive.open(told, "w") as target:
                while data := _some(source, block):
                    target.write(data)
                    yield outlet.take()
    yield outlet.take()


def _some(source: BinaryIO, block: int) -> bytes:
    try:
        return source.read(block)
    except OSError as error:
        log.warning("%s: %s; the archive has it in part", source.name, error.strerror)
        return b""


def _after(entries: Sequence[Entry], cursor: str) -> int:
    """The place of the first picture behind a cursor, `changed.id`, also when that picture is gone."""
    changed, _, id = cursor.partition(".")
    changed_ns = int(changed, 16)
    place = 0
    for place, entry in enumerate(entries):
        if entry.id == id:
            return place + 1
        if entry.changed_ns < changed_ns:
            return place
    return place + 1 if entries else 0


def _item(gallery: Gallery, entry: Entry) -> PictureItem:
    """Describe a picture; what another program wrote into one, and makes no sense, is left out."""
    try:
        return PictureItem.model_validate(gallery.describe(entry))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        log.info("%s: what it says of itself makes no sense (%s)", entry.shown, type(error).__name__)
        return PictureItem.model_validate(gallery.bare(entry))


def picture_routes(gallery: Gallery) -> APIRouter:
    """The routes over one folder of pictures."""
    router = APIRouter(prefix="/api/v1", tags=["pictures"])

    def found(id: str) -> Entry:
        entry = gallery.find(id)
        if entry is None:
            raise ProblemError(404, _GONE)
        return entry

    _add_lists(router, gallery, found)
    _add_files(router, gallery, found)
    _add_changes(router, gallery, found)
    _add_archives(router, gallery)
    return router


def _add_lists(router: APIRouter, gallery: Gallery, found: Callable[[str], Entry]) -> None:
    @router.get("/shots", responses=documented(422))
    def list_shots(
        limit: Annotated[int, Query(ge=1, le=200)] = 60,
        after: Annotated[str | None, Query(pattern="^[0-9a-f]{1,20}\\.[0-9a-f]{16}$")] = None,
    ) -> PicturePage:
        """List the pictures, newest first, a page at a time."""
        entries = gallery.entries()
        start = 0 if after is None else _after(entries, after)
        chosen = entries[start : start + limit]
        more = start + limit < len(entries)
        return PicturePage(
            total=len(entries),
            items=[_item(gallery, entry) for entry in chosen],
            next=f"{max(chosen[-1].changed_ns, 0):x}.{chosen[-1].id}" if more and chosen else None,
        )

    @router.get("/shots/{id}", responses=documented(404, 422))
    def show_shot(id: Id) -> PictureItem:
        """Describe one picture."""
        return _item(gallery, found(id))


def _add_files(router: APIRouter, gallery: Gallery, found: Callable[[str], Entry]) -> None:
    @router.get(
        "/shots/{id}/picture",
        response_class=FileResponse,
        responses={200: {"content": {"image/jpeg": {}, "image/png": {}}}, **documented(404, 422)},
    )
    def get_picture(id: Id, download: bool = False) -> FileResponse:
        """Give the file itself."""
        entry = found(id)
        kind = "image/png" if entry.name.lower().endswith(".png") else "image/jpeg"
        return FileResponse(
            gallery.path(entry),
            media_type=kind,
            filename=entry.shown,
            content_disposition_type="attachment" if download else "inline",
            headers={"cache-control": "private, max-age=86400"},
        )

    @router.get(
        "/shots/{id}/thumbnail",
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}}}, **documented(404, 422)},
    )
    def get_thumbnail(id: Id) -> Response:
        """Give a small JPEG, 360 pixels at its longer side."""
        small = gallery.thumbnail(found(id))
        return Response(small, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400"})


def _add_changes(router: APIRouter, gallery: Gallery, found: Callable[[str], Entry]) -> None:
    @router.patch("/shots/{id}", responses=documented(404, 413, 422))
    def rate_shot(id: Id, rating: Rating) -> PictureItem:
        """Give a picture stars; written into its XMP, its pixels untouched."""
        entry = found(id)
        try:
            gallery.rate(entry, rating.rating)
        except FileNotFoundError as error:
            raise ProblemError(404, _GONE) from error
        except OSError as error:
            raise ProblemError(507, f"the rating cannot be written: {error.strerror}") from error
        return _item(gallery, found(id))

    @router.delete("/shots/{id}", status_code=204, response_model=None, responses=documented(404, 422))
    def delete_shot(id: Id) -> None:
        """Delete a picture for good."""
        try:
            gallery.delete(found(id))
        except OSError as error:
            raise ProblemError(507, f"the picture cannot be deleted: {error.strerror}") from error


def _add_archives(router: APIRouter, gallery: Gallery) -> None:
    zipped: dict[int | str, dict[str, Any]] = {
        200: {"content": {"application/zip": {}}},
        **documented(413, 422),
    }

    @router.get("/archive", response_class=StreamingResponse, responses=zipped)
    def get_all() -> StreamingResponse:
        """Give all pictures as one zip, streamed."""
        return _zipped(gallery, gallery.entries())

    @router.post("/archive", response_class=StreamingResponse, responses={**zipped, **documented(404)})
    def get_several(
        ids: Annotated[str, Form(description="picture ids with commas between them")],
    ) -> StreamingResponse:
        """Give several pictures as one zip, streamed; those that are gone are left out."""
        wanted = set(ids.split(","))
        entries = [entry for entry in gallery.entries() if entry.id in wanted]
        if not entries:
            raise ProblemError(404, "none of these pictures is there")
        return _zipped(gallery, entries)


def _zipped(gallery: Gallery, entries: Sequence[Entry]) -> StreamingResponse:
    return StreamingResponse(
        zip_stream(gallery, entries),
        media_type="application/zip",
        headers={"content-disposition": 'attachment; filename="smartselfie-pictures.zip"'},
    )
