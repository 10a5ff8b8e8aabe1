"""`/api/v1/session`: the password opens a session."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from smartselfie.web.problems import ProblemError, documented
from smartselfie.web.security import COOKIE, AccessPolicy, client_of, session_of


class Password(BaseModel):
    """What the page was given."""

    model_config = ConfigDict(extra="forbid")

    password: str = Field(max_length=1024)


def session_routes(policy: AccessPolicy) -> APIRouter:
    """Log in and out; without a password in use logging in is harmless."""
    router = APIRouter(prefix="/api/v1", tags=["session"])

    @router.post("/session", status_code=204, response_model=None, responses=documented(401, 413, 422, 429))
    async def log_in(body: Password, request: Request, response: Response) -> None:
        """Give the password and get the session's cookie."""
        if policy.password_hash is None:
            return
        wait = await policy.try_password(client_of(request.scope), body.password)
        if wait:
            raise ProblemError(
                429, f"too many wrong passwords; try again in {wait} s", headers={"retry-after": str(wait)}
            )
        if wait is not None:
            raise ProblemError(401, "this is not the password")
        response.set_cookie(
            COOKIE,
            policy.sessions.open(),
            max_age=int(policy.sessions.lifetime),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            path="/",
        )

    @router.delete("/session", status_code=204, response_model=None)
    async def log_out(request: Request, response: Response) -> None:
        """End the session."""
        policy.sessions.end(session_of(request.headers))
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")

    return router
