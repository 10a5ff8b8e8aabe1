"""Which trigger settings would have done best on recorded scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from smartselfie.deciding.trigger import Rules
from smartselfie.replaying.fast_trigger import FastTrigger, real_shots, supports
from smartselfie.replaying.labels import Labels, Total, add_up, judge
from smartselfie.replaying.scores import Recording

Place = tuple[int, int, int, int]
"""Where a setting lies in the grid: the indices of threshold, hold, release and grace."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The values that are tried, ascending; `releases` are shares of the threshold."""

    thresholds: tuple[float, ...] = tuple(round(0.3 + 0.05 * step, 2) for step in range(14))
    holds: tuple[float, ...] = (3, 5, 7, 10, 13, 16, 20)
    """Frames, or seconds when `timed`."""
    releases: tuple[float, ...] = (0.5, 2 / 3, 0.85)
    graces: tuple[int, ...] = (0, 2, 4)
    timed: bool = False

    def rules(self, base: Rules, place: Place) -> Rules:
        """Return `base` with the values of one place."""
        threshold, hold = self.thresholds[place[0]], self.holds[place[1]]
        share = self.releases[place[2]]
        return replace(
            base,
            threshold=threshold,
            hold_frames=None if self.timed else int(hold),
            hold_seconds=hold if self.timed else None,
            release=None if share == 2 / 3 else round(threshold * share, 3),
            grace=self.graces[place[3]],
        )

    def places(self) -> list[Place]:
        """Return all places."""
        return list(
            product(
                range(len(self.thresholds)),
                range(len(self.holds)),
                range(len(self.releases)),
                range(len(self.graces)),
            )
        )


COARSE = Grid(thresholds=(0.4, 0.5, 0.6, 0.7, 0.8), holds=(5, 10, 15), releases=(2 / 3,), graces=(2, 4))
"""For rules that only the real trigger knows, which is slower."""
COARSE_TIMED = replace(COARSE, holds=(0.2, 0.4, 0.6), timed=True)


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
    grid: Grid | None = None,
    tried: Callable[[int, int], None] = lambda done, total: None,
) -> Sweep:
    """Try a grid of settings around `base` on labelled recordings.

    The best is the one with the fewest misses and false shots together; of equals that with the most room
    around it in the grid, then the one that fires soonest, then the one nearest to `base`. `tried` hears of
    progress. Recordings without labels are left out; ValueError when none is left.
    """
    known = [recording for recording in recordings if recording.clip in labels]
    if not known:
        raise ValueError("none of the recordings is labelled")
    count = _counter(known, labels, base)
    if grid is None:
        grid = Grid() if supports(base) else COARSE if base.hold_frames is not None else COARSE_TIMED
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


def _counter(
    recordings: Sequence[Recording], labels: Mapping[str, Labels], base: Rules
) -> Callable[[Rules], Total]:
    """Return what counts a setting's hits and false shots, the quick way where there is one."""
    quick = [FastTrigger(recording, base) for recording in recordings] if supports(base) else None

    def count(rules: Rules) -> Total:
        if quick is not None:
            shots = [trigger.shots(rules) for trigger in quick]
        else:
            shots = [real_shots(recording, rules) for recording in recordings]
        return add_up(
            [
                judge(labels[recording.clip], fired, recording.seconds)
                for recording, fired in zip(recordings, shots, strict=True)
            ]
        )

    return count


def _margin(place: Place, good: set[Place], grid: Grid) -> int:
    """Return how far threshold and hold may move, both and either way, and remain good."""
    thresholds, holds = len(grid.thresholds), len(grid.holds)
    reach = 0
    while True:
        reach += 1
        around = [
            (place[0] + down, place[1] + across, place[2], place[3])
            for down in range(-reach, reach + 1)
            for across in range(-reach, reach + 1)
        ]
        if any(
            not 0 <= other[0] < thresholds or not 0 <= other[1] < holds or other not in good
            for other in around
        ):
            return reach - 1


def _rank(trial: Trial, base: Rules) -> tuple[float, ...]:
    """Sort key of equally right settings."""
    delay = trial.total.delay
    rules = trial.rules
    return (
        -trial.margin,
        round(delay, 1) if delay is not None else 0.0,
        abs(rules.threshold - base.threshold),
        abs((rules.hold_frames or 0) - (base.hold_frames or 0)),
        abs(rules.release_level / rules.threshold - base.release_level / base.threshold),
        abs(rules.grace - base.grace),
    )
