"""`smartselfie init`: a commented config.yaml to start from."""

from __future__ import annotations

from pathlib import Path

from smartselfie.errors import UsageError
from smartselfie.settings import render_config

NAME = "config.yaml"


def init(folder: Path = Path()) -> Path:
    """Write config.yaml with every setting into a folder, made when missing, and return its path.

    Raises UsageError where there is one already, or where it cannot be written.
    """
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(render_config())
    except FileExistsError as error:
        there = path if path.exists() or path.is_symlink() else folder
        raise UsageError(f"{there}: exists already; remove it first, or name another folder") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}; name another folder") from error
    return path
