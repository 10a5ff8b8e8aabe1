"""`smartselfie evaluate`: the figures of a network."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from smartselfie.errors import UsageError
from smartselfie.training import tables
from smartselfie.training.commands.options import DATA, Verbose, command_line

EXAMPLES = """
Examples:

    smartselfie evaluate model/expression.tflite --data data/faces.npz --peer mini_xception.tflite

    smartselfie evaluate runs/smile/network.keras --split PublicTest --json > figures.json
"""


class Split(StrEnum):
    """FER2013's official splits."""

    public = "PublicTest"
    private = "PrivateTest"
    training = "Training"


def evaluate(
    model: Annotated[Path, typer.Argument(help="A .tflite, .keras, .h5 or .hdf5 file.")],
    data: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Prepared faces, FER2013 in any form, or labelled photographs; repeatable."
        ),
    ] = None,
    peer: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A network to compare with, side by side.")
    ] = None,
    split: Annotated[Split, typer.Option(help="Of FER2013.")] = Split.private,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    plots: Annotated[Path | None, typer.Option(metavar="DIR", help="Draw the plots there.")] = None,
    latency: Annotated[bool, typer.Option(help="Measure the time for one face.")] = True,
    record: Annotated[
        bool,
        typer.Option("--record", help="Store the figures in the .json beside the model, under `accuracy`."),
    ] = False,
    verbose: Verbose = 0,
) -> None:
    """Measure a network: accuracy, precision, recall, calibration, average precision of happy, latency."""
    from smartselfie.training import backend

    backend.choose()
    from smartselfie.training import card
    from smartselfie.training import evaluate as evaluation

    about = model.with_suffix(".json")
    if record and not about.exists():
        raise UsageError(f"{about}: --record stores figures in a .json that `smartselfie export` has written")
    reports = []
    for path in data or [DATA]:
        trial = evaluation.load_evaluation_set(path, split.value, None if as_json else tables.progress)
        report = evaluation.evaluate(model, trial, peer=peer, plot_folder=plots, latency=latency)
        reports.append(report)
        tables.left_out(trial.left_out)
        if not as_json:
            tables.table(report["data"], ("", "model", "peer"), evaluation.rows(report))
            for kind in report["model"]["labels"]:
                tables.table(
                    f"{kind}: precision, recall, F1",
                    ("", "model", "peer"),
                    evaluation.class_rows(report, kind),
                )
                print(f"{kind}: {report['model']['labels'][kind]['rule']}")
    if as_json:
        print(json.dumps(reports, indent=2))
    if record:
        card.record(about, reports, command_line())
