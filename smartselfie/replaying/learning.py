"""The model of the last second, learnt from labelled recordings and judged on clips that it has not seen.

Every frame in which a face might smile is an example: what `evidence.History` knows of its last half second,
and whether somebody saw a smile then. The logistic model is fitted by projected gradient descent with a ridge
penalty; no weight may have the sign that contradicts its meaning, which with a few dozen people is worth more
than a better fit. Classes, clips and faces weigh alike, however long they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from smartselfie.deciding.evidence import FEATURES, EvidenceModel, History
from smartselfie.deciding.rules import Rules
from smartselfie.replaying.labels import Labels, Total, add_up, judge
from smartselfie.replaying.scores import Recording
from smartselfie.replaying.shots import shots, without_quiet

Floats = npt.NDArray[np.float64]

SIGNS = {"mean": 1, "recent": 1, "swing": -1, "lasting": 1, "mouth": -1}
"""What each feature may say: +1 speaks for a smile, -1 against it."""
MARGIN = 0.5
"""Seconds around a labelled stretch that teach nothing: its edges are not exact."""
LEAST_RECENT = -1.0
"""Log-odds below which a frame teaches nothing: no trigger fires there."""
MOST_FRAMES = 15
"""A face's frames of one kind weigh no more than so many, and fewer weigh less."""
STRIDES = (1, 2, 3)
"""Every frame, every second, every third: slower cameras are learnt from, too."""
SLOWEST = 7.0
"""Frames a second below which nothing is learnt."""
STEPS, RATE, RIDGE = 3000, 0.1, 0.02
"""Of the descent, on features of mean 0 and deviation 1."""


@dataclass(frozen=True, slots=True)
class Examples:
    """What is learnt from; rows are frames of faces."""

    features: Floats
    """(N, features), in the order of `FEATURES`."""
    smiles: npt.NDArray[np.bool_]
    """(N,): whether somebody saw a smile."""
    faces: npt.NDArray[np.int64]
    """(N,): a number for each face of each clip."""
    clips: npt.NDArray[np.int64]
    """(N,): a number for each clip."""

    def __len__(self) -> int:
        return len(self.smiles)

    def weights(self) -> Floats:
        """Return how much each row counts; smiles and all else count alike, one half each."""
        weights = np.zeros(len(self))
        for smiles in (False, True):
            for face in np.unique(self.faces):
                rows = (self.faces == face) & (self.smiles == smiles)
                if rows.any():
                    weights[rows] = min(1.0, MOST_FRAMES / rows.sum())
            kind = self.smiles == smiles
            if kind.any():
                weights[kind] /= 2 * weights[kind].sum()
        return weights


@dataclass(frozen=True, slots=True)
class Learnt:
    """A model, and what it was worth on clips that its like had not seen."""

    model: EvidenceModel
    examples: int
    smiling_faces: int
    other_faces: int
    clips: int
    auc: float
    """Area under the curve of true against false positives, every clip judged by a model without it."""
    loss: float
    """Cross-entropy in the same way, in nats; a coin has 0.693."""
    totals: Mapping[float, Total]
    """By certainty: smiles hit and false shots in the same way, by the whole trigger."""


def collect(recordings: Sequence[Recording], labels: Mapping[str, Labels]) -> Examples:
    """Return the examples in labelled recordings; several of one clip, of other networks, count as one clip.

    Raises ValueError when there are none of either kind.
    """
    rows: list[tuple[list[float], bool, int, int]] = []
    numbers: dict[tuple[str, int], int] = {}
    names = list(dict.fromkeys(recording.clip for recording in recordings))
    for recording in recordings:
        if recording.clip not in labels:
            continue
        clip = names.index(recording.clip)
        for stride in STRIDES:
            thinned = replace(recording, frames=recording.frames[::stride])
            if stride > 1 and len(thinned.frames) / max(recording.seconds, 1e-9) < SLOWEST:
                continue
            for track, values, smiles in _of_clip(thinned, labels[recording.clip]):
                face = numbers.setdefault((recording.clip, track), len(numbers))
                rows.append((values, smiles, face, clip))
    kinds = {smiles for _, smiles, _, _ in rows}
    if kinds != {False, True}:
        raise ValueError("need labelled recordings with smiles and with faces that only seem to smile")
    features, smiling, faces, clips = zip(*rows, strict=True)
    return Examples(np.array(features), np.array(smiling), np.array(faces), np.array(clips))


