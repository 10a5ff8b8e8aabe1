"""The page itself and its static files."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

from smartselfie._version import __version__

STATIC = Path(__file__).with_name("static")
LOGIN_PAGE = STATIC / "login.html"


class _Static(StaticFiles):
    """Files that browsers may keep, but ask about each time: an update shows at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "no-cache"
        return response


def install_pages(app: FastAPI, views: Sequence[str], *, password: bool, documented: bool) -> None:
    """Serve the page with these views, its files, the API's description and the health check."""
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    page = page.replace("{{views}}", html.escape(" ".join(views)))
    page = page.replace("{{password}}", "yes" if password else "no").replace("{{version}}", __version__)
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def index() -> HTMLResponse:
        return HTMLResponse(page, headers={"cache-control": "no-cache"})

    @router.get("/health")
    async def health() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    if documented:
        api_page = (STATIC / "api.html").read_text(encoding="utf-8")

        @router.get("/api")
        async def api() -> HTMLResponse:
            return HTMLResponse(api_page, headers={"cache-control": "no-cache"})

        @router.get("/api/v1/openapi.json")
        async def description() -> JSONResponse:
            return JSONResponse(app.openapi())

    app.include_router(router)
    app.mount("/static", _Static(directory=STATIC), name="static")
