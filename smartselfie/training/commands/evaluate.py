"""`smartselfie evaluate`: the figures of a network."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smartselfie.errors import UsageError
from smartselfie.training import tables
from smartselfie.training.commands import detection
from smartselfie.training.commands.options import (
    DATA,
    DETECTION_DATA,
    Architecture,
    NetworkClasses,
    Scaling,
    Side,
    Task,
    Verbose,
    command_line,
    told,
)

if TYPE_CHECKING:
    from smartselfie.training.predictors import Told

EXAMPLES = """
Examples:

    smartselfie evaluate model/expression.tflite --peer mini_xception.tflite --peer-scaling=-1..1

    smartselfie evaluate fer2013_mini_XCEPTION.hdf5 --scaling=-1..1

    smartselfie evaluate runs/smile/network.keras --split PublicTest --json > figures.json

    smartselfie evaluate model/face.tflite --task detection --data data/detection.npz --peer haar \\
        --peer yunet:face_detection_yunet_2023mar.onnx --peer face_detection_back.tflite
"""


class Split(StrEnum):
    """FER2013's official splits; of pictures for detection."""

    public = "PublicTest"
    private = "PrivateTest"
    training = "Training"
    val = "val"
    held_back = "held-back"


def evaluate(
    model: Annotated[Path, typer.Argument(help="A .tflite, .keras, .h5 or .hdf5 file.")],
    task: Annotated[Task, typer.Option(help="What the network is for.")] = Task.expressions,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Prepared faces, FER2013 in any form, or labelled photographs; for detection what `prepare` "
            "wrote or reads, or portraits in which a face is to be found; repeatable.",
        ),
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="A network to compare with, side by side; for detection haar, yunet:FILE, a BlazeFace "
            ".tflite or one of ours, repeatable.",
        ),
    ] = None,
    split: Annotated[
        Split | None,
        typer.Option(
            help="Of FER2013; default: PrivateTest. For detection val, the default, or those training "
            "pictures that choices are made on."
        ),
    ] = None,
    detector: Annotated[
        str, typer.Option(help="Finds the faces in photographs: cascade, network or yunet:FILE.")
    ] = "cascade",
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    plots: Annotated[Path | None, typer.Option(metavar="DIR", help="Draw the plots there.")] = None,
    sheets: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Detection: write contact sheets of finds, misses and false boxes; never publish them.",
        ),
    ] = None,
    latency: Annotated[bool, typer.Option(help="Measure the time for one face, or one search.")] = True,
    record: Annotated[
        bool,
        typer.Option("--record", help="Store the figures in the .json beside the model, under `accuracy`."),
    ] = False,
    card: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Detection, with --record: write all stored figures into this card, between its markers.",
        ),
    ] = None,
    scaling: Scaling = None,
    classes: NetworkClasses = None,
    side: Side = None,
    architecture: Architecture = None,
    labels: Annotated[
        str | None,
        typer.Option(metavar="SET", help="What the labels of --data mean, as --classes of `prepare`."),
    ] = None,
    peer_scaling: Annotated[
        str | None, typer.Option(metavar="RANGE", help="Of a --peer without a description.")
    ] = None,
    peer_classes: Annotated[str | None, typer.Option(metavar="NAME,...", help="Of such a --peer.")] = None,
    verbose: Verbose = 0,
) -> None:
    """Measure a network: accuracy, calibration, average precision of happy, latency.

    For detection: recall, false boxes, precision by recall; by size, roll and cover.
    """
    from smartselfie.training import backend

    backend.choose()
    about = model.with_suffix(".json")
    if record and not about.exists():
        raise UsageError(f"{about}: --record stores figures in a .json that `smartselfie export` has written")
    if card and not record:
        raise UsageError("--card writes what --record stores: give both")
    if task is Task.detection:
        if split not in (None, Split.val, Split.held_back):
            raise UsageError(f"--split {split}: of pictures for detection there are val and held-back")
        chosen = detection.Evaluation(
            model, data or [DETECTION_DATA], peer or [], held_back=split is Split.held_back, plots=plots,
            sheets=sheets, timed=latency,
        )  # fmt: skip
        detection.evaluate(chosen, as_json=as_json, record=record, page=card)
        return
    if card or sheets or split in (Split.val, Split.held_back) or len(peer or []) > 1:
        raise UsageError("--sheets, --card, --split val or held-back, several --peer: with --task detection")
    _evaluate_expressions(
        model, data or [DATA], Path(peer[0]) if peer else None, split or Split.private, as_json, plots,
        latency, about if record else None, detector,
        (told(scaling, classes, side, architecture), told(peer_scaling, peer_classes, option="--peer-")),
        labels,
    )  # fmt: skip


def _evaluate_expressions(
    model: Path,
    data: list[Path],
    peer: Path | None,
    split: Split,
    as_json: bool,
    plots: Path | None,
    latency: bool,
    about: Path | None,
    detector: str,
    told_of: tuple[Told, Told],
    labels: str | None,
) -> None:
    from smartselfie.training import backend, card, label_sets

    backend.start()
    from smartselfie.training import evaluate as evaluation

    reports = []
    for path in data:
        watch = None if as_json else tables.progress
        meaning = label_sets.read_classes(labels)
        trial = evaluation.load_evaluation_set(path, split.value, watch, detector, meaning)
        report = evaluation.evaluate(
            model,
            trial,
            peer=peer,
            plot_folder=plots,
            latency=latency,
            told=told_of[0],
            peer_told=told_of[1],
        )
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
    if about is not None:
        card.record(about, reports, command_line())
