"""`smartselfie prepare`: labelled faces into one file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from smartselfie.training import tables
from smartselfie.training.commands.options import DATA, Verbose

EXAMPLES = """
Examples:

    smartselfie prepare fer2013.csv --votes fer2013new.csv --out data/faces.npz

    smartselfie prepare archive/ --out data/tree.npz      train|test/<class>/*.jpg

    smartselfie prepare FERG_DB_256/ --out data/ferg.npz --pictures data/pictures
"""


def prepare(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="fer2013.csv, icml_face_data.csv, a picture tree, FERG-DB, a legend.csv's folder, a .zip."
        ),
    ],
    votes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="FER+'s fer2013new.csv, in the row order of fer2013.csv."),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The compact array file to write.")] = DATA,
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also write every face as a PNG: DIR/split/class/number.png."),
    ] = None,
    chart: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The bar chart of the classes; default: beside --out.")
    ] = None,
    detect: Annotated[
        bool,
        typer.Option("--detect", help="Find the face in each picture with the cascade, for photographs."),
    ] = False,
    verbose: Verbose = 0,
) -> None:
    """Read labelled faces in any of their usual forms into one compact file."""
    from smartselfie.training import crops, datasets, plots, prepare, readers

    readings = [
        readers.read(
            source,
            votes if number == 0 else None,
            crops.Cascade() if detect else readers.whole,
            tables.progress,
        )
        for number, source in enumerate(sources)
    ]
    faces = prepare.join(readings)
    datasets.save(faces, out)
    counts = prepare.count(faces)
    tables.table("Faces", ("class", *counts), prepare.table(counts))
    plots.distribution(counts, chart or out.with_suffix(".png"))
    if pictures is not None:
        prepare.write_pictures(faces, pictures, tables.progress)
    broken = [line for reading in readings for line in reading.broken]
    if broken:
        listed = out.with_suffix(".broken.txt")
        listed.write_text("\n".join(broken) + "\n")
        tables.left_out(broken)
        print(f"{len(broken)} broken rows left out, all listed in {listed}", file=sys.stderr)
    print(f"{len(faces)} faces -> {out}")
