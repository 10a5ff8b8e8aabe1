"""The footage of the data folder through the whole pipeline: one table, by which every change is judged.

make footage                            footage (the clips to check with) and videos, with the defaults
make footage ARGS="--set trigger.rule=frames --against before.json"

Played clips are kept in replay/, so that a second run of the same build is quick. Each run writes its figures
to replay/FOLDER.json, for a later run to be compared with: `--against DIR` of such files.
"""

from __future__ import annotations

import argparse
import json
import os
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.table import Table

from smartselfie.commands.replay import replay
from smartselfie.replaying.compare import compare, in_words, read_outcomes
from smartselfie.replaying.intervals import median_interval, rate_interval, share_interval
from smartselfie.replaying.labels import read_labels
from smartselfie.settings import load

FOLDERS = {"footage": "split=check", "videos": None}


def main() -> None:
    """Play both folders and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SMARTSELFIE_DATA", "../shared")))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.add_argument("--out", type=Path, default=Path("replay"))
    parser.add_argument("--against", type=Path, help="a folder with the .json files of an earlier run")
    parser.add_argument("--split", default="check", help="of the footage; mine: what was learnt from")
    parser.add_argument("--jobs", type=int)
    given = parser.parse_args()
    settings = load(None, given.overrides)
    view = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    for name in ("", "clips", "smiles hit", "95 %", "false", "in s", "an hour", "95 %", "delay", "95 %"):
        view.add_column(name, justify="left" if not name else "right", no_wrap=True)
    sentences = []
    for folder, where in FOLDERS.items():
        clips = given.data / folder
        if not clips.is_dir():
            raise SystemExit(f"{clips}: is not there; --data FOLDER or SMARTSELFIE_DATA says where it is")
        labels = clips / "smiles.json"
        said = StringIO()
        replay(
            [clips],
            settings,
            labels=labels,
            where=where and f"split={given.split}",
            out=given.out / folder,
            as_json=True,
            jobs=given.jobs,
            into=said,
        )
        path = given.out / f"{folder}.json"
        path.write_text(said.getvalue(), encoding="utf-8")
        view.add_row(folder, *row(path))
        if given.against is not None:
            known = read_labels(labels)
            found = compare(read_outcomes(path), read_outcomes(given.against / path.name), known)
            sentences.append(f"{folder} {in_words(found)}")
    Console(width=140).print(view)
    for sentence in sentences:
        print(sentence)
    print(f"pages with every shot and miss: {given.out}/*/index.html")


def row(path: Path) -> list[str]:
    """Return the cells of one folder."""
    total = json.loads(path.read_text(encoding="utf-8"))["total"]
    low, high = share_interval(total["hits"], total["smiles"])
    hours = total["quiet_seconds"] / 3600
    least, most = rate_interval(total["false_shots"], hours)
    delays = median_interval(total["delays"])
    return [
        str(total["clips"]),
        f"{total['hits']} of {total['smiles']}",
        f"{low:.0%} to {high:.0%}",
        str(total["false_shots"]),
        f"{total['quiet_seconds']:.0f}",
        f"{total['false_shots'] / hours:.0f}" if hours else "-",
        f"{least:.0f} to {most:.0f}" if hours else "",
        "-" if total["median_delay"] is None else f"{total['median_delay']:.2f} s",
        "" if delays is None else f"{delays[0]:.2f} to {delays[1]:.2f}",
    ]


if __name__ == "__main__":
    main()
