"""Which trigger settings would have done best on recorded scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from smartselfie.deciding.evidence import EvidenceModel
from smartselfie.deciding.rules import Rules
from smartselfie.replaying.labels import Labels, Total, add_up, judge
from smartselfie.replaying.scores import Recording
from smartselfie.replaying.shots import shots, without_quiet

Place = tuple[int, int, int]
"""Where a setting lies in the grid: the indices of level, hold and release."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The values that are tried, ascending; `releases` are shares of the threshold."""

    levels: tuple[float, ...] = tuple(round(0.3 + 0.05 * step, 2) for step in range(14))
    """Thresholds; with the rule `evidence` certainties."""
    holds: tuple[float, ...] = (3, 5, 7, 10, 13, 16, 20)
    """Frames, or seconds when `timed`."""
    releases: tuple[float, ...] = (0.5, 2 / 3, 0.85)
    timed: bool = False

    def rules(self, base: Rules, place: Place) -> Rules:
        """Return `base` with the values of one place."""
        level, hold, share = self.levels[place[0]], self.holds[place[1]], self.releases[place[2]]
        threshold = base.threshold if base.rule == "evidence" else level
        release = None if share == 2 / 3 else round(threshold * share, 3)
        if base.rule == "evidence":
            return replace(base, certainty=level, release=release)
        return replace(
            base,
            threshold=level,
            hold_frames=None if self.timed else int(hold),
            hold_seconds=hold if self.timed else None,
            release=release,
        )

    def places(self) -> list[Place]:
        """Return all places."""
        return list(product(range(len(self.levels)), range(len(self.holds)), range(len(self.releases))))


TIMED = Grid(holds=(0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0), timed=True)
EVIDENCE = Grid(
    levels=(0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95), holds=(0,), releases=(0.4, 2 / 3, 0.85)
)


def grid_for(rules: Rules) -> Grid:
    """Return the grid that suits a rule and a way of holding."""
    if rules.rule == "evidence":
        return EVIDENCE
    return Grid() if rules.hold_frames is not None else TIMED


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting and how it did."""

    rules: Rules
    total: Total
    place: Place | None
    """None for a setting that is not of the grid."""
    margin: int = 0
    """How many steps in the grid, in every direction, do not change how many are right."""

    @property
    def wrong(self) -> int:
        """Misses and false shots together."""
        return self.total.misses + self.total.false_shots


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep found."""

    current: Trial
    best: Trial
    trials: tuple[Trial, ...]


def sweep(
    recordings: Sequence[Recording],
    labels: Mapping[str, Labels],
    base: Rules,
    *,
    model: EvidenceModel | None = None,
    grid: Grid | None = None,
    tried: Callable[[int, int], None] = lambda done, total: None,
) -> Sweep:
    """Try a grid of settings around `base` on labelled recordings.

    The best is the one with the fewest misses and false shots together; of equals that with the most room
    around it in the grid, then the one that fires soonest, then the one nearest to `base`. `model` is the
    trigger's model of the last second; `tried` hears of progress. Recordings without labels are left out;
    ValueError when none is left.
    """
    known = [recording for recording in recordings if recording.clip in labels]
    if not known:
        raise ValueError("none of the recordings is labelled")
    loud = [without_quiet(recording) for recording in known]

    def count(rules: Rules) -> Total:
        return add_up(
            [
                judge(labels[whole.clip], shots(part, rules, model), whole.seconds)
                for whole, part in zip(known, loud, strict=True)
            ]
        )

    grid = grid or grid_for(base)
    places = grid.places()
    trials: dict[Place, Trial] = {}
    for place in places:
        rules = grid.rules(base, place)
        trials[place] = Trial(rules, count(rules), place)
        tried(len(trials), len(places))
    least = min(trial.wrong for trial in trials.values())
    good = {place for place, trial in trials.items() if trial.wrong == least}
    for place in good:
        trials[place] = replace(trials[place], margin=_margin(place, good, grid))
    current = Trial(base, count(base), None)
    best = min((trials[place] for place in good), key=lambda trial: _rank(trial, base))
    if current.wrong < best.wrong:
        best = current
    return Sweep(current, best, tuple(trials.values()))


def _margin(place: Place, good: set[Place], grid: Grid) -> int:
    """Return how far level and hold may move, both and either way, and remain good."""
    sides = range(1) if len(grid.holds) == 1 else None  # a hold that is not tried does not move
    reach = 0
    while True:
        reach += 1
        around = [
            (place[0] + down, place[1] + across, place[2])
            for down in range(-reach, reach + 1)
            for across in (sides or range(-reach, reach + 1))
        ]
        if any(other not in good for other in around):
            return reach - 1


def _rank(trial: Trial, base: Rules) -> tuple[float, ...]:
    """Sort key of equally right settings."""
    delay = trial.total.delay
    rules = trial.rules
    return (
        -trial.margin,
        round(delay, 1) if delay is not None else 0.0,
        abs(rules.threshold - base.threshold) + abs(rules.certainty - base.certainty),
        abs((rules.hold_frames or 0) - (base.hold_frames or 0)),
        abs(rules.release_level / rules.threshold - base.release_level / base.threshold),
    )
