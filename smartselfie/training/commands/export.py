"""`smartselfie export`: the file that the program runs."""

from __future__ import annotations

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from smartselfie.errors import UsageError
from smartselfie.training.commands import detection
from smartselfie.training.commands.options import (
    DATA,
    Architecture,
    NetworkClasses,
    Scaling,
    Side,
    Verbose,
    command_line,
    told,
)

EXAMPLES = """
Examples:

    smartselfie export runs/smile/network.keras --kind int8 --out model/expression.tflite

    smartselfie export model/expression.keras --format onnx --out expression.onnx

    smartselfie export runs/big/network.keras --soft-labels model/soft/big.npz

    smartselfie export runs/face/network.keras --version 2       a detector: int8, into model/face.tflite
"""


class FileFormat(StrEnum):
    """What the file is for."""

    tflite = "tflite"
    onnx = "onnx"


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
        typer.Option(metavar="FILE", help="Default: model/expression.tflite or .onnx, or model/face.tflite."),
    ] = None,
    file_format: Annotated[
        FileFormat, typer.Option("--format", help="onnx: for onnxruntime, in float32.")
    ] = FileFormat.tflite,
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
    scaling: Scaling = None,
    classes: NetworkClasses = None,
    side: Side = None,
    architecture: Architecture = None,
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
    if file_format is FileFormat.onnx and kind not in (None, NumberFormat.float32):
        raise UsageError(f"--kind {kind}: an ONNX file is float32")
    out, kind = out or Path(f"model/expression.{file_format.value}"), kind or NumberFormat.float32
    from smartselfie.training import datasets

    faces = datasets.load(data or DATA)
    backend.start()
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
        options: dict[str, Any] = {
            "read": read,
            "tolerance": tolerance,
            "name": out.stem,
            "version": version,
            "command": "\n".join([*said, command_line()]),
            "told": told(scaling, classes, side, architecture),
        }
        if file_format is FileFormat.onnx:
            from smartselfie.training import onnx_export

            about = onnx_export.export_onnx(source, faces, out, **options)
        else:
            about = exporting.export(source, faces, out, kind=kind.value, **options)
    for head, share in about["differs"].items():
        print(
            f"{head}: decides {share:.2%} of PublicTest otherwise; temperature {about['temperature'][head]}"
        )
    for head, share in about.get("differs_tflite", {}).items():
        print(f"{head}: decides {share:.2%} otherwise than {out.with_suffix('.tflite').name}")
    print(f"{out.stat().st_size:,} bytes -> {out}")
