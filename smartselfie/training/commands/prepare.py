"""`smartselfie prepare`: labelled faces into one file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from smartselfie.errors import UsageError
from smartselfie.training import tables
from smartselfie.training.commands import detection
from smartselfie.training.commands.options import DATA, DETECTION_DATA, Labels, Task, Verbose

EXAMPLES = """
Examples:

    smartselfie prepare fer2013.csv --votes fer2013new.csv --out data/faces.npz

    smartselfie prepare archive.zip --out data/tree.npz      train|test/<class>/*.jpg

    smartselfie prepare mine/ --out data/mine.npz            mine/<class>/*.jpg

    smartselfie prepare DATASET/ --classes raf-db --out data/raf.npz

    smartselfie prepare FERG_DB_256/ --out data/ferg.npz --pictures data/pictures

    smartselfie prepare --task detection faces_detection.zip mine/ instances.json      bundle, YOLO, COCO
"""


def prepare(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="fer2013.csv, icml_face_data.csv, a picture tree, FERG-DB, a legend.csv's folder, a .zip; "
            "for detection a bundle with labels.csv, a YOLO folder or a COCO .json."
        ),
    ],
    task: Annotated[Task, typer.Option(help="What the network is for.")] = Task.expressions,
    votes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="FER+'s fer2013new.csv, in the row order of fer2013.csv."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"The compact array file to write; default: {DATA}, for detection {DETECTION_DATA}.",
        ),
    ] = None,
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
    teacher: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Detection: label clips, or a .zip of crops of hard faces, by what this YuNet is sure of.",
        ),
    ] = None,
    classes: Labels = None,
    hold_out: Annotated[
        float,
        typer.Option(
            min=0, max=0.5, help="Share of Training to set aside for choosing, where there is no PublicTest."
        ),
    ] = 0.1,
    verbose: Verbose = 0,
) -> None:
    """Read labelled faces, or pictures for detection, in any of their usual forms into one compact file."""
    if task is Task.detection:
        if votes or pictures or chart or detect or classes:
            raise UsageError("--task detection takes sources, --teacher and --out alone")
        detection.prepare(sources, out or DETECTION_DATA, teacher)
        return
    if teacher:
        raise UsageError("--teacher goes with --task detection")
    out = out or DATA
    from smartselfie.training import crops, datasets, label_sets, plots, prepare, readers

    labels = label_sets.read_classes(classes)
    readings = [
        readers.read(
            source,
            votes if number == 0 else None,
            crops.Cascade() if detect else readers.whole,
            tables.progress,
            labels,
        )
        for number, source in enumerate(sources)
    ]
    read = prepare.join(readings)
    faces = prepare.hold_out(read, hold_out)
    if (aside := int((faces.splits != read.splits).sum())) > 0:
        print(f"no PublicTest in it: {aside} faces of Training set aside to choose by", file=sys.stderr)
    datasets.save(faces, out)
    counts = prepare.count(faces)
    tables.table("Faces", ("class", *counts), prepare.table(counts, faces.classes))
    plots.distribution(counts, chart or out.with_suffix(".png"), faces.classes)
    if pictures is not None:
        prepare.write_pictures(faces, pictures, tables.progress)
    broken = [line for reading in readings for line in reading.broken]
    if broken:
        tables.list_left_out(broken, out.with_suffix(".broken.txt"))
    print(f"{len(faces)} faces -> {out}")
