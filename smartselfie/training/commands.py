"""The four commands that make the network, for typer; what is heavy is imported when one runs."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from smartselfie.errors import UsageError
from smartselfie.training import tables

DATA = Path("data/faces.npz")


class Network(StrEnum):
    """What `train` can train."""

    smile = "smile"
    mini_xception = "mini_xception"
    cnn4 = "cnn4"
    vgg = "vgg"
    vgg16_bottleneck = "vgg16_bottleneck"


class LabelKind(StrEnum):
    """What it learns."""

    both = "both"
    ferplus = "ferplus"
    fer2013 = "fer2013"
    blend = "blend"


class Split(StrEnum):
    """FER2013's official splits."""

    public = "PublicTest"
    private = "PrivateTest"
    training = "Training"


class NumberFormat(StrEnum):
    """Number formats of a LiteRT file."""

    float32 = "float32"
    float16 = "float16"
    dynamic = "dynamic"
    int8 = "int8"


Verbose = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say where an error came from.")]
"""Read by `cli.main`, which prints the errors."""

HEADS = {
    "both": ("ferplus", "fer2013"),
    "ferplus": ("ferplus",),
    "fer2013": ("fer2013",),
    "blend": ("blend",),
}

EXAMPLES_PREPARE = """
Examples:

    smartselfie prepare fer2013.csv --votes fer2013new.csv --out data/faces.npz

    smartselfie prepare archive/ --out data/tree.npz      train|test/<class>/*.jpg

    smartselfie prepare FERG_DB_256/ --out data/ferg.npz --pictures data/pictures
"""
EXAMPLES_TRAIN = """
Examples:

    smartselfie train --network smile --run runs/smile

    smartselfie train --run runs/smile --resume            after a kill, or a power cut

    smartselfie train --minutes 90 --sizes 0:32,0.4:40,0.65:48

    smartselfie train --widths 64,128,256 --run runs/big

    smartselfie train --teachers model/soft/big.npz --distil 0.7

    smartselfie train --from model/expression.keras --rate 0.05 --run runs/longer
"""
EXAMPLES_EVALUATE = """
Examples:

    smartselfie evaluate model/expression.tflite --data data/faces.npz --peer mini_xception.tflite

    smartselfie evaluate runs/smile/network.keras --split PublicTest --json > figures.json
"""
EXAMPLES_EXPORT = """
Examples:

    smartselfie export runs/smile/network.keras --kind int8 --out model/expression.tflite

    smartselfie export runs/big/network.keras --soft-labels model/soft/big.npz
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


def train(
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"What `prepare` wrote; default: {DATA}.")
    ] = None,
    run: Annotated[Path, typer.Option(metavar="DIR", help="The folder of this run.")] = Path("runs/smile"),
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the run in --run, with its own settings and faces; only --minutes and --calm "
            "may differ, and --data where the file has moved.",
        ),
    ] = False,
    network: Annotated[Network, typer.Option(help="Which network.")] = Network.smile,
    labels: Annotated[
        LabelKind, typer.Option(help="One head for each kind of label, one kind, or a blend.")
    ] = LabelKind.both,
    epochs: Annotated[int, typer.Option(min=1)] = 30,
    minutes: Annotated[
        float | None,
        typer.Option(min=0.01, help="Fit the schedule to this time; --epochs is then the first guess."),
    ] = None,
    batch: Annotated[int, typer.Option(min=1)] = 128,
    rate: Annotated[float, typer.Option(min=0, help="Peak learning rate of SGD.")] = 0.1,
    sizes: Annotated[
        str, typer.Option(metavar="SHARE:SIDE,...", help="Side of the faces from which share of the run on.")
    ] = "0:48",
    weight_decay: Annotated[float, typer.Option(min=0)] = 5e-4,
    smoothing: Annotated[
        float, typer.Option(min=0, max=1, help="Label smoothing of FER2013's labels.")
    ] = 0.1,
    blend: Annotated[float, typer.Option(min=0, max=1, help="Share of FER2013's label in a blend.")] = 0.5,
    mixup: Annotated[float, typer.Option(min=0, help="alpha; 0 is off.")] = 0.0,
    erase: Annotated[
        float, typer.Option(min=0, max=1, help="Share of faces with a random rectangle.")
    ] = 0.15,
    degrade: Annotated[
        float, typer.Option(min=0, max=1, help="Share of faces made small or blurred.")
    ] = 0.25,
    augment: Annotated[bool, typer.Option(help="Change training faces; off, they are only mirrored.")] = True,
    ema: Annotated[float, typer.Option(min=0, max=1, help="Decay a step of the averaged weights.")] = 0.998,
    class_weights: Annotated[bool, typer.Option("--class-weights", help="Weigh rare classes up.")] = False,
    calm: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="From which share of the run on faces are changed half as much."),
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many epochs without a better one.")
    ] = None,
    teachers: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Soft labels to distil from; repeatable.")
    ] = None,
    distil: Annotated[float, typer.Option(min=0, max=1, help="Share of the teachers in the targets.")] = 0.7,
    widths: Annotated[
        str | None,
        typer.Option(metavar="N,N,N", help="smile: channels of its three stages; wide ones make teachers."),
    ] = None,
    weights: Annotated[str, typer.Option(help="vgg16_bottleneck: imagenet, none or a file.")] = "imagenet",
    start: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Start from the weights of a network trained before, narrower ones too.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    verbose: Verbose = 0,
) -> None:
    """Train a network; every choice is made on PublicTest."""
    from smartselfie.training import backend

    if resume:
        stored = _stored(run)
        network = stored["network"]
        data = data or Path(stored.get("data", DATA))
    data = data or DATA
    backend.choose(network.value)
    from smartselfie.training import datasets

    faces = datasets.load(data)  # before Keras is imported, which takes seconds
    from smartselfie.training import fit, settings
    from smartselfie.training.augment import NONE, Augmentation

    options: dict[str, Any] = {}
    if network is Network.vgg16_bottleneck:
        options["weights"] = None if weights == "none" else weights
    if widths is not None:
        if network is not Network.smile:
            raise UsageError(f"--widths are for smile; {network.value} has its own")
        options["widths"] = settings.read_widths(widths)
    if resume:
        chosen = settings.read(run / "settings.json")
        chosen = replace(
            chosen,
            data=str(data),
            minutes=minutes or chosen.minutes,
            calm=chosen.calm if calm is None else calm,
        )
    else:
        chosen = settings.FitSettings(
            data=str(data),
            network=network.value,
            heads=HEADS[labels.value],
            epochs=epochs,
            minutes=minutes,
            batch=batch,
            rate=rate,
            sizes=settings.read_sizes(sizes),
            weight_decay=weight_decay,
            smoothing=smoothing,
            blend=blend,
            mixup=mixup,
            ema=ema,
            calm=1.0 if calm is None else calm,
            class_weights=class_weights,
            patience=patience,
            distil=distil,
            start=None if start is None else str(start),
            seed=seed,
            options=options,
            teachers=tuple(map(str, teachers or ())),
            augmentation=Augmentation(erase=erase, degrade=degrade) if augment else NONE,
        )
    print(f"-> {fit.fit(faces, chosen, run, resume=resume, command=_command())}")


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
        card.record(about, reports, _command())


def export(
    source: Annotated[Path, typer.Argument(metavar="NETWORK", help="The network.keras of a run.")],
    data: Annotated[
        Path, typer.Option(metavar="FILE", help="What `prepare` wrote: to calibrate and check.")
    ] = DATA,
    out: Annotated[Path, typer.Option(metavar="FILE")] = Path("model/expression.tflite"),
    kind: Annotated[NumberFormat, typer.Option(help="Number format.")] = NumberFormat.float32,
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
    soft_labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Instead, store its probabilities for the training faces, to teach others."
        ),
    ] = None,
    verbose: Verbose = 0,
) -> None:
    """Write the LiteRT file that the program runs, checked against the Keras network on PublicTest."""
    from smartselfie.training import backend

    backend.choose()
    from smartselfie.training import datasets

    faces = datasets.load(data)
    from smartselfie.training import distil, predictors
    from smartselfie.training import export as exporting

    runs = [path.parent / "command.txt" for path in (*(average or ()), source)]
    with tempfile.TemporaryDirectory() as folder:
        if average:
            from smartselfie.training import soup

            source = soup.cook([source, *average], faces.split("Training"), Path(folder) / "network.keras")
        if soft_labels is not None:
            distil.store(predictors.Keras(source).network, faces.split("Training"), soft_labels)
            print(f"-> {soft_labels}")
            return
        about = exporting.export(
            source,
            faces,
            out,
            kind=kind.value,
            read=read,
            tolerance=tolerance,
            name=out.stem,
            version=version,
            command="\n".join([*(each.read_text().strip() for each in runs if each.exists()), _command()]),
        )
    for head, share in about["differs"].items():
        print(
            f"{head}: decides {share:.2%} of PublicTest otherwise; temperature {about['temperature'][head]}"
        )
    print(f"{out.stat().st_size:,} bytes -> {out}")


def register(app: typer.Typer) -> None:
    """Add the four commands to the program's."""
    for command, examples in (
        (prepare, EXAMPLES_PREPARE),
        (train, EXAMPLES_TRAIN),
        (evaluate, EXAMPLES_EVALUATE),
        (export, EXAMPLES_EXPORT),
    ):
        app.command(epilog=examples)(command)


def _command() -> str:
    return shlex.join(["smartselfie", *sys.argv[1:]])


def _stored(run: Path) -> dict[str, Any]:
    try:
        stored = json.loads((run / "settings.json").read_text())
        return {**stored, "network": Network(stored["network"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{run}: holds no run to resume ({error})") from error


app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
"""The four alone, for `python -m smartselfie.training.commands`."""
register(app)

if __name__ == "__main__":
    app()
