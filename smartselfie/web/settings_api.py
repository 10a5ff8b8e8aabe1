"""`/api/v1/settings`: every setting with its range, changed while running, saved into config.yaml."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from smartselfie.errors import ConfigError
from smartselfie.settings import Settings, catalogue, controls, needs_restart, set_values
from smartselfie.web.problems import ProblemError, documented
from smartselfie.web.wire import Json, without_paths


class SettingsPort(Protocol):
    """Where the settings live."""

    def current(self) -> Settings:
        """Return those in effect."""
        ...

    def change(self, values: Mapping[str, object]) -> None:
        """Put values into effect; they have been checked."""
        ...

    @property
    def file(self) -> str | None:
        """The name of the file that `save` writes, None where there is none."""
        ...

    def save(self, values: Mapping[str, object]) -> None:
        """Write values into the file, its comments kept. Raises `ConfigError`, `OSError`."""
        ...


class Desk:
    """A `SettingsPort` out of functions.

    `read` gives the settings in effect. `apply` puts values into effect; without it, where nothing runs that
    could feel them, they are only held until they are saved.
    """

    def __init__(
        self,
        read: Callable[[], Settings],
        *,
        apply: Callable[[Mapping[str, object]], None] | None = None,
        file: str | None = None,
        write: Callable[[Mapping[str, object]], None] | None = None,
    ) -> None:
        self._read, self._apply, self._write = read, apply, write
        self._held: Settings | None = None
        self._file = file

    @property
    def file(self) -> str | None:
        """The name of the settings file."""
        return self._file if self._write is not None else None

    def current(self) -> Settings:
        """Return those in effect."""
        return self._held if self._held is not None else self._read()

    def change(self, values: Mapping[str, object]) -> None:
        """Put values into effect."""
        if self._apply is not None:
            self._apply(values)
        else:
            self._held = set_values(self.current(), values)

    def save(self, values: Mapping[str, object]) -> None:
        """Write values into the file."""
        assert self._write is not None
        self._write(values)


class Control(BaseModel):
    """A setting as a page shows it."""

    model_config = ConfigDict(extra="allow")

    key: str
    section: str
    title: str
    kind: str
    takes: str
    help: str
    unit: str | None
    minimum: float | None
    exclusive_minimum: float | None
    maximum: float | None
    choices: list[Any]
    nullable: bool
    default: Any
    live: bool = Field(description="a change applies at once; else it needs a restart")
    value: Any


class SettingsBody(BaseModel):
    """Every setting that the page may show."""

    file: str | None = Field(description="the file that `save` writes; null where there is none")
    settings: list[Control]


class Values(BaseModel):
    """New values by dotted key, such as `{"values": {"trigger.threshold": 0.7}}`."""

    model_config = ConfigDict(extra="forbid")

    values: dict[str, Any] = Field(min_length=1, max_length=200)


class Changed(SettingsBody):
    """What became of a change."""

    applied: list[str] = Field(description="in effect now")
    restart: list[str] = Field(description="needs `save` and a restart")


class Saved(BaseModel):
    """What was written."""

    file: str
    restart: list[str] = Field(description="takes effect at the next start")


def settings_routes(port: SettingsPort) -> APIRouter:
    """The routes over one set of settings."""
    router = APIRouter(prefix="/api/v1", tags=["settings"])
    one_at_a_time = threading.Lock()

    @router.get("/settings")
    def show() -> SettingsBody:
        """List every setting with its range, unit, default and value."""
        return SettingsBody(file=port.file, settings=_shown(port.current()))

    @router.patch("/settings", responses=documented(413, 422))
    def change(body: Values) -> Changed:
        """Change settings while running; what needs a restart is checked, and applies once it is saved."""
        with one_at_a_time:
            old = port.current()
            new = _checked(old, body.values)
            restart = needs_restart(old, new)
            applied = {key: value for key, value in body.values.items() if key not in restart}
            if applied:
                port.change(applied)
        return Changed(file=port.file, settings=_shown(new), applied=list(applied), restart=restart)

    @router.post("/settings/save", responses=documented(409, 413, 422, 507))
    def save(body: Values) -> Saved:
        """Write settings into config.yaml; its comments and everything else in it stay."""
        if port.file is None:
            raise ProblemError(
                409, "there is no settings file; `smartselfie init` writes one, --config names it"
            )
        with one_at_a_time:
            old = port.current()
            restart = needs_restart(old, _checked(old, body.values))
            try:
                port.save(body.values)
            except OSError as error:
                raise ProblemError(507, f"{port.file} cannot be written: {error.strerror}") from error
        return Saved(file=port.file, restart=restart)

    return router


def _checked(old: Settings, values: Mapping[str, object]) -> Settings:
    for key in values:
        known = catalogue().get(key)
        if known is None or known.private:
            raise ProblemError(422, f"{key[:80]}: unknown setting")
    try:
        return set_values(old, values)
    except ConfigError as error:
        raise ProblemError(422, without_paths(str(error))) from error


def _shown(settings: Settings) -> list[Control]:
    shown: list[Json] = [dict(control) for control in controls(settings)]
    return [Control.model_validate(control) for control in shown]
