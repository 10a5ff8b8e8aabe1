"""The program as a group of commands whose default one is at home in its help and completion."""

from __future__ import annotations

import os
from copy import copy
from typing import Any

from typer.core import TyperGroup

DEFAULT = "run"
"""What runs without a command."""


class Group(TyperGroup):
    """Shows and completes the options of `run` beside its own; flags have no type."""

    _shows_help = False

    def get_params(self, ctx: Any) -> list[Any]:
        """Return its own parameters, and for the help those of the default command."""
        own = [_plain(param) for param in super().get_params(ctx)]
        run = self.commands.get(DEFAULT)
        if not self._shows_help or run is None:
            return own
        more = []
        for param in run.params:
            shown = copy(_plain(param))
            shown.rich_help_panel = f"Options of {DEFAULT}, which is what it does without a command"
            more.append(shown)
        return [*own, *more]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by its name."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            for param in command.get_params(ctx):
                _plain(param)
        return command

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        self._shows_help = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._shows_help = False

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return what the shell can offer."""
        found = super().shell_complete(ctx, incomplete)
        run = self.commands.get(DEFAULT)
        if run is None or not incomplete.startswith("-"):
            return found
        known = {item.value for item in found}
        more = run.shell_complete(type(ctx)(run, info_name=DEFAULT, parent=ctx), incomplete)
        return [*found, *(item for item in more if item.value not in known)]


def complete_as_default() -> None:
    """Have the shell complete what follows an option that stands where a command might: it is `run`'s."""
    for name in ("COMP_WORDS", "_TYPER_COMPLETE_ARGS"):
        program, _, rest = os.environ.get(name, "").partition(" ")
        if rest.startswith("-") and " " in rest:
            os.environ[name] = f"{program} {DEFAULT} {rest}"
            if name == "COMP_WORDS":
                os.environ["COMP_CWORD"] = str(int(os.environ.get("COMP_CWORD", "1")) + 1)


def _plain(param: Any) -> Any:
    """Take the type away from a flag, and from a count: neither takes a value."""
    if getattr(param, "is_flag", False) or getattr(param, "count", False):
        param.metavar = ""
    return param
