"""Counts in words, with how far they can be trusted."""

from __future__ import annotations

import math

from smartselfie.replaying.intervals import median_interval, rate_interval, share_interval
from smartselfie.replaying.labels import Total
from smartselfie.replaying.margins import Margins

HOUR = 3600.0


def total_in_words(total: Total) -> str:
    """Say how often it was right, with 95 % confidence intervals and the length they rest on."""
    clips = f"{total.clips} labelled clip{'s' * (total.clips != 1)}"
    parts = []
    if total.smiles:
        low, high = share_interval(total.hits, total.smiles)
        parts.append(f"{total.hits} of {total.smiles} smiles hit (95 % interval {low:.0%} to {high:.0%})")
    if total.quiet_seconds:
        low, high = rate_interval(total.false_shots, total.quiet_seconds / HOUR)
        parts.append(
            f"{total.false_shots or 'no'} false shot{'s' * (total.false_shots != 1)} "
            f"in {total.quiet_seconds:.0f} s without a smile ({_round(low)} to {_round(high)} an hour)"
        )
    if total.delay is not None:
        interval = median_interval(total.delays)
        sure = f" ({interval[0]:.2f} to {interval[1]:.2f})" if interval is not None else ""
        parts.append(f"median delay {total.delay:.2f} s{sure}")
    return f"{clips}: " + "; ".join(parts)


def margins_in_words(margins: Margins, threshold: float) -> str:
    """Say what came nearest to a missed smile and to a false shot."""
    parts = []
    if (peak := margins.lowest_peak) is not None:
        parts.append(f"the faintest smile peaks at {peak.happy:.3f} ({peak.clip}, {peak.at:.2f} s)")
    if (run := margins.longest_run) is not None:
        frames = f"{run.frames} frame{'s' * (run.frames != 1)}"
        parts.append(f"outside of smiles at most {frames} in a row ({run.clip}, until {run.until:.2f} s)")
    else:
        parts.append("not one frame outside of smiles")
    return f"margins at a threshold of {threshold:g}: " + "; ".join(parts)


def _round(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == 0 else f"{value:.2g}" if math.isfinite(value) else "any"
