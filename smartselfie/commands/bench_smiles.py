"""`smartselfie bench smiles`: the open benchmark: programs side by side on labelled clips.

Smiles hit, false shots an hour, the delay and the processor time, each with its interval, for this program
and for others (`commands.peers`), in one run on one machine. How to read it is in
`docs/smile-shutter-benchmark.md`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TextIO

import cv2
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from smartselfie.commands.peers import Peer, build_peer, read_files
from smartselfie.commands.playing import open_clip, play_one
from smartselfie.commands.replay import chosen_clips
from smartselfie.daemon.parts import build_detector
from smartselfie.detectors import DETECTORS, DetectorSettings
from smartselfie.errors import DataError, SmartSelfieError, UsageError
from smartselfie.replaying.compare import mcnemar
from smartselfie.replaying.intervals import median_interval, rate_interval, share_interval
from smartselfie.replaying.labels import Labels, Total, Verdict, add_up, judge, read_fields, read_labels
from smartselfie.replaying.play import find_clips, play
from smartselfie.seams import Detector
from smartselfie.settings import Settings

OURS = "smartselfie"
HOUR, MINUTE = 3600.0, 60.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One program's turn at one clip."""

    program: str
    clip: str
    shots: tuple[float, ...]
    seconds: float
    cpu_seconds: float
    problem: str = ""
    """Why there is nothing of it, in one line."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one program did on all clips."""

    program: str
    total: Total
    cpu_per_minute: float
    """Seconds of one core for a minute of video, decoding included."""
    only_ours: int
    only_theirs: int
    """Smiles that just one of the two hit."""
    p_value: float
    """McNemar's, of the smiles."""


def bench_smiles(
    clips: Sequence[Path],
    settings: Settings,
    *,
    labels: Path,
    where: str | None = None,
    against: Sequence[str] = (),
    files: Sequence[str] = (),
    jobs: int | None = None,
    as_json: Path | None = None,
    into: TextIO | None = None,
) -> int:
    """Play labelled clips through this program and the peers in `against`; returns the exit code.

    `files`: NAME=FILE for the peers' networks and detectors; `where`: only clips of which the labels file
    says so; `jobs`: processes side by side (None: one for each CPU; 1 where the times matter); `as_json`: a
    file for the figures. Raises UsageError, DataError, and what the parts raise.
    """
    known = read_labels(labels)
    wanted = chosen_clips(find_clips(clips), where, read_fields(labels))
    wanted = [clip for clip in wanted if clip.name in known]
    if not wanted:
        raise DataError(f"{labels}: none of these clips is labelled")
    given = read_files(files)
    for name in against:  # a peer that cannot be is told before anything is played
        _peer(name, given, settings)
    turns = play_turns(wanted, settings, [OURS, *against], given, jobs or os.cpu_count() or 1)
    standings = stand(turns, known)
    Console(file=into or sys.stdout).print(table(standings))
    for turn in turns:
        if turn.problem:
            print(f"{turn.program}: {turn.clip}: {turn.problem}", file=into or sys.stdout)
    if as_json is not None:
        as_json.write_text(
            json.dumps([record(each) for each in standings], indent=1) + "\n", encoding="utf-8"
        )
    return 0


def play_turns(
    clips: Sequence[Path],
    settings: Settings,
    programs: Sequence[str],
    files: Mapping[str, Path],
    jobs: int,
) -> list[Turn]:
    """Play every clip through every program, the programs of a clip one after the other."""
    if jobs <= 1:
        return [turn for clip in clips for turn in play_clip(clip, settings, programs, files)]
    with ProcessPoolExecutor(min(jobs, len(clips)), get_context("spawn")) as pool:
        futures = [pool.submit(play_clip, clip, settings, programs, files) for clip in clips]
        return [turn for future in futures for turn in future.result()]


def play_clip(
    clip: Path, settings: Settings, programs: Sequence[str], files: Mapping[str, Path]
) -> list[Turn]:
    """Play one clip through every program; a clip that cannot be read is a problem and no error."""
    turns = []
    for program in programs:
        try:
            if program == OURS:
                played = play_one(clip, settings)
            else:
                cv2.setNumThreads(settings.performance.threads)
                source = open_clip(clip, settings)
                try:
                    played = play(clip.name, source, _peer(program, files, settings), None)
                finally:
                    source.close()
        except SmartSelfieError as error:
            turns.append(Turn(program, clip.name, (), 0.0, 0.0, str(error)))
            continue
        seconds = played.recording.seconds
        turns.append(Turn(program, clip.name, tuple(played.shots), seconds, played.cpu_seconds))
    return turns


