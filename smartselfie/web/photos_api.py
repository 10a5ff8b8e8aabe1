"""`POST /api/v1/classify`: what the network says of uploaded pictures. Nothing is ever written to disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from smartselfie.errors import PictureError, PictureTooLargeError
from smartselfie.pictures.photos import UPLOADS, decode, find_faces
from smartselfie.records import Face, Image
from smartselfie.seams import Classifier, Detector
from smartselfie.web.problems import ProblemBody, ProblemError, documented
from smartselfie.web.rates import Rates
from smartselfie.web.security import client_of
from smartselfie.web.wire import Json, face_json, without_paths

PATH = "/api/v1/classify"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What one request may ask for."""

    file_bytes: int = 15_000_000
    request_bytes: int = 32_000_000
    files: int = 10
    pixels: int = 40_000_000
    """Of one picture; a phone's have 12 to 24 million, some 50."""
    seconds: float = 30.0
    """To send the request in."""
    at_once: int = 16
    """Requests that are read or looked at; more are told to come back."""
    held_bytes: int = 128_000_000
    """What those may have sent, together; a request that does not say its length counts as the largest."""


class FaceReader:
    """Looks at pictures in a thread of its own; its detector and classifier are made at the first use."""

    def __init__(
        self,
        make_detector: Callable[[], Detector],
        make_classifier: Callable[[], Classifier],
        *,
        name: str = "web-faces",
    ) -> None:
        self._make = make_detector, make_classifier
        self._tools: tuple[Detector, Classifier] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, look: Callable[[Detector, Classifier], T]) -> T:
        """Call `look` with the detector and the classifier, when those before are done."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._with_tools, look)

    def close(self) -> None:
        """Let the thread end; pictures that wait are not looked at any more."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _with_tools(self, look: Callable[[Detector, Classifier], T]) -> T:
        if self._tools is None:
            make_detector, make_classifier = self._make
            self._tools = make_detector(), make_classifier()
        return look(*self._tools)


class FoundFace(BaseModel):
    """A face of an uploaded picture."""

    box: list[int] = Field(description="x, y, width, height in pixels of the upright picture")
    landmarks: list[list[float]] | None = Field(
        description="eye left in the picture, other eye, nose, corners of the mouth, as x, y; or null"
    )
    score: float | None = Field(description="how sure the detector is, 0 to 1; null when it does not say")
    scores: dict[str, float] = Field(description="the probabilities by class; they sum to 1")
    top: str = Field(description="the expression with the largest probability")


class Classified(BaseModel):
    """What was found in one picture."""

    faces: list[FoundFace] = Field(description="the largest first; empty when there is none")
    width: int
    height: int


class Refused(BaseModel):
    """Why one of several pictures was not looked at."""

    error: ProblemBody


class ClassifiedSeveral(BaseModel):
    """One entry for each file, in the order they were sent."""

    results: list[Classified | Refused]


class _InMemory(MultiPartParser):
    """Starlette's parser puts larger files on disk; this one must not."""

    spool_max_size = 2**31


def _kind_of(data: bytes) -> str | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    return "JPEG" if data.startswith(b"\xff\xd8\xff") else None


def read_upload(data: bytes, limits: UploadLimits) -> Image:
    """Decode an upload as (H, W, 3) BGR, upright; raises `ProblemError` that says why not."""
    if len(data) > limits.file_bytes:
        raise ProblemError(
            413, f"the file has {len(data) / 1e6:.1f} MB; {limits.file_bytes / 1e6:g} MB is the most"
        )
    if _kind_of(data) is None:
        raise ProblemError(415, "this is no PNG or JPEG picture; send a .png, .jpg or .jpeg file")
    try:
        return decode(data, max_bytes=limits.file_bytes, max_pixels=limits.pixels, formats=UPLOADS)
    except PictureError as error:
        status = 413 if isinstance(error, PictureTooLargeError) else 422
        raise ProblemError(status, f"the picture is {error}") from error


