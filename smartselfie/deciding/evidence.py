"""A small model of a face's last second: how sure one can be that a picture now shows a smile. Pure.

A talker's mouth looks like a smile for a few frames in the middle of a word; a smile stays. So what counts is
not one frame: it is how high the score is on average, how steady it is, how long it has been there, and
whether the mouth moves. A logistic model weighs these; its weights are learnt from labelled recordings by
`smartselfie tune --learn` and stored beside the networks (`model/trigger.json`).
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from smartselfie.deciding.rules import MAX_GAP

WINDOW = 0.5
"""Seconds over which score and mouth are looked at."""
RECENT = 0.2
"""Seconds that say how it is just now."""
LONGEST = 1.0
"""Seconds after which a smile that lasts is no more certain for lasting longer."""
LEAST_FRAMES, LEAST_SECONDS = 3, 0.15
"""What must have been seen before anything is said."""
LIMIT = 6.0
"""Log-odds beyond which a score says no more: the network is never that sure with reason."""
HALF = 0.0
"""Log-odds of a score of one half: from there on a face smiles more than not."""
USUAL_MOTION = 0.1
"""Movement of a mouth of which nothing is known yet; see `face_patch.MouthMotion`."""
EPSILON = 1e-3

FEATURES = ("mean", "recent", "swing", "lasting", "mouth")
"""What the model weighs; `History.features` says what each is."""
WORDS = {
    "mean": "not sure yet",
    "recent": "the smile fades",
    "swing": "wait: still moving",
    "lasting": "a moment more",
    "mouth": "talking",
}
"""What is said when a feature speaks against a picture more than any other."""


@dataclass(frozen=True, slots=True)
class EvidenceModel:
    """A logistic model over `FEATURES`. Raises ValueError for unknown or missing features."""

    bias: float
    weights: Mapping[str, float]
    usual: Mapping[str, float]
    """What each feature is on average during smiles: what falls short of it is what one waits for."""
    version: str = ""

    def __post_init__(self) -> None:
        for name, values in (("weights", self.weights), ("usual", self.usual)):
            if set(values) != set(FEATURES):
                raise ValueError(f"need {name} for {', '.join(FEATURES)}, got {', '.join(values)}")

    def __call__(self, features: Mapping[str, float]) -> float:
        """Return the probability that a picture taken now shows a smile."""
        total = self.bias + sum(weight * features[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))

    @classmethod
    def from_json(cls, text: str) -> EvidenceModel:
        """Read a model. Raises ValueError for what is none."""
        record = json.loads(text)
        if not isinstance(record, dict) or not {"bias", "weights", "usual"} <= set(record):
            raise ValueError("expected bias, weights and usual")
        try:
            weights, usual = (
                {str(key): float(value) for key, value in record[name].items()}
                for name in ("weights", "usual")
            )
            return cls(float(record["bias"]), weights, usual, str(record.get("version", "")))
        except (TypeError, AttributeError) as error:
            raise ValueError(f"expected numbers by name: {error}") from error

    def waits_for(self, features: Mapping[str, float]) -> str:
        """Say in words what speaks against a picture most."""
        against = {
            name: weight * (features[name] - self.usual[name]) for name, weight in self.weights.items()
        }
        return WORDS[min(against, key=lambda name: against[name])]


@dataclass(slots=True)
class History:
    """The last second of one face."""

    _frames: deque[tuple[float, float, float | None]] = field(default_factory=deque)
    """Time, log-odds of the score, movement of the mouth."""
    _since: float | None = None
    """Since when its score has been above one half."""

    def see(self, at: float, score: float, mouth_motion: float | None) -> None:
        """Take the newest frame: its time in seconds, the score 0..1, the mouth's movement if known."""
        if self._frames and at - self._frames[-1][0] > MAX_GAP + EPSILON:
            self.clear()
        odds = log_odds(score)
        if odds <= HALF:
            self._since = None
        elif self._since is None:
            self._since = at
        self._frames.append((at, odds, mouth_motion))
        while self._frames[0][0] < at - WINDOW - EPSILON:
            self._frames.popleft()

    def clear(self) -> None:
        """Forget it: another begins."""
        self._frames.clear()
        self._since = None

    def features(self) -> dict[str, float] | None:
        """Return what is known of the last half second; None while that is too little.

        mean: the average log-odds; recent: that of the last fifth of a second; swing: their standard
        deviation; lasting: seconds for which the score has been above one half, one at the most; mouth: the
        average movement of the mouth. Mean, swing and mouth are of the smile alone when it began within the
        half second: that it began is nothing unsteady.
        """
        frames = self._frames
        if len(frames) < LEAST_FRAMES or frames[-1][0] - frames[0][0] < LEAST_SECONDS - EPSILON:
            return None
        now, since = frames[-1][0], self._since if self._since is not None else frames[0][0]
        smile = [each for each in frames if each[0] >= since - EPSILON]
        odds = [each[1] for each in smile]
        late = [each[1] for each in frames if each[0] > now - RECENT - EPSILON]
        moved = [each[2] for each in smile if each[2] is not None]
        mean = sum(odds) / len(odds)
        return {
            "mean": mean,
            "recent": sum(late) / len(late),
            "swing": math.sqrt(sum((value - mean) ** 2 for value in odds) / len(odds)),
            "lasting": 0.0 if self._since is None else min(LONGEST, now - self._since),
            "mouth": sum(moved) / len(moved) if moved else USUAL_MOTION,
        }


def log_odds(score: float) -> float:
    """Return ln(p / (1 - p)), within `LIMIT` either way."""
    least = 1 / (1 + math.exp(LIMIT))
    bounded = min(1 - least, max(least, score))
    return math.log(bounded / (1 - bounded))