def _peer(name: str, files: Mapping[str, Path], settings: Settings) -> Peer:
    def detector(kind: str) -> Detector:
        given = {"model": files[kind]} if kind in files else {}
        try:
            chosen = DETECTORS.settings(kind).model_validate({"kind": kind, **given})
        except KeyError:
            raise UsageError(f"--against {name}: there is no detector {kind!r}") from None
        except ValidationError as error:
            raise UsageError(
                f"--against {name}: its detector needs a file: give it with --file {kind}=FILE"
            ) from error
        assert isinstance(chosen, DetectorSettings)
        return build_detector(chosen, min_face=settings.trigger.min_face)

    return build_peer(name, files, detector)


def stand(turns: Sequence[Turn], labels: Mapping[str, Labels]) -> list[Standing]:
    """Add the turns up by program, in their order; the first is the one that others are compared with."""
    programs = list(dict.fromkeys(turn.program for turn in turns))
    failed = {turn.clip for turn in turns if turn.problem}
    verdicts = {
        program: {
            turn.clip: judge(labels[turn.clip], turn.shots, turn.seconds)
            for turn in turns
            if turn.program == program and turn.clip not in failed
        }
        for program in programs
    }
    first = verdicts[programs[0]]
    standings = []
    for program in programs:
        mine = [turn for turn in turns if turn.program == program and turn.clip not in failed]
        minutes = sum(turn.seconds for turn in mine) / MINUTE
        only_ours, only_theirs = _discordant(first, verdicts[program], labels)
        standings.append(
            Standing(
                program,
                add_up(list(verdicts[program].values())),
                sum(turn.cpu_seconds for turn in mine) / max(minutes, 1e-9),
                only_ours,
                only_theirs,
                mcnemar(only_ours, only_theirs),
            )
        )
    return standings


def _discordant(
    one: Mapping[str, Verdict], other: Mapping[str, Verdict], labels: Mapping[str, Labels]
) -> tuple[int, int]:
    only_one = only_other = 0
    for clip in one:
        for stretch in labels[clip].stretches():
            if not stretch.smiles:
                continue
            span = (stretch.start, stretch.end)
            hit, other_hit = span not in one[clip].missed, span not in other[clip].missed
            only_one += hit and not other_hit
            only_other += other_hit and not hit
    return only_one, only_other


def table(standings: Sequence[Standing]) -> Table:
    """Return a row for each program, with exact 95 % intervals."""
    view = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    view.add_column("", no_wrap=True)
    for name in (
        "smiles hit",
        "interval",
        "false",
        "an hour",
        "interval",
        "delay",
        "interval",
        "CPU s/min",
        "p",
    ):
        view.add_column(name, justify="right", no_wrap=True)
    for each in standings:
        total, hour = each.total, each.total.quiet_seconds / HOUR
        low, high = share_interval(total.hits, total.smiles)
        least, most = rate_interval(total.false_shots, hour)
        delays = median_interval(total.delays)
        view.add_row(
            each.program,
            f"{total.hits} of {total.smiles}",
            f"{low:.0%} to {high:.0%}",
            str(total.false_shots),
            f"{total.false_shots / hour:.0f}" if hour else "-",
            f"{least:.0f} to {most:.0f}",
            "" if total.delay is None else f"{total.delay:.2f} s",
            "" if delays is None else f"{delays[0]:.2f} to {delays[1]:.2f}",
            f"{each.cpu_per_minute:.1f}",
            "" if each is standings[0] else f"{each.p_value:.3f}",
        )
    return view


def record(standing: Standing) -> dict[str, object]:
    """Return a program's figures for a file."""
    total, hour = standing.total, standing.total.quiet_seconds / HOUR
    return {
        "program": standing.program,
        "clips": total.clips,
        "smiles": total.smiles,
        "hits": total.hits,
        "hits_interval": [round(limit, 4) for limit in share_interval(total.hits, total.smiles)],
        "false_shots": total.false_shots,
        "quiet_seconds": round(total.quiet_seconds, 1),
        "false_shots_per_hour": round(total.false_shots / hour, 1) if hour else 0.0,
        "false_shots_per_hour_interval": [
            round(limit, 1) for limit in rate_interval(total.false_shots, hour)
        ],
        "median_delay": None if total.delay is None else round(total.delay, 3),
        "cpu_seconds_per_minute": round(standing.cpu_per_minute, 2),
        "only_ours": standing.only_ours,
        "only_theirs": standing.only_theirs,
        "p_value": round(standing.p_value, 4),
    }
