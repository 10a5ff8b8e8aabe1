"""Two builds, or two settings, on the same clips: whether one is better, smile by smile and clip by clip."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from smartselfie.errors import DataError
from smartselfie.replaying.labels import Labels, Verdict

Floats = npt.NDArray[np.float64]

ROUNDS = 10_000
"""Samples of the bootstrap."""
NEAR = 1e-3
"""Seconds by which the same stretch may be written differently."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one build did in one clip."""

    missed: tuple[tuple[float, float], ...]
    false_shots: int
    quiet_seconds: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Now beside before, on the clips that both have."""

    clips: int
    both: int
    """Smiles that both hit."""
    only_now: int
    only_before: int
    neither: int
    p_value: float
    """Of McNemar's exact test: how often chance alone would part them as much."""
    false_now: int
    false_before: int
    per_hour: float
    """False shots an hour, now less before."""
    per_hour_interval: tuple[float, float]
    """Its 95 % interval, from clips drawn anew (Efron 1979)."""


def mcnemar(only_now: int, only_before: int) -> float:
    """Return the two-sided p of McNemar's exact test (1947): discordant pairs against a fair coin."""
    total, least = only_now + only_before, min(only_now, only_before)
    tail = float(sum(math.comb(total, k) for k in range(least + 1)) / 2**total)
    return min(1.0, 2 * tail)


def outcomes_of(verdicts: Mapping[str, Verdict]) -> dict[str, Outcome]:
    """Return what there is to compare, by clip."""
    return {
        clip: Outcome(verdict.missed, len(verdict.false_shots), verdict.quiet_seconds)
        for clip, verdict in verdicts.items()
    }


def read_outcomes(path: Path) -> dict[str, Outcome]:
    """Read what an earlier `replay --json` printed. Raises DataError when it is none of the kind."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return {
            clip["clip"]: Outcome(
                tuple((float(start), float(end)) for start, end in clip["missed"]),
                len(clip["false_shots"]),
                float(clip["quiet_seconds"]),
            )
            for clip in record["clips"]
            if "missed" in clip
        }
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path}: is not what 'replay --labels FILE --json' prints: {error}") from error


def compare(
    now: Mapping[str, Outcome], before: Mapping[str, Outcome], labels: Mapping[str, Labels]
) -> Comparison:
    """Compare two builds on the labelled clips that both have. Raises DataError when there is none."""
    clips = sorted(set(now) & set(before) & set(labels))
    if not clips:
        raise DataError("the two have no labelled clip in common")
    counts = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for clip in clips:
        for stretch in labels[clip].stretches():
            if stretch.smiles:
                hit = tuple(not _among(stretch.start, each[clip].missed) for each in (now, before))
                counts[hit[0], hit[1]] += 1
    false_now = np.array([now[clip].false_shots for clip in clips], float)
    false_before = np.array([before[clip].false_shots for clip in clips], float)
    hours = np.array([now[clip].quiet_seconds for clip in clips]) / 3600
    return Comparison(
        len(clips),
        counts[True, True],
        counts[True, False],
        counts[False, True],
        counts[False, False],
        mcnemar(counts[True, False], counts[False, True]),
        int(false_now.sum()),
        int(false_before.sum()),
        float((false_now - false_before).sum() / max(hours.sum(), 1e-9)),
        _bootstrap(false_now - false_before, hours),
    )


def in_words(comparison: Comparison) -> str:
    """Say it in two sentences."""
    smiles = comparison.both + comparison.only_now + comparison.only_before + comparison.neither
    low, high = comparison.per_hour_interval
    return (
        f"against before, {comparison.clips} clips: of {smiles} smiles {comparison.only_now} are hit now "
        f"that were not, {comparison.only_before} no longer (McNemar p = {comparison.p_value:.2f}); "
        f"false shots {comparison.false_now} after {comparison.false_before}: "
        f"{comparison.per_hour:+.0f} an hour (95 % interval {low:+.0f} to {high:+.0f})"
    )


def _among(start: float, missed: Sequence[tuple[float, float]]) -> bool:
    return any(abs(start - other) <= NEAR for other, _ in missed)


def _bootstrap(difference: Floats, hours: Floats) -> tuple[float, float]:
    rng = np.random.default_rng(1)
    drawn = rng.integers(0, len(hours), (ROUNDS, len(hours)))
    rates = difference[drawn].sum(axis=1) / np.maximum(hours[drawn].sum(axis=1), 1e-9)
    low, high = np.quantile(rates, (0.025, 0.975))
    return float(low), float(high)
