"""`smartselfie run`: the daemon."""

from __future__ import annotations

import logging
import os
from dataclasses import replace

from smartselfie import settings as s
from smartselfie.daemon.app import App, RunOptions, default_config
from smartselfie.errors import ConfigError

log = logging.getLogger(__name__)

__all__ = ["RunOptions", "load_settings", "run"]


def run(options: RunOptions) -> int:
    """Run until the source ends or somebody asks to quit; returns the exit code. Raises what goes wrong.

    The code is 1 when pictures were taken that could never be written.
    """
    options = replace(
        options,
        config=options.config or default_config(),
        wait=options.wait or "NOTIFY_SOCKET" in os.environ,
    )
    with App(load_settings(options), options) as app:
        app.run()
    return 1 if app.saver.lost else 0


def load_settings(options: RunOptions) -> s.Settings:
    """Read the settings; with `safe` a broken file is reported and the defaults are used instead."""
    try:
        return s.load(options.config, options.overrides)
    except ConfigError as error:
        if not options.safe:
            raise
        for line in str(error).splitlines():
            log.warning("%s", line)
        log.warning("starting with the default settings (--safe)")
        return s.load(None, options.overrides)
