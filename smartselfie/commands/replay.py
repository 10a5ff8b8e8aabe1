"""`smartselfie replay`: recordings through the whole pipeline, and how often it was right."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from smartselfie.commands.playing import KEPT, Batch, play_all, play_batch
from smartselfie.daemon.parts import build_rules, read_evidence
from smartselfie.errors import DataError, SaveError, SourceError, UsageError
from smartselfie.replaying.causes import Cause, causes
from smartselfie.replaying.compare import compare, outcomes_of, read_outcomes
from smartselfie.replaying.compare import in_words as comparison_in_words
from smartselfie.replaying.groups import Group, context, groups
from smartselfie.replaying.intervals import rate_interval, share_interval
from smartselfie.replaying.labels import Labels, Total, Verdict, add_up, judge, read_fields, read_labels
from smartselfie.replaying.margins import Margins, margins
from smartselfie.replaying.page import page
from smartselfie.replaying.play import Played, find_clips
from smartselfie.replaying.scores import write_scores
from smartselfie.replaying.summary import HOUR, margins_in_words, total_in_words
from smartselfie.replaying.timeline import timeline_png
from smartselfie.settings import Settings

OUT = Path("replay")
"""Where timelines go when nothing else is said."""

__all__ = ["play_all", "replay"]


@dataclass(frozen=True, slots=True)
class Report:
    """What a replay comes to."""

    played: Sequence[Played]
    failed: Mapping[str, str]
    labels: Mapping[str, Labels]
    verdicts: Mapping[str, Verdict]
    causes: Mapping[str, Sequence[Cause]]
    """Of the misses, by clip, in their order."""
    groups: Sequence[Group]
    total: Total | None
    margins: Margins


def replay(
    clips: Sequence[Path],
    settings: Settings,
    *,
    labels: Path | None = None,
    where: str | None = None,
    as_json: bool = False,
    scores: Path | None = None,
    out: Path | None = None,
    against: Path | None = None,
    jobs: int | None = None,
    into: TextIO | None = None,
) -> int:
    """Run clips (files, folders of clips, folders of pictures, `demo`) and report; returns the exit code.

    `labels`: a labels file, to count hits and false shots; `where`: only clips of which it says so
    ("split=check"); `scores`: where to write the scores for `tune`; `out`: a folder for the timelines, PNG
    by clip and one page, and for what was played, so that a run that broke off goes on; None is `OUT`, and
    none of it with `as_json`; `against`: what an earlier run printed with `as_json`, to compare with; `jobs`:
    processes side by side (None: one for each CPU). A clip that cannot be played is told and costs itself
    alone: the code is 1 then. Raises UsageError, DataError, SourceError when there is only one clip,
    SaveError and what the parts raise.
    """
    into = into or sys.stdout
    known = read_labels(labels) if labels is not None else {}
    fields = read_fields(labels) if labels is not None else {}
    before = read_outcomes(against) if against is not None else None
    wanted = chosen_clips(find_clips(clips), where, fields)
    if any(str(clip) == "demo" for clip in wanted) and "demo" not in known:
        known["demo"] = demo_labels()
    folder = out if out is not None else None if as_json else OUT
    keep = folder / KEPT if folder is not None else None
    batch = play_batch(wanted, settings, labels=known, jobs=jobs, keep=keep)
    if batch.failed and len(wanted) == 1:
        raise SourceError(next(iter(batch.failed.values())))
    report = judged(batch, known, fields, settings)
    if scores is not None:
        write_scores(scores, [one.recording for one in batch.played])
    if folder is not None:
        write_timelines(folder, report, settings)
    compared = compare(outcomes_of(report.verdicts), before, known) if before is not None else None
    if as_json:
        record = as_record(report, settings)
        if compared is not None:
            record["against"] = _rounded(asdict(compared))
        print(json.dumps(record, ensure_ascii=False), file=into)
    else:
        tell(report, settings, Console(file=into))
        if compared is not None:
            print(comparison_in_words(compared), file=into)
        if folder is not None:
            print(f"timelines: {folder / 'index.html'}", file=into)
    return 1 if batch.failed else 0


def chosen_clips(
    clips: Sequence[Path], where: str | None, fields: Mapping[str, Mapping[str, object]]
) -> list[Path]:
    """Return the clips of which the labels file says so."""
    if where is None:
        return list(clips)
    key, equals, value = where.partition("=")
    if not equals:
        raise UsageError(f"--where {where}: expected KEY=VALUE, such as split=check")
    chosen = [clip for clip in clips if str(fields.get(clip.name, {}).get(key)) == value]
    if not chosen:
        raise DataError(f"--where {where}: the labels file says so of none of these clips")
    return chosen


def judged(
    batch: Batch,
    labels: Mapping[str, Labels],
    fields: Mapping[str, Mapping[str, object]],
    settings: Settings,
) -> Report:
    """Compare what was played with the labels."""
    verdicts = judge_all(batch.played, labels)
    rules, model = build_rules(settings.trigger), read_evidence(settings.trigger.model)
    recordings = {one.recording.clip: one.recording for one in batch.played}
    return Report(
        batch.played,
        batch.failed,
        labels,
        verdicts,
        {
            clip: causes(recordings[clip], verdict.missed, rules, model)
            for clip, verdict in verdicts.items()
            if verdict.missed
        },
        groups(batch.played, labels, verdicts, fields),
        add_up(list(verdicts.values())) if verdicts else None,
        margins(list(recordings.values()), labels, settings.trigger.threshold, settings.trigger.grace),
    )


def tell(report: Report, settings: Settings, console: Console) -> None:
    """Print the tables and sentences for people."""
    console.print(table(report.played, report.verdicts))
    for clip, why in report.failed.items():
        console.print(Text(f"{clip}: not played: {why}", "red"))
    for line in mistakes(report):
        console.print(Text(line))
    if report.total is None:
        return
    if len(report.verdicts) > 1:
        console.print(group_table(report.groups))
    console.print(Text(total_in_words(report.total)))
    console.print(Text(margins_in_words(report.margins, settings.trigger.threshold)))


def mistakes(report: Report) -> list[str]:
    """Return a line for each miss, with its cause, and each false shot."""
    lines = []
    for clip, verdict in report.verdicts.items():
        for (start, end), cause in zip(verdict.missed, report.causes.get(clip, ()), strict=True):
            lines.append(f"{clip} {start:.1f} to {end:.1f} s: missed: {cause.name} ({cause.words})")
        for at in verdict.false_shots:
            near = context(report.labels[clip], at)
            lines.append(f"{clip} {at:.2f} s: false shot" + f" ({near})" * bool(near))
    return lines


def group_table(rows: Sequence[Group]) -> Table:
    """Return a row for each group, with exact 95 % intervals."""
    view = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    view.add_column("", no_wrap=True)
    for name in ("clips", "smiles hit", "interval", "false", "an hour", "interval"):
        view.add_column(name, justify="right", no_wrap=True)
    for group in rows:
        total = group.total
        hour = total.quiet_seconds / HOUR
        low, high = share_interval(total.hits, total.smiles)
        least, most = rate_interval(total.false_shots, hour)
        view.add_row(
            group.name,
            str(total.clips),
            f"{total.hits} of {total.smiles}" if total.smiles else "-",
            f"{low:.0%} to {high:.0%}" if total.smiles else "",
            str(total.false_shots),
            f"{total.false_shots / hour:.0f}" if hour else "-",
            f"{least:.0f} to {most:.0f}" if hour else "",
        )
    return view


def judge_all(played: Sequence[Played], labels: Mapping[str, Labels]) -> dict[str, Verdict]:
    """Compare the clips that are labelled with their labels."""
    return {
        one.recording.clip: judge(labels[one.recording.clip], one.shots, one.recording.seconds)
        for one in played
        if one.recording.clip in labels
    }


def write_timelines(folder: Path, report: Report, settings: Settings) -> None:
    """Write a PNG for each clip and `index.html` for all. Raises SaveError."""
    rules = build_rules(settings.trigger)
    levels = rules.threshold, rules.release_level
    labels, verdicts = report.labels, report.verdicts
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in report.played:
            clip = one.recording.clip
            timeline_png(folder / f"{clip}.png", one, labels.get(clip), verdicts.get(clip), *levels)
        html = page(report.played, labels, verdicts, report.total, *levels, causes=report.causes)
        (folder / "index.html").write_text(html, encoding="utf-8")
    except OSError as error:
        raise SaveError(
            f"{folder}: {error.strerror}; name a folder that can be written: --out DIR"
        ) from error


def as_record(report: Report, settings: Settings) -> dict[str, object]:
    """Return all of it as `--json` prints it; times in seconds of the clip."""
    record: dict[str, object] = {
        "trigger": settings.trigger.model_dump(mode="json"),
        "clips": [
            _clip_record(one, report.verdicts.get(clip := one.recording.clip), report.causes.get(clip, ()))
            for one in report.played
        ],
        "failed": dict(report.failed),
    }
    total = report.total
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
        record["margins"] = _rounded(asdict(report.margins))
    return record


def _rounded(record: Any) -> Any:
    if isinstance(record, dict):
        return {key: _rounded(value) for key, value in record.items()}
    return round(record, 4) if isinstance(record, float) else record


def _clip_record(one: Played, verdict: Verdict | None, why: Sequence[Cause]) -> dict[str, object]:
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
            "causes": [cause.name for cause in why],
            "quiet_seconds": round(verdict.quiet_seconds, 2),
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