def classify_upload(
    data: bytes, limits: UploadLimits, detector: Detector, classifier: Classifier
) -> Classified:
    """Find and score the faces of an upload; raises `ProblemError`."""
    image = read_upload(data, limits)
    faces = find_faces(image, detector, classifier)
    return Classified(
        faces=[_found(face) for face in faces], width=int(image.shape[1]), height=int(image.shape[0])
    )


def _found(face: Face) -> FoundFace:
    assert face.scores is not None
    found = face_json(face)
    return FoundFace(**{name: found[name] for name in FoundFace.model_fields})


_BODY: Json = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "binary"},
                            "description": "a PNG or JPEG picture; repeat the field for several",
                        }
                    },
                }
            }
        },
    }
}


def photo_routes(reader: FaceReader, limits: UploadLimits, rates: Rates | None = None) -> APIRouter:
    """The route; `rates` limits each client, None: nobody."""
    router = APIRouter(tags=["photos"])
    inside = held = 0

    @router.post(PATH, openapi_extra=_BODY, responses=documented(400, 413, 415, 422, 429, 503))
    async def classify(request: Request) -> Classified | ClassifiedSeveral:
        """Find the faces of a picture and score their expressions; several files give `results`."""
        nonlocal inside, held
        if rates is not None and (wait := rates.take(client_of(request.scope))):
            raise ProblemError(
                429, f"too many pictures; try again in {wait} s", headers={"retry-after": str(wait)}
            )
        sent = _length(request, limits)
        if inside >= limits.at_once or held + sent > limits.held_bytes:
            raise ProblemError(
                503, "too many pictures at once; try again in 2 s", headers={"retry-after": "2"}
            )
        inside += 1
        held += sent
        try:
            files = await _files_of(request, limits)
            if len(files) == 1:
                return await reader.run(partial(classify_upload, files[0], limits))
            results: list[Classified | Refused] = []
            for place, data in enumerate(files):
                files[place] = b""  # so that its memory goes as soon as it has been looked at
                results.append(await _one_of_several(reader, data, limits))
            return ClassifiedSeveral(results=results)
        finally:
            inside -= 1
            held -= sent

    return router


async def _one_of_several(reader: FaceReader, data: bytes, limits: UploadLimits) -> Classified | Refused:
    try:
        return await reader.run(partial(classify_upload, data, limits))
    except ProblemError as error:
        title = {413: "Content Too Large", 415: "Unsupported Media Type"}.get(
            error.status, "Unprocessable Content"
        )
        body = ProblemBody(title=title, status=error.status, detail=without_paths(error.detail))
        return Refused(error=body)


def _length(request: Request, limits: UploadLimits) -> int:
    """How many bytes the request may bring; raises `ProblemError` when those are too many."""
    length = request.headers.get("content-length", str(limits.request_bytes))
    if not length.isdecimal() or int(length) > limits.request_bytes:
        raise _too_large(limits)
    return int(length)


def _too_large(limits: UploadLimits) -> ProblemError:
    told = f"the request has more than {limits.request_bytes / 1e6:g} MB; send fewer or smaller pictures"
    return ProblemError(413, told, headers={"connection": "close"})


async def _files_of(request: Request, limits: UploadLimits) -> list[bytes]:
    """Read the multipart body in memory, within the limits; raises `ProblemError`."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise ProblemError(
            415, "send multipart/form-data with the picture as field `file` (curl -F file=@photo.jpg)"
        )

    async def body() -> AsyncGenerator[bytes, None]:
        seen = 0
        async for chunk in request.stream():
            seen += len(chunk)
            if seen > limits.request_bytes:
                raise _too_large(limits)
            yield chunk

    try:
        async with asyncio.timeout(limits.seconds):
            form = await _InMemory(request.headers, body(), max_files=limits.files, max_fields=10).parse()
    except TimeoutError as error:
        raise ProblemError(408, f"the pictures took longer than {limits.seconds:g} s to arrive") from error
    except MultiPartException as error:
        raise ProblemError(422, error.message) from error
    except ClientDisconnect as error:
        raise ProblemError(400, "the request broke off") from error
    files = [value.file.read() for value in form.getlist("file") if isinstance(value, UploadFile)]
    await form.close()
    if not files:
        raise ProblemError(422, "there is no file in the field `file`")
    return files
