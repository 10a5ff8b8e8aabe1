"""How much each setting of the trigger matters: one changed at a time, on stored scores.

smartselfie replay CLIPS --labels LABELS --scores scores.jsonl
python benchmarks/sensitivity.py scores.jsonl LABELS
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from smartselfie.daemon.parts import build_rules, read_evidence
from smartselfie.replaying.labels import add_up, judge, read_labels
from smartselfie.replaying.scores import read_scores
from smartselfie.replaying.shots import shots, without_quiet
from smartselfie.settings import load

TRIED: Mapping[str, Sequence[float]] = {
    "certainty": [percent / 20 for percent in range(1, 20)],
    "threshold": [percent / 100 for percent in range(50, 100)],
    "hold_frames": range(3, 21),
    "release": (0.05, 0.2, 0.4, 0.55, 0.65, 0.8),
    "grace": (0, 1, 2, 4, 8),
    "min_relative": (0, 0.2, 0.4, 0.6),
    "min_presence": (0, 0.2, 0.4, 0.6),
    "min_face": (0.05, 0.1, 0.14, 0.2),
}


def main() -> None:
    """Print, for each value of each setting, smiles hit and false shots."""
    labels = read_labels(Path(sys.argv[2]))
    recordings = [each for each in read_scores(Path(sys.argv[1])) if each.clip in labels]
    model, usual = read_evidence(None), build_rules(load().trigger)
    for name, values in TRIED.items():
        print(name)
        for value in values:
            changed: dict[str, Any] = {name: value}
            rules = replace(usual, **changed)
            fired = [shots(without_quiet(each), rules, model) for each in recordings]
            total = add_up(
                [
                    judge(labels[each.clip], times, each.seconds)
                    for each, times in zip(recordings, fired, strict=True)
                ]
            )
            print(f"  {value:g}: {total.hits} of {total.smiles} hit, {total.false_shots} false")


if __name__ == "__main__":
    main()
