"""What the commands do for the face detector."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from smartselfie.errors import DataError, UsageError
from smartselfie.training import tables
from smartselfie.training.commands.options import command_line


def is_run(network: Path) -> bool:
    """Whether a network lies in the folder of a detector's run."""
    try:
        told = json.loads((network.parent / "settings.json").read_text())
        return "network" not in told and "check_every" in told
    except (OSError, ValueError, TypeError):
        return False


def prepare(sources: list[Path], out: Path, teacher: Path | None) -> None:
    """Read labelled pictures of several sources into one file, and list what could not be read.

    With a teacher's file the sources are clips, or a .zip of hard faces, which it labels.
    """
    from smartselfie.training.detection import pictures, readers, teach

    if teacher is None:
        readings = [readers.read(source, tables.progress) for source in sources]
    else:
        taught = teach.Teacher(teacher)
        readings = [_taught(source, taught) for source in sources]
    found = [each for reading in readings for each in reading.pictures]
    pictures.save(found, out)
    tables.table("Pictures", ("source", "train", "val", "faces", "ignored"), _rows(found))
    if broken := [line for reading in readings for line in reading.broken]:
        tables.list_left_out(broken, out.with_suffix(".broken.txt"))
    print(f"{len(found)} pictures, {sum(len(each.faces) for each in found)} faces -> {out}")


def _taught(source: Path, teacher: Any) -> Any:
    from smartselfie.training.detection import readers, teach

    into = readers.Reading()
    try:
        if source.suffix.lower() == ".zip":
            into.pictures += teach.label_hard_faces(source, teacher)
        else:
            into.pictures += teach.label_clips([source], teacher)
    except DataError as error:
        into.broken.append(str(error))
    return into


def _rows(found: list[Any]) -> list[tuple[str, ...]]:
    rows = []
    for source in sorted({each.source for each in found}):
        mine = [each for each in found if each.source == source]
        splits = [sum(each.split == split for each in mine) for split in ("train", "val")]
        marked = [sum(len(each.faces) for each in mine), sum(len(each.ignore) for each in mine)]
        rows.append((source, *(f"{count:,}" for count in (*splits, *marked))))
    return rows


@dataclass(frozen=True, slots=True)
class Training:
    """What `train` was asked for."""

    run: Path
    data: Path | None
    beside: tuple[Path, ...]
    start: Path | None
    hard: Path | None
    resume: bool
    options: dict[str, Any]
    """Further settings by name; None leaves their default."""


def train(chosen: Training) -> None:
    """Train the detector, or go on with a run: with its own settings, but for its data and `--workers`."""
    from smartselfie.training import backend

    backend.choose()
    from smartselfie.training.detection import settings

    given = {name: value for name, value in chosen.options.items() if value is not None}
    if chosen.resume:
        if set(given) - {"workers"} or chosen.start or chosen.hard:
            raise UsageError("--resume keeps the run's own settings; only --data and --workers may differ")
        made = settings.read(chosen.run / "settings.json")
    else:
        made = settings.FitSettings()
    made = replace(made, **given)
    if chosen.data or chosen.beside:
        first = str(chosen.data) if chosen.data else made.data[0]
        made = replace(made, data=(first, *map(str, chosen.beside or made.data[1:])))
    if chosen.start:
        made = replace(made, start=str(chosen.start))
    if chosen.hard:
        made = replace(made, hard=str(chosen.hard))
    from smartselfie.training.detection import pictures

    for path in made.data:
        pictures.load(Path(path))  # before Keras is imported, which takes seconds
    from smartselfie.training.detection import fit

    print(f"-> {fit.fit(made, chosen.run, resume=chosen.resume, command=command_line())}")


def export(network: Path, data: Path | None, out: Path, version: str) -> None:
    """Write the detector's int8 file, checked and with its threshold set on pictures held back."""
    from smartselfie.training.detection import pictures, settings

    run = network.parent
    named = [data] if data else [Path(path) for path in settings.read(run / "settings.json").data]
    found = [each for path in named for each in pictures.load(path)]
    from smartselfie.training.detection import export as exporting

    said = run / "command.txt"
    before = [said.read_text().strip()] if said.exists() else []
    about = exporting.export(
        network, found, out, version=version, command="\n".join([*before, command_line()])
    )
    print(
        f"finds {about['differs']:.2%} fewer of the faces held back than the network; "
        f"threshold {about['threshold']}"
    )
    print(f"{out.stat().st_size:,} bytes -> {out}")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate` was asked for."""

    model: Path
    data: list[Path]
    peers: list[str]
    held_back: bool
    plots: Path | None
    sheets: Path | None
    timed: bool


def evaluate(chosen: Evaluation, *, as_json: bool, record: bool, page: Path | None) -> None:
    """Measure detectors side by side on each of the data, print the figures, and store them on request.

    `page`: the model card that is filled with all figures stored.
    """
    from smartselfie.training.detection import card, peers

    candidates = [peers.ours(chosen.model), *(each for spec in chosen.peers for each in peers.peers(spec))]
    names = [each.name for each in candidates]
    candidates = [
        replace(each, name=each.name if names.index(each.name) == number else f"{each.name} ({number + 1})")
        for number, each in enumerate(candidates)
    ]
    watch = None if as_json else tables.progress
    about, reports = chosen.model.with_suffix(".json"), []
    for path in chosen.data:
        report = _report(path, chosen, candidates, watch)
        reports.append(report)
        if not as_json:
            for title, columns, rows in card.tables(report):
                tables.table(title, columns, rows)
            print(report.get("rule", ""))
        if record:  # at once: a measure takes minutes
            card.record(about, [report], command_line())
    if as_json:
        print(json.dumps(reports, indent=2))
    if page is not None:
        card.fill(page, about)


def _report(path: Path, chosen: Evaluation, candidates: list[Any], watch: Any) -> dict[str, Any]:
    from smartselfie.training.detection import evaluate as evaluation
    from smartselfie.training.detection import pictures, readers

    broken: list[str] = []
    if path.suffix != ".npz" and not readers.are_labels(path):
        names = readers.portrait_names(path)
        images = readers.portraits(path, names, broken)
        report = evaluation.portraits(path.stem, images, candidates, len(names), watch)
    else:
        if path.suffix == ".npz":
            found = pictures.load(path)
        else:
            reading = readers.read(path, watch)
            found, broken = reading.pictures, reading.broken
        if chosen.held_back:
            part = [each for each in found if each.split == "train" and pictures.held_back(each)]
        else:
            part = [each for each in found if each.split == "val"]
        name = f"{path.stem} {'held back' if chosen.held_back else 'val'}"
        report = evaluation.evaluate(
            evaluation.Trial(name, part),
            candidates,
            plot_folder=chosen.plots,
            sheet_folder=chosen.sheets,
            timed=chosen.timed,
            watch=watch,
        )
    tables.left_out(broken)
    if broken:
        report["left_out"] = len(broken)
    return report
