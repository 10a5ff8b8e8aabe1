"""`smartselfie tune`: which trigger settings do best on labelled recordings."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from smartselfie.commands.playing import play_all
from smartselfie.commands.replay import demo_labels
from smartselfie.daemon.parts import build_rules, read_evidence
from smartselfie.deciding.rules import Rules
from smartselfie.errors import DataError, SaveError, UsageError
from smartselfie.replaying.frontier import frontier, frontier_png, in_words
from smartselfie.replaying.labels import Labels, Total, read_labels
from smartselfie.replaying.learning import Learnt, learn
from smartselfie.replaying.play import find_clips
from smartselfie.replaying.scores import Recording, read_scores, write_scores
from smartselfie.replaying.summary import total_in_words
from smartselfie.replaying.sweep import Sweep, Trial, sweep
from smartselfie.settings import Settings, write_values

OUT = Path("replay/tune.png")
"""Where the picture goes when nothing else is said."""
SCORES = {".jsonl", ".json", ".scores"}
"""What a file of scores ends in; anything else is a clip."""


def tune(
    clips: Sequence[Path],
    settings: Settings,
    *,
    labels: Path | None = None,
    scores: Path | None = None,
    write: Path | None = None,
    out: Path | None = None,
    learn_into: Path | None = None,
    as_json: bool = False,
    today: date | None = None,
    into: TextIO | None = None,
) -> int:
    """Sweep threshold, hold and release, or certainty and release; propose settings; returns the exit code.

    `clips` are clips, folders and files of scores (`*.jsonl`, from `replay --scores`); `scores` is such a
    file, used when it is there and written when it is not; `labels` says who smiles when; `write` is the
    config file to change; `out` the picture, None is `OUT`, and none with `as_json`; `learn_into` a file: the
    trigger's model of the last second is learnt from the recordings and written there instead. Raises
    UsageError, DataError, ConfigError, SourceError, SaveError and what the parts raise.
    """
    into = into or sys.stdout
    recordings = collect(clips, settings, scores)
    known = read_labels(labels) if labels is not None else {}
    if "demo" not in known and any(recording.clip == "demo" for recording in recordings):
        known["demo"] = demo_labels()
    if not any(recording.clip in known for recording in recordings):
        raise UsageError(
            "none of these clips is labelled: give --labels FILE; 'smartselfie replay CLIP --mark' makes one"
        )
    if learn_into is not None:
        return learn_model(recordings, known, settings, learn_into, as_json=as_json, today=today, into=into)
    found = sweep(
        recordings, known, build_rules(settings.trigger), model=read_evidence(settings.trigger.model)
    )
    picture = out if out is not None else None if as_json else OUT
    if picture is not None:
        _draw(picture, found)
    changes = proposal(found)
    if as_json:
        print(json.dumps(as_record(found, changes), ensure_ascii=False), file=into)
    else:
        console = Console(file=into)
        console.print(table(found))
        console.print(
            Text(f"now       {in_words(found.current.rules)}\nproposed  {in_words(found.best.rules)}")
        )
        console.print(Text(total_in_words(found.best.total)))
        if picture is not None:
            console.print(Text(f"picture: {picture}"))
    if write is not None:
        write_values(write, changes, comment(found.best.total, today or date.today()))
        if not as_json:
            print(f"written to {write}" if changes else f"{write} stays as it is", file=into)
    return 0


def learn_model(
    recordings: Sequence[Recording],
    labels: Mapping[str, Labels],
    settings: Settings,
    path: Path,
    *,
    as_json: bool,
    today: date | None,
    into: TextIO,
) -> int:
    """Learn the trigger's model of the last second, say what it is worth, and write it."""
    try:
        learnt = learn(
            recordings, labels, build_rules(settings.trigger), version=(today or date.today()).isoformat()
        )
    except ValueError as error:
        raise DataError(f"nothing to learn from: {error}") from error
    record = model_record(learnt)
    try:
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise SaveError(f"{path}: {error.strerror}; name a file that can be written: --learn FILE") from error
    if as_json:
        print(json.dumps(record), file=into)
        return 0
    print(
        f"learnt from {learnt.examples} frames of {learnt.smiling_faces} faces that smile and "
        f"{learnt.other_faces} that only seem to; each clip judged by a model without it: "
        f"area {learnt.auc:.3f}, loss {learnt.loss:.3f}",
        file=into,
    )
    for certainty, total in learnt.totals.items():
        print(f"certainty {certainty:g}: {total_in_words(total)}", file=into)
    print(f"written to {path}", file=into)
    return 0


