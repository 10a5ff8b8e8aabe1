"""How far a count can be trusted: exact confidence intervals (Clopper, Pearson 1934; Garwood 1936)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

CONFIDENCE = 0.95
_STEPS = 60


def share_interval(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of a share; (0, 1) for no trials."""
    if not trials:
        return 0.0, 1.0
    tail = (1 - confidence) / 2

    def at_most(count: int, share: float) -> float:
        return sum(math.comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(count + 1))

    low = _root(lambda share: 1 - at_most(successes - 1, share) - tail, 0, 1) if successes else 0.0
    high = _root(lambda share: tail - at_most(successes, share), 0, 1) if successes < trials else 1.0
    return low, high


def rate_interval(count: int, length: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the exact Poisson interval of events per unit of `length`; (0, inf) for no length."""
    if not length:
        return 0.0, math.inf
    tail = (1 - confidence) / 2

    def at_most(number: int, mean: float) -> float:
        return sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(number + 1))

    top = count + 10 * math.sqrt(count + 1) + 10
    low = _root(lambda mean: 1 - at_most(count - 1, mean) - tail, 1e-9, top) if count else 0.0
    high = _root(lambda mean: tail - at_most(count, mean), 1e-9, top)
    return low / length, high / length


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """Return the interval of the median between two of the values, whatever their distribution.

    None when there are too few values for it (fewer than 6 at 95 %).
    """
    ordered, count = sorted(values), len(values)
    below, rank = 0.0, 0
    for k in range(count // 2):
        below += math.comb(count, k) / 2**count
        if 2 * below > 1 - confidence:
            break
        rank = k + 1
    return (ordered[rank - 1], ordered[count - rank]) if rank else None


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function is 0, by bisection."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if rising(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
