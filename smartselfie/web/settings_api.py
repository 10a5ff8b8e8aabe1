"""`/api/v1/settings`: every setting with its range, changed while running, saved into config.yaml."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from smartselfie.errors import ConfigError
from smartselfie.settings import Settings, catalogue, controls, needs_restart, plain, set_values
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


class SettingsEditor:
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
    unsaved: list[str] = Field(description="keys changed since the last `save`")
    settings: list[Control]


class Values(BaseModel):
    """New values by dotted key, such as `{"values": {"trigger.threshold": 0.7}}`."""

    model_config = ConfigDict(extra="forbid")

    values: dict[str, Any] = Field(min_length=1, max_length=200)


class Changed(SettingsBody):
    """What became of a change."""

    applied: list[str] = Field(description="in effect now")
    restart: list[str] = Field(description="needs `save` and a restart")


class SaveBody(BaseModel):
    """What to save."""

    model_config = ConfigDict(extra="forbid")

    values: dict[str, Any] | None = Field(
        default=None, max_length=200, description="by dotted key; null: everything unsaved"
    )


class Saved(BaseModel):
    """What was written."""

    file: str
    saved: list[str]
    restart: list[str] = Field(description="takes effect at the next start")


class _Pending:
    """What was changed and is not in the file yet: key -> (value before, value now)."""

    def __init__(self, port: SettingsPort) -> None:
        self.lock = threading.Lock()
        self._port = port
        self._changed: dict[str, tuple[object, object]] = {}

    @property
    def values(self) -> dict[str, object]:
        """The new values."""
        return {key: now for key, (_, now) in self._changed.items()}

    @property
    def before(self) -> dict[str, object]:
        """The values they replaced."""
        return {key: before for key, (before, _) in self._changed.items()}

    def note(self, old: Settings, values: Mapping[str, object]) -> None:
        for key, value in values.items():
            before = self._changed[key][0] if key in self._changed else plain(old.value(key))
            self._changed[key] = before, value

    def forget(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._changed.pop(key, None)

    def body(self, settings: Settings) -> Json:
        return {
            "file": self._port.file,
            "unsaved": sorted(self._changed),
            "settings": [Control.model_validate(control) for control in controls(settings)],
        }

    def shown(self) -> Settings:
        """Return the settings in effect, with what waits for a restart on top."""
        current = self._port.current()
        try:
            return set_values(current, self.values)
        except ConfigError:  # the file was changed meanwhile, so that they no longer go together
            self._changed.clear()
            return current


def settings_routes(port: SettingsPort) -> APIRouter:
    """The routes over one set of settings."""
    router = APIRouter(prefix="/api/v1", tags=["settings"])
    pending = _Pending(port)

    def put(values: Mapping[str, object]) -> Changed:
        old = port.current()
        new = _checked(pending.shown(), values)
        restart = [key for key in needs_restart(old, new) if key in values]
        applied = {key: value for key, value in values.items() if key not in restart}
        if applied:
            port.change(applied)
        pending.note(old, values)
        return Changed(**pending.body(new), applied=list(applied), restart=restart)

    @router.get("/settings")
    def show() -> SettingsBody:
        """List every setting with its range, unit, default and value."""
        with pending.lock:
            return SettingsBody(**pending.body(pending.shown()))

    @router.patch("/settings", responses=documented(413, 422))
    def change(body: Values) -> Changed:
        """Change settings while running; what needs a restart is checked, and applies once it is saved."""
        with pending.lock:
            return put(body.values)

    @router.post("/settings/discard", responses=documented(422))
    def discard() -> Changed:
        """Take back every change that was not saved."""
        with pending.lock:
            changed = put(pending.before)
            pending.forget(pending.before)
            return changed.model_copy(update={"unsaved": []})

    @router.post("/settings/save", responses=documented(409, 413, 422, 507))
    def save(body: SaveBody) -> Saved:
        """Write settings into config.yaml; its comments and everything else in it stay."""
        if port.file is None:
            raise ProblemError(
                409, "there is no settings file; `smartselfie init` writes one, --config names it"
            )
        with pending.lock:
            values = pending.values if body.values is None else body.values
            restart = needs_restart(port.current(), _checked(pending.shown(), values))
            if values:
                try:
                    port.save(values)
                except OSError as error:
                    raise ProblemError(507, f"{port.file} cannot be written: {error.strerror}") from error
            pending.forget(list(values))
        return Saved(file=port.file, saved=list(values), restart=[key for key in restart if key in values])

    return router


def _checked(old: Settings, values: Mapping[str, object]) -> Settings:
    for key in values:
        known = catalogue(old).get(key)
        if known is None or known.private:
            raise ProblemError(422, f"{key[:80]}: unknown setting")
    try:
        return set_values(old, values)
    except ConfigError as error:
        raise ProblemError(422, without_paths(str(error))) from error
