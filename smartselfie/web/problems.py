"""Errors as `application/problem+json` (RFC 9457): a status, a title and one sentence on what to do."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from smartselfie.errors import BusyError, ConfigError, PictureError, SaveError, SmartSelfieError
from smartselfie.web.wire import without_paths

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class ProblemBody(BaseModel):
    """What every error under /api answers."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class ProblemError(Exception):
    """Raised by a handler to answer with a problem."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Build the response; paths of the machine never leave it."""
    body = ProblemBody(title=HTTPStatus(status).phrase, status=status, detail=without_paths(detail))
    return JSONResponse(body.model_dump(), status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def documented(*statuses: int) -> dict[int | str, dict[str, object]]:
    """Describe the problems that a route may answer, for the OpenAPI page."""
    schema = {"$ref": "#/components/schemas/ProblemBody"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def status_of(error: SmartSelfieError) -> int:
    """Which status tells a client what kind of error this is."""
    match error:
        case PictureError():
            return 422
        case BusyError():
            return 503
        case ConfigError():
            return 422
        case SaveError():
            return 507
        case _:
            return 409


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem."""

    async def on_problem(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ProblemError)
        return problem(error.status, error.detail, error.headers)

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        detail = str(error.detail)
        if error.status_code == 404 and detail == "Not Found":
            detail = "there is nothing at this address"
        return problem(error.status_code, detail, error.headers)

    async def on_invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        told = [
            f"{'.'.join(str(part) for part in item['loc'][1:]) or item['loc'][0]}: {item['msg']}"
            for item in error.errors()
        ]
        return problem(422, "; ".join(told))

    async def on_ours(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, SmartSelfieError)
        return problem(status_of(error), str(error))

    async def on_fault(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return problem(500, "the server made a mistake; its log says more")

    app.add_exception_handler(ProblemError, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(SmartSelfieError, on_ours)
    app.add_exception_handler(Exception, on_fault)
