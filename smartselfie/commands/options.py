"""Options that several commands have, and what they mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from smartselfie.settings import Settings

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings file; without it ./config.yaml, if there is one."),
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting; repeatable.")
]
Verbose = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more; twice: everything.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say only what is wrong.")]


def examples(*lines: str) -> str:
    """Lay out the examples below a command's help."""
    return "Examples:\n\n" + "\n\n".join(f"`{line}`" for line in lines)


def quoted(value: str) -> str:
    """Quote what a person typed, so that nothing in it is read as YAML; a camera's number stays one."""
    return value if value.isdecimal() and len(value) < 3 else json.dumps(value, ensure_ascii=False)


def settings_file(given: Path | None = None) -> Path | None:
    """Return the settings file that was named, else the one there is."""
    from smartselfie.daemon.app import default_config

    return given or default_config()


def read_settings(path: Path | None, overrides: Sequence[str] | None) -> Settings:
    """Read the settings of a file with `--set` on top. Raises `ConfigError`."""
    from smartselfie.settings import load

    return load(path, overrides or ())
