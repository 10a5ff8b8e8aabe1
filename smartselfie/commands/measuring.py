"""The commands that measure on recordings, for the command line: options and help only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smartselfie.commands.console import start_logging
from smartselfie.commands.options import (
    Config,
    Json,
    Set,
    Verbose,
    examples,
    quoted,
    read_settings,
    settings_file,
)
from smartselfie.errors import UsageError

if TYPE_CHECKING:
    from smartselfie.settings import Settings

app = typer.Typer()
"""`replay`, `tune` and `bench`; the command line takes them over."""


@app.command(
    epilog=examples(
        "smartselfie replay party.mp4                        events and a timeline",
        "smartselfie replay clips/ --labels smiles.json      hits, misses and false shots",
        "smartselfie replay clips/ --labels smiles.json --against before.json    which of two is better",
        "smartselfie replay party.mp4 --mark --labels smiles.json    mark the smiles yourself",
    ),
)
def replay(
    clips: Annotated[list[Path], typer.Argument(metavar="CLIP...", help="Recordings, folders, or demo.")],
    config: Config = None,
    overrides: Set = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="When smiles are seen, to count hits and false shots.")
    ] = None,
    scores: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the scores of every face, for `tune`.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the timelines go; default: replay/.")
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(metavar="KEY=VALUE", help="Only clips of which the labels file says so: split=check."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What an earlier run printed with --json: is this one better?"),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Clips side by side; default: one for each CPU.")
    ] = None,
    mark: Annotated[
        bool, typer.Option("--mark", help="Play, and mark smiles with a key into --labels.")
    ] = False,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Run recordings through the whole pipeline as fast as it goes, and judge the shots."""
    from smartselfie.commands.marking import mark_clips
    from smartselfie.commands.replay import replay as run_replay

    start_logging(verbose, quiet=not verbose)
    settings = read_settings(settings_file(config), overrides)
    if mark:
        raise typer.Exit(mark_clips(clips, settings, labels or Path("smiles.json")))
    raise typer.Exit(
        run_replay(
            clips,
            settings,
            labels=labels,
            where=where,
            as_json=as_json,
            scores=scores,
            out=out,
            against=against,
            jobs=jobs,
        )
    )


@app.command(
    epilog=examples(
        "smartselfie tune clips/ --labels smiles.json",
        "smartselfie tune scores.jsonl --labels smiles.json --write",
        "smartselfie tune scores.jsonl --labels smiles.json --learn model/trigger.json",
    ),
)
def tune(
    clips: Annotated[list[Path], typer.Argument(metavar="CLIP...", help="Recordings or files of scores.")],
    labels: Annotated[Path | None, typer.Option(metavar="FILE", help="When smiles are seen.")] = None,
    config: Config = None,
    overrides: Set = None,
    scores: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the scores there, to sweep again at once.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Put what is proposed into config.yaml.")] = False,
    learn: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Learn the model of the last second (trigger.model) into a file."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The picture of the sweep.")] = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Find threshold, hold and release, or the certainty, by recorded scores; or learn the model."""
    from smartselfie.commands.tune import tune

    start_logging(verbose, quiet=not verbose)
    path = settings_file(config)
    settings = read_settings(path, overrides)
    raise typer.Exit(
        tune(
            clips,
            settings,
            labels=labels,
            scores=scores,
            write=(path or Path("config.yaml")) if write else None,
            out=out,
            learn_into=learn,
            as_json=as_json,
        )
    )


@app.command(
    epilog=examples(
        "smartselfie bench --source demo",
        "smartselfie bench --source party.mp4 --json bench.json --chart bench.png",
        "smartselfie bench smiles clips/ --labels smiles.json --against yunet+ours --file yunet=FILE.onnx",
    ),
)
def bench(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[smiles CLIP...]",
            help="Labelled clips through this program and others: smiles hit, false shots, delay, time.",
        ),
    ] = None,
    source: Annotated[
        str, typer.Option(help="A recording, a folder or a camera; the demo needs none.")
    ] = "demo",
    config: Config = None,
    overrides: Set = None,
    frames: Annotated[int, typer.Option(min=1, help="Frames at the most.")] = 600,
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures as JSON.")
    ] = None,
    chart: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the stages as a bar (PNG).")
    ] = None,
    labels: Annotated[Path | None, typer.Option(metavar="FILE", help="smiles: when smiles are seen.")] = None,
    where: Annotated[
        str | None, typer.Option(metavar="KEY=VALUE", help="smiles: only clips of which the labels say so.")
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(help="smiles: usual, fer, or DETECTOR+NETWORK such as yunet+mini_xception."),
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="NAME=FILE", help="smiles: a peer's network or detector."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="smiles: clips side by side.")] = None,
    verbose: Verbose = 0,
) -> None:
    """Measure what the configured pipeline costs on this machine, or how it does beside other programs."""
    start_logging(verbose, quiet=not verbose)
    if what:
        raise typer.Exit(
            _bench_smiles(
                what,
                read_settings(settings_file(config), overrides),
                labels=labels,
                where=where,
                against=against or (),
                files=files or (),
                jobs=jobs,
                as_json=as_json,
            )
        )
    from smartselfie.commands.bench import bench

    given = [f"source.use={quoted(source)}", *(overrides or ())]
    raise typer.Exit(
        bench(read_settings(settings_file(config), given), frames=frames, as_json=as_json, chart=chart)
    )


def _bench_smiles(what: Sequence[str], settings: Settings, *, labels: Path | None, **options: Any) -> int:
    from smartselfie.commands.bench_smiles import bench_smiles

    if what[0] != "smiles" or len(what) < 2 or labels is None:
        raise UsageError("expected 'smartselfie bench smiles CLIP... --labels FILE'")
    return bench_smiles([Path(clip) for clip in what[1:]], settings, labels=labels, **options)