def _of_clip(recording: Recording, labels: Labels) -> list[tuple[int, list[float], bool]]:
    histories: dict[int, History] = {}
    rows = []
    for frame in recording.frames:
        kind = _kind(labels, frame.at)
        for face in frame.faces:
            if face.scores is None:
                continue
            history = histories.setdefault(face.track, History())
            score = face.smile
            history.see(frame.at, score, face.mouth_motion)
            known = history.features()
            if kind is None or known is None or known["recent"] < LEAST_RECENT:
                continue
            if kind and score < 0.5:
                continue  # somebody else is the one who smiles
            rows.append((face.track, [known[name] for name in FEATURES], kind))
    return rows


def _kind(labels: Labels, at: float) -> bool | None:
    """Whether somebody smiles at a time; None when that is not certain."""
    if any(start <= at <= end for start, end in labels.smiles):
        return True
    near = any(start - MARGIN <= at <= end + MARGIN for start, end in (*labels.smiles, *labels.ignore))
    return None if near else False


def fit(examples: Examples, version: str = "") -> EvidenceModel:
    """Return the model that fits the examples best, signs and ridge penalty given."""
    weights, goal = examples.weights(), examples.smiles.astype(np.float64)
    mean = weights @ examples.features
    deviation = np.sqrt(weights @ (examples.features - mean) ** 2) + 1e-9
    known = (examples.features - mean) / deviation
    signs = np.array([SIGNS[name] for name in FEATURES])
    slope, bias = np.zeros(len(FEATURES)), 0.0
    for _ in range(STEPS):
        error = weights * (_sigmoid(known @ slope + bias) - goal)
        slope -= RATE * 10 * (known.T @ error + RIDGE * slope)
        slope = np.where(slope * signs < 0, 0.0, slope)
        bias -= RATE * 10 * float(error.sum())
    plain = slope / deviation
    usual = (weights * goal) @ examples.features / (weights @ goal)
    return EvidenceModel(
        round(bias - float(plain @ mean), 4),
        {name: round(float(value), 4) for name, value in zip(FEATURES, plain, strict=True)},
        {name: round(float(value), 4) for name, value in zip(FEATURES, usual, strict=True)},
        version,
    )


def learn(
    recordings: Sequence[Recording],
    labels: Mapping[str, Labels],
    rules: Rules,
    *,
    version: str = "",
    certainties: Sequence[float] = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95),
) -> Learnt:
    """Fit a model, and judge its like clip by clip, each by a model that was fitted without the clip."""
    examples = collect(recordings, labels)
    weights = examples.weights()
    chances = np.zeros(len(examples))
    names = list(dict.fromkeys(recording.clip for recording in recordings))
    known = [clip for clip, name in enumerate(names) if name in labels]
    verdicts: dict[float, list[Total]] = {certainty: [] for certainty in certainties}
    whole = fit(examples, version)
    for clip in known:
        here = examples.clips == clip
        model = _without(examples, clip) if here.any() else whole
        if here.any():
            chances[here] = [model(dict(zip(FEATURES, row, strict=True))) for row in examples.features[here]]
        for recording in (each for each in recordings if each.clip == names[clip]):
            loud = without_quiet(recording)
            for certainty in certainties:
                fired = shots(loud, replace(rules, rule="evidence", certainty=certainty), model)
                verdict = judge(labels[recording.clip], fired, recording.seconds)
                verdicts[certainty].append(add_up([verdict]))
    right = np.where(examples.smiles, chances, 1 - chances)
    return Learnt(
        whole,
        len(examples),
        len(np.unique(examples.faces[examples.smiles])),
        len(np.unique(examples.faces[~examples.smiles])),
        len(known),
        _area(chances, examples.smiles, weights),
        float(-(weights * np.log(np.maximum(right, 1e-9))).sum()),
        {certainty: _sum(totals) for certainty, totals in verdicts.items()},
    )


def _without(examples: Examples, clip: int) -> EvidenceModel:
    rest = examples.clips != clip
    return fit(
        Examples(examples.features[rest], examples.smiles[rest], examples.faces[rest], examples.clips[rest])
    )


def _sum(totals: Sequence[Total]) -> Total:
    delays = tuple(delay for total in totals for delay in total.delays)
    return Total(
        sum(total.clips for total in totals),
        sum(total.hits for total in totals),
        sum(total.misses for total in totals),
        sum(total.false_shots for total in totals),
        float(np.median(delays)) if delays else None,
        sum(total.quiet_seconds for total in totals),
        delays,
    )


def _area(chances: Floats, smiles: npt.NDArray[np.bool_], weights: Floats) -> float:
    order = np.argsort(chances, kind="stable")
    positive, negative = weights * smiles, weights * ~smiles
    below = np.cumsum(negative[order]) - negative[order] / 2
    return float((positive[order] * below).sum() / (positive.sum() * negative.sum()))


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -50, 50))), np.float64)
