"""Progress bars and tables for people (rich)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def progress(things: Iterable[Any], count: int) -> Iterable[Any]:
    """Pass things through under a progress bar on stderr; `count` is how many there will be."""
    from rich.console import Console
    from rich.progress import track

    return track(things, "reading", count, console=Console(stderr=True), transient=True)


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table; all columns but the first are figures."""
    from rich.console import Console
    from rich.table import Table

    made = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left")
    for row in rows:
        made.add_row(*row)
    Console().print(made)


def left_out(broken: Sequence[str], most: int = 20) -> None:
    """Say on stderr what could not be read: the first lines, and how many more there are."""
    for line in broken[:most]:
        print(f"left out: {line}", file=sys.stderr)
    if len(broken) > most:
        print(f"left out: {len(broken) - most} more", file=sys.stderr)


def list_left_out(broken: Sequence[str], listed: Path) -> None:
    """Write all that could not be read into the file `listed`, and say so on stderr."""
    listed.write_text("\n".join(broken) + "\n")
    left_out(broken)
    print(f"{len(broken)} broken rows left out, all listed in {listed}", file=sys.stderr)
