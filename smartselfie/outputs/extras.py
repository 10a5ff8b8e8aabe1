"""What a kind of output needs beside the package itself, asked for before anything is opened."""

from __future__ import annotations

from importlib.util import find_spec

from smartselfie.errors import ExtraMissingError


def need(module: str, *, extra: str, kind: str) -> None:
    """Return when a module can be imported. Raises `ExtraMissingError` with the command that installs it."""
    if find_spec(module) is None:
        raise ExtraMissingError(
            f"outputs: {kind} needs {module}", remedy=f"run: pip install 'smartselfie[{extra}]'"
        )
