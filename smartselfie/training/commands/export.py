"""`smartselfie export`: the file that the program runs."""

from __future__ import annotations

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from smartselfie.errors import UsageError
from smartselfie.training.commands import detection
from smartselfie.training.commands.options import DATA, Verbose, command_line

EXAMPLES = """
Examples:

    smartselfie export runs/smile/network.keras --kind int8 --out model/expression.tflite

    smartselfie export runs/big/network.keras --soft-labels model/soft/big.npz

    smartselfie export runs/face/network.keras --version 2       a detector: int8, into model/face.tflite
"""


class NumberFormat(StrEnum):
    """Number formats of a LiteRT file."""

    float32 = "float32"
    float16 = "float16"
    dynamic = "dynamic"
    int8 = "int8"


def export(
    source: Annotated[Path, typer.Argument(metavar="NETWORK", help="The network.keras of a run.")],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"What `prepare` wrote, to calibrate and check; default: {DATA}, of a detector its own.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Default: model/expression.tflite, or model/face.tflite."),
    ] = None,
    kind: Annotated[
        NumberFormat | None, typer.Option(help="Number format; default: float32, of a detector int8.")
    ] = None,
    read: Annotated[
        str | None, typer.Option(metavar="HEAD", help="The output the program reads; default: ferplus.")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Refuse when more of the decisions differ; default: 0.001 to 0.03, by kind."
        ),
    ] = None,
    version: Annotated[str, typer.Option()] = "1",
    average: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Average its weights with those of this run of the same network first; repeatable.",
        ),
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Prepared faces to calibrate with too, as in `train`; repeatable."),
    ] = None,
    soft_labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Instead, store its probabilities for the training faces, to teach others."
        ),
    ] = None,
    verbose: Verbose = 0,
) -> None:
    """Write the LiteRT file that the program runs, checked against the Keras network."""
    from smartselfie.training import backend

    backend.choose()
    if detection.is_run(source):
        if average or beside or soft_labels or read or kind not in (None, NumberFormat.int8) or tolerance:
            raise UsageError("a detector is exported as int8, with --data, --out and --version alone")
        detection.export(source, data, out or Path("model/face.tflite"), version)
        return
    out, kind = out or Path("model/expression.tflite"), kind or NumberFormat.float32
    from smartselfie.training import datasets

    faces = datasets.load(data or DATA)
    from smartselfie.training import distil, predictors
    from smartselfie.training import export as exporting

    runs = [path.parent / "command.txt" for path in (*(average or ()), source)]
    said = [each.read_text().strip() for each in runs if each.exists()]
    with tempfile.TemporaryDirectory() as folder:
        if average:
            from smartselfie.training import soup

            source = soup.cook([source, *average], faces.split("Training"), Path(folder) / "network.keras")
        if soft_labels is not None:
            distil.store(predictors.Keras(source).network, faces.split("Training"), soft_labels)
            print(f"-> {soft_labels}")
            return
        faces = datasets.join([faces, *map(datasets.load, beside or ())])
        about = exporting.export(
            source,
            faces,
            out,
            kind=kind.value,
            read=read,
            tolerance=tolerance,
            name=out.stem,
            version=version,
            command="\n".join([*said, command_line()]),
        )
    for head, share in about["differs"].items():
        print(
            f"{head}: decides {share:.2%} of PublicTest otherwise; temperature {about['temperature'][head]}"
        )
    print(f"{out.stat().st_size:,} bytes -> {out}")
