"""The settings in effect, and how they change while the program runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from smartselfie import settings as s
from smartselfie.errors import ConfigError
from smartselfie.records import Command, Reload
from smartselfie.seams import Emit
from smartselfie.settings import Settings

log = logging.getLogger(__name__)


class LiveSettings:
    """Holds the settings in effect and what the file last said; used by the loop's thread.

    `apply(new, changed)` puts changed settings into effect; `path` is the file they come from, `overrides`
    what the command line puts over it. What is refused is logged and announced, and changes nothing.
    """

    def __init__(
        self,
        settings: Settings,
        path: Path | None,
        overrides: Iterable[str],
        *,
        apply: Callable[[Settings, list[str]], None],
        emit: Emit,
        clock: Callable[[], float],
    ) -> None:
        self.current = self._file = settings
        self._path, self._overrides = path, tuple(overrides)
        self._put_into_effect, self._emit, self._clock = apply, emit, clock
        self._watch = None if path is None else s.ConfigWatch(path)

    def watch(self) -> Iterable[Command]:
        """Ask for a reload when the file has changed; a tick."""
        return [Reload()] if self._watch is not None and self._watch.changed(self._clock()) else ()

    def change(self, values: Mapping[str, object]) -> None:
        """Change settings by dotted key."""
        try:
            self._apply(s.set_values(self.current, values))
        except ConfigError as error:
            self._refuse(error)

    def reload(self) -> None:
        """Read the file again; what was changed while running stays unless the file now says otherwise."""
        if self._path is None:
            log.info("there is no settings file to read again")
            return
        try:
            file = s.load(self._path, self._overrides)
            values = {key: file.value(key) for key in s.changes(self._file, file)}
            if values.get("moment") and file.moment is not None:  # it was off: all of it is new
                values |= {f"moment.{name}": value for name, value in file.moment.model_dump().items()}
            self._apply(s.set_values(self.current, values))
            self._file = file
        except ConfigError as error:
            self._refuse(error)

    def take_file(self) -> None:
        """The program has written the file itself: take what it says for known."""
        if self._path is not None and self._watch is not None:
            self._watch.expect()
            self._file = s.load(self._path, self._overrides)

    def _apply(self, new: Settings) -> None:
        changed, restart = s.changes(self.current, new), s.needs_restart(self.current, new)
        if not changed:
            return
        self.current = new
        self._put_into_effect(new, list(changed))
        log.info("settings changed: %s", ", ".join(changed))
        if restart:
            log.warning("only a restart applies: %s", ", ".join(restart))
        self._emit("config_reloaded", changed=list(changed), needs_restart=restart)

    def _refuse(self, error: ConfigError) -> None:
        lines = str(error).splitlines()
        for line in lines:
            log.warning("%s", line)
        log.warning("the settings stay as they were")
        self._emit("config_refused", errors=lines)