def model_record(learnt: Learnt) -> dict[str, object]:
    """Return a model as its file has it, with where it comes from."""
    model = learnt.model
    return {
        "version": model.version,
        "command": "smartselfie tune SCORES --labels FILE --learn model/trigger.json",
        "bias": model.bias,
        "weights": dict(model.weights),
        "usual": dict(model.usual),
        "learnt_from": {
            "clips": learnt.clips,
            "faces_that_smile": learnt.smiling_faces,
            "other_faces": learnt.other_faces,
            "frames": learnt.examples,
        },
        "clip_by_clip": {
            "area": round(learnt.auc, 4),
            "loss": round(learnt.loss, 4),
            "by_certainty": {
                str(certainty): {
                    "hits": total.hits,
                    "smiles": total.smiles,
                    "false_shots": total.false_shots,
                    "quiet_seconds": round(total.quiet_seconds, 1),
                    "median_delay": None if total.delay is None else round(total.delay, 3),
                }
                for certainty, total in learnt.totals.items()
            },
        },
    }


def collect(clips: Sequence[Path], settings: Settings, scores: Path | None) -> list[Recording]:
    """Return the scores of clips: read where they are stored, else from the whole pipeline."""
    stored = [clip for clip in clips if clip.suffix.lower() in SCORES]
    recordings = [recording for path in stored for recording in read_scores(path)]
    wanted = find_clips(clip for clip in clips if clip not in stored)
    if scores is not None and scores.exists():
        read = read_scores(scores)
        names = {clip.name for clip in wanted}
        missing = sorted(names - {recording.clip for recording in read})
        if missing:
            raise UsageError(
                f"{scores} has no scores of {', '.join(missing)}; remove the file to make it anew"
            )
        return recordings + [recording for recording in read if not names or recording.clip in names]
    if not wanted and not recordings:
        raise UsageError("nothing to tune on: give clips, or a file of scores that 'replay --scores' wrote")
    if wanted:
        played = [one.recording for one in play_all(wanted, settings)]
        if scores is not None:
            write_scores(scores, played)
        recordings += played
    return recordings


def proposal(found: Sweep) -> dict[str, object]:
    """Return the settings to change, by their dotted names; none when the present ones are as good."""
    now, best = found.current.rules, found.best.rules
    values: dict[str, tuple[object, object]] = {
        "trigger.threshold": (now.threshold, best.threshold),
        "trigger.release": (now.release, best.release),
        "trigger.hold": (_hold(now), _hold(best)),
        "trigger.certainty": (now.certainty, best.certainty),
    }
    return {name: new for name, (old, new) in values.items() if old != new}


def comment(total: Total, today: date) -> str:
    """Say where the settings came from, for config.yaml."""
    return (
        f"tuned: {today} on {total.clips} clips, {total.hits} of {total.smiles} smiles hit, "
        f"{total.false_shots} false shots in {total.quiet_seconds:.0f} s without a smile"
    )


def as_record(found: Sweep, changes: dict[str, object]) -> dict[str, object]:
    """Return all of it as `--json` prints it."""
    return {
        "tried": len(found.trials),
        "current": _trial_record(found.current),
        "proposed": _trial_record(found.best),
        "changes": changes,
        "frontier": [_trial_record(trial) for trial in frontier(found.trials)],
    }


def table(found: Sweep) -> Table:
    """Return the settings worth choosing from, and the present ones."""
    view = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    view.add_column("", no_wrap=True)
    evidence = found.current.rules.rule == "evidence"
    for name in ("certainty" if evidence else "threshold", "hold", "release", "smiles hit", "false", "delay"):
        view.add_column(name, justify="right", no_wrap=True)
    rows = [("now", found.current), ("proposed", found.best)]
    rows += [("", trial) for trial in frontier(found.trials) if trial.wrong > found.best.wrong]
    for name, trial in rows:
        rules, total = trial.rules, trial.total
        view.add_row(
            name,
            f"{rules.certainty if evidence else rules.threshold:g}",
            "" if evidence else str(_hold(rules)),
            f"{rules.release_level:.2f}",
            f"{total.hits} of {total.smiles}",
            str(total.false_shots),
            f"{total.delay:.2f} s" if total.delay is not None else "",
        )
    return view


def _trial_record(trial: Trial) -> dict[str, object]:
    rules, total = trial.rules, trial.total
    return {
        "threshold": rules.threshold,
        "hold": _hold(rules),
        "release": rules.release,
        "certainty": rules.certainty,
        "hits": total.hits,
        "misses": total.misses,
        "false_shots": total.false_shots,
        "quiet_seconds": round(total.quiet_seconds, 2),
        "median_delay": None if total.delay is None else round(total.delay, 3),
        "margin": trial.margin,
    }


def _hold(rules: Rules) -> object:
    """The hold as config.yaml writes it."""
    return (
        rules.hold_frames if rules.hold_frames is not None else f"{round(1000 * (rules.hold_seconds or 0))}ms"
    )


def _draw(path: Path, found: Sweep) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        frontier_png(path, found)
    except OSError as error:
        raise SaveError(f"{path}: {error.strerror}; name a file that can be written: --out FILE") from error
