"""`smartselfie status`: how the running daemon is."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from smartselfie.outputs.health import Status, find_statuses, problems
from smartselfie.saving.storage import in_words


def status(
    *,
    as_json: bool = False,
    pictures: Path | None = None,
    out: TextIO | None = None,
    folders: Iterable[Path] = (),
) -> int:
    """Print how the daemons are; returns the exit code: 1 when one is unwell or none runs.

    `pictures`: only the daemon that saves there. `folders` are searched for status files; without any, where
    this user's and the system's are. The JSON is that of the only daemon, else `{"ok", "daemons": [...]}`.
    """
    out = out or sys.stdout
    now = time.monotonic()
    try:
        found = [(each, problems(each, now=now)) for _, each in find_statuses(folders, pictures)]
    except FileNotFoundError:
        where = "here" if pictures is None else f"for {pictures}"
        found = [({}, [f"no daemon runs {where}; start it with: smartselfie"])]
    well = not any(wrong for _, wrong in found)
    if as_json:
        told = [{"ok": not wrong, "problems": wrong, **each} for each, wrong in found]
        print(json.dumps(told[0] if len(told) == 1 else {"ok": well, "daemons": told}), file=out)
        return int(not well)
    console = Console(file=out, highlight=False, soft_wrap=True)
    for number, (each, wrong) in enumerate(found):
        if number:
            console.print()
        for problem in wrong:
            console.print(Text(f"unwell: {problem}", "bold red"))
        if each:
            console.print(_table(each))
    return int(not well)


def _table(found: Status) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, text in _rows(found):
        table.add_row(name, Text(text))
    return table


def _rows(found: Status) -> Iterator[tuple[str, str]]:
    def number(name: str) -> float:
        value = found.get(name)
        return value if isinstance(value, int | float) else 0.0

    uptime = timedelta(seconds=round(number("uptime")))
    yield "daemon", f"smartselfie {found.get('version')}, process {found.get('pid')}, up {uptime}"
    yield "state", f"{found.get('state')}: {found.get('why')}"
    camera, source = found.get("camera"), f"{found.get('source')}"
    if isinstance(camera, dict):
        source += f": {camera.get('notice') or camera.get('state')}"
    yield "source", source
    age = found.get("frame_age")
    yield "frames", "none yet" if age is None else f"{number('fps'):g} a second, the last {age} s ago"
    lost = f", {number('lost'):g} lost" if found.get("lost") else ""
    yield "pictures", f"{number('shots'):g} taken, {number('saved'):g} saved{lost}"
    yield "folder", f"{found.get('folder')}"
    free = found.get("disk_free")
    yield "disk", f"{in_words(free)} free" if isinstance(free, int) else "gone"
    memory = in_words(int(number("memory")))
    yield "machine", f"{memory} of memory, {number('cpu'):.0%} of a core, {number('threads'):g} threads"
    outputs = found.get("outputs")
    for output in outputs if isinstance(outputs, list) else ():
        yield from _output_rows(output)
    notices = found.get("notices")
    if isinstance(notices, list) and notices:
        yield "notices", "; ".join(map(str, notices))
    error = found.get("last_error")
    if isinstance(error, dict):
        yield "last error", f"{error.get('what')} ({error.get('time')})"


def _output_rows(output: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield how an output is, and its newest dead letters with what they died of."""
    told = [
        f"{output[key]} {key.replace('_', ' ')}"
        for key in ("delivered", "waiting", "dead", "lost")
        if output.get(key)
    ]
    words = ", ".join(told) or "nothing to tell yet"
    yield (
        "output",
        f"{output.get('name')}: {words}" + (f"; {output['trouble']}" if output.get("trouble") else ""),
    )
    letters = output.get("dead_letters")
    for letter in letters if isinstance(letters, list) else ():
        yield "  dead letter", f"{letter.get('what')}: {letter.get('why')} ({letter.get('time')})"
