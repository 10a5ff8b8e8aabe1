"""`smartselfie replay`: recordings through the whole pipeline, and how often it was right."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from smartselfie.daemon.parts import build_analysis, build_moment, build_rules
from smartselfie.errors import DisplayError, SaveError
from smartselfie.replaying.intervals import rate_interval, share_interval
from smartselfie.replaying.labels import Labels, Total, Verdict, add_up, judge, read_labels, write_labels
from smartselfie.replaying.margins import Margins, margins
from smartselfie.replaying.marking import OpenCvScreen, Screen, mark
from smartselfie.replaying.page import page
from smartselfie.replaying.play import Played, find_clips, play
from smartselfie.replaying.scores import write_scores
from smartselfie.replaying.summary import HOUR, margins_in_words, total_in_words
from smartselfie.replaying.timeline import timeline_png
from smartselfie.seams import Source
from smartselfie.settings import Settings
from smartselfie.sources import open_source
from smartselfie.viewing.display import display_problem

OUT = Path("replay")
"""Where timelines go when nothing else is said."""


def replay(
    clips: Sequence[Path],
    settings: Settings,
    *,
    labels: Path | None = None,
    as_json: bool = False,
    scores: Path | None = None,
    out: Path | None = None,
    into: TextIO | None = None,
) -> int:
    """Run clips (files, folders of clips, folders of pictures, `demo`) and report; returns the exit code.

    `labels`: a labels file, to count hits and false shots; `scores`: where to write the scores for `tune`;
    `out`: a folder for the timelines, PNG by clip and one page; None is `OUT`, and none of it with `as_json`.
    Raises UsageError, DataError, SourceError, SaveError and what the parts raise.
    """
    into = into or sys.stdout
    known = read_labels(labels) if labels is not None else {}
    played = play_all(find_clips(clips), settings)
    if "demo" not in known:
        known |= {one.recording.clip: demo_labels() for one in played if one.recording.clip == "demo"}
    verdicts = judge_all(played, known)
    total = add_up(list(verdicts.values())) if verdicts else None
    trigger = settings.trigger
    extremes = margins([one.recording for one in played], known, trigger.threshold, trigger.grace)
    if scores is not None:
        write_scores(scores, [one.recording for one in played])
    folder = out if out is not None else None if as_json else OUT
    if folder is not None:
        write_timelines(folder, played, known, verdicts, total, settings)
    if as_json:
        print(
            json.dumps(as_record(played, verdicts, total, extremes, settings), ensure_ascii=False), file=into
        )
        return 0
    console = Console(file=into)
    console.print(table(played, verdicts))
    if total is not None:
        console.print(Text(total_in_words(total)))
        console.print(Text(margins_in_words(extremes, trigger.threshold)))
    if folder is not None:
        console.print(Text(f"timelines: {folder / 'index.html'}"))
    return 0


def play_all(clips: Sequence[Path], settings: Settings, jobs: int | None = None) -> list[Played]:
    """Run each clip through a pipeline of its own, `jobs` at a time (None: one for each CPU)."""
    jobs = min(jobs or os.cpu_count() or 1, len(clips))
    with _progress(len(clips)) as show:
        if jobs <= 1:
            return [show(play_one(clip, settings)) for clip in clips]
        # Fresh processes: a fork would copy OpenCV's and LiteRT's locks in whatever state they are.
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            futures = [pool.submit(play_one, clip, settings) for clip in clips]
            try:
                for future in as_completed(futures):
                    show(future.result())
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [future.result() for future in futures]


def play_one(clip: Path, settings: Settings) -> Played:
    """Run one clip through a pipeline of its own."""
    source = _open(clip, settings)
    try:
        return play(clip.name, source, build_analysis(settings), build_moment(settings))
    finally:
        source.close()


def _open(clip: Path, settings: Settings) -> Source:
    source = settings.source
    return open_source(str(clip), size=source.size, fps=source.fps, rotate=source.rotate)


def judge_all(played: Sequence[Played], labels: Mapping[str, Labels]) -> dict[str, Verdict]:
    """Compare the clips that are labelled with their labels."""
    return {
        one.recording.clip: judge(labels[one.recording.clip], one.shots, one.recording.seconds)
        for one in played
        if one.recording.clip in labels
    }


def write_timelines(
    folder: Path,
    played: Sequence[Played],
    labels: Mapping[str, Labels],
    verdicts: Mapping[str, Verdict],
    total: Total | None,
    settings: Settings,
) -> None:
    """Write a PNG for each clip and `index.html` for all. Raises SaveError."""
    rules = build_rules(settings.trigger)
    levels = rules.threshold, rules.release_level
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in played:
            clip = one.recording.clip
            timeline_png(folder / f"{clip}.png", one, labels.get(clip), verdicts.get(clip), *levels)
        html = page(played, labels, verdicts, total, *levels)
        (folder / "index.html").write_text(html, encoding="utf-8")
    except OSError as error:
        raise SaveError(
            f"{folder}: {error.strerror}; name a folder that can be written: --out DIR"
        ) from error


def as_record(
    played: Sequence[Played],
    verdicts: Mapping[str, Verdict],
    total: Total | None,
    extremes: Margins,
    settings: Settings,
) -> dict[str, object]:
    """Return all of it as `--json` prints it; times in seconds of the clip."""
    record: dict[str, object] = {
        "trigger": settings.trigger.model_dump(mode="json"),
        "clips": [_clip_record(one, verdicts.get(one.recording.clip)) for one in played],
    }
    if total is not None:
        hour = total.quiet_seconds / HOUR
        record["total"] = {
            "clips": total.clips,
            "smiles": total.smiles,
            "hits": total.hits,
            "misses": total.misses,
            "hits_interval": [round(limit, 4) for limit in share_interval(total.hits, total.smiles)],
            "false_shots": total.false_shots,
            "quiet_seconds": round(total.quiet_seconds, 2),
            "false_shots_per_hour": round(total.false_shots / hour, 2) if hour else None,
            "false_shots_per_hour_interval": [
                round(limit, 2) for limit in rate_interval(total.false_shots, hour)
            ]
            if hour
            else None,
            "median_delay": None if total.delay is None else round(total.delay, 3),
            "delays": [round(delay, 3) for delay in total.delays],
        }
        record["margins"] = _rounded(asdict(extremes))
    return record


def _rounded(record: Any) -> Any:
    if isinstance(record, dict):
        return {key: _rounded(value) for key, value in record.items()}
    return round(record, 4) if isinstance(record, float) else record


def _clip_record(one: Played, verdict: Verdict | None) -> dict[str, object]:
    record: dict[str, object] = {
        "clip": one.recording.clip,
        "size": list(one.recording.size),
        "frames": len(one.recording.frames),
        "seconds": round(one.recording.seconds, 3),
        "frames_per_second": round(len(one.recording.frames) / max(one.wall_seconds, 1e-9), 1),
        "shots": [
            {"at": round(taken.at, 3), "picked_at": round(taken.picked_at, 3), "tracks": list(taken.tracks)}
            for taken in one.taken
        ],
    }
    if verdict is not None:
        record |= {
            "hits": verdict.hits,
            "misses": verdict.misses,
            "missed": [list(span) for span in verdict.missed],
            "false_shots": [round(at, 3) for at in verdict.false_shots],
            "delays": [round(delay, 3) for delay in verdict.delays],
        }
    return record


def table(played: Sequence[Played], verdicts: Mapping[str, Verdict]) -> Table:
    """Return a row for each clip."""
    view = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    view.add_column("clip", no_wrap=True, overflow="ellipsis", max_width=24)
    for name in ("seconds", "fps", "shots", "hit", "false", "delay"):
        view.add_column(name, justify="right", no_wrap=True)
    for one in played:
        shots = " ".join(f"{at:.2f}" for at in one.shots[:2]) + f" +{len(one.shots) - 2}" * (
            len(one.shots) > 2
        )
        view.add_row(
            Text(one.recording.clip),
            f"{one.recording.seconds:.1f}",
            f"{len(one.recording.frames) / max(one.wall_seconds, 1e-9):.0f}",
            shots or "-",
            *_verdict_cells(verdicts.get(one.recording.clip)),
        )
    return view


def _verdict_cells(verdict: Verdict | None) -> list[Text]:
    if verdict is None:
        return [Text("?", "dim"), Text(""), Text("")]
    smiles = verdict.hits + verdict.misses
    false = len(verdict.false_shots)
    return [
        Text(f"{verdict.hits} of {smiles}" if smiles else "-", "red" if verdict.misses else ""),
        Text(str(false), "red" if false else ""),
        Text(f"{median(verdict.delays):.2f} s" if verdict.delays else ""),
    ]


def demo_labels() -> Labels:
    """When the people of the demo smile, by its script."""
    from smartselfie.sources.demo import SCRIPT

    return Labels(tuple((window.start, window.end) for window in SCRIPT.smiles))


def mark_clips(
    clips: Sequence[Path],
    settings: Settings,
    labels: Path,
    screen: Screen | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Play clips in a window while a person marks the smiles, into a labels file; returns the exit code.

    Raises DisplayError without a display, and UsageError, DataError, SourceError.
    """
    if screen is None:
        if (problem := display_problem()) is not None:
            raise DisplayError(f"--mark needs a window: {problem}")
        with OpenCvScreen() as window:
            return mark_clips(clips, settings, labels, window, clock=clock)
    if labels.exists():
        read_labels(labels)  # a file that is none is refused before somebody does the work
    for clip in find_clips(clips):
        source = _open(clip, settings)
        try:
            marked = mark(clip.name, source, screen, clock=clock)
        finally:
            source.close()
        if marked is None:
            return 0
        write_labels(labels, {clip.name: marked})
    return 0


@contextmanager
def _progress(clips: int) -> Iterator[Callable[[Played], Played]]:
    """Show how many clips are done; the function given takes a clip that is, and returns it."""
    bar = Progress(
        SpinnerColumn(),
        BarColumn(24),
        TextColumn("{task.completed:.0f} of {task.total:.0f} clips  {task.description}"),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=clips)

        def show(played: Played) -> Played:
            bar.update(task, advance=1, description=played.recording.clip)
            return played

        yield show
