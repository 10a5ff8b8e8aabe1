"""What a network's probabilities are worth, computed with scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from smartselfie.records import CLASSES
from smartselfie.training.datasets import Floats, Ints

BINS = 15


def measure(probabilities: Floats, truth: Ints, classes: Sequence[str] = CLASSES) -> dict[str, Any]:
    """Return all figures for (N, C) probabilities against (N,) classes; only what JSON can hold.

    `n`, `accuracy`, `balanced_accuracy`, `classes` (precision, recall, f1, support by name), `confusion`
    (CxC, rows are true), `happy` (ap, auc; not of classes without it), `ece`.
    """
    from sklearn import metrics

    labels = list(range(len(classes)))
    decided = probabilities.argmax(1)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        truth, decided, labels=labels, zero_division=0.0
    )
    figures: dict[str, Any] = {
        "n": len(truth),
        "accuracy": _number(metrics.accuracy_score(truth, decided)),
        "macro_f1": _number(f1.mean()),
        "classes": {
            name: {
                "precision": _number(precision[i]),
                "recall": _number(recall[i]),
                "f1": _number(f1[i]),
                "support": int(support[i]),
            }
            for i, name in enumerate(classes)
        },
        "confusion": metrics.confusion_matrix(truth, decided, labels=labels).tolist(),
        "ece": _number(calibration(probabilities, truth)[3]),
    }
    if "happy" in classes:
        place = classes.index("happy")
        figures["happy"] = happy(probabilities[:, place], truth == place)
    return figures


def happy(score: npt.NDArray[np.floating[Any]], smiles: npt.NDArray[np.bool_]) -> dict[str, float | None]:
    """Return average precision and area under the ROC of P(happy); None when all faces are of one kind."""
    from sklearn import metrics

    if smiles.all() or not smiles.any():
        return {"ap": None, "auc": None}
    return {
        "ap": _number(metrics.average_precision_score(smiles, score)),
        "auc": _number(metrics.roc_auc_score(smiles, score)),
    }


def happy_curves(score: Floats, smiles: npt.NDArray[np.bool_]) -> dict[str, npt.NDArray[np.float64]]:
    """Return what `plots.happy` draws."""
    from sklearn import metrics

    fpr, tpr, _ = metrics.roc_curve(smiles, score)
    precision, recall, _ = metrics.precision_recall_curve(smiles, score)
    figures = happy(score, smiles)
    return {
        "fpr": fpr,
        "tpr": tpr,
        "precision": precision[:-1],
        "recall": recall[:-1],
        "auc": np.array(figures["auc"]),
        "ap": np.array(figures["ap"]),
    }


def calibration(
    probabilities: Floats, truth: Ints
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int_], float]:
    """Return confidence, accuracy and count by bin, and the expected calibration error (Guo et al. 2017)."""
    sure = probabilities.max(1).astype(np.float64)
    right = probabilities.argmax(1) == truth
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    count = np.bincount(bins, minlength=BINS)
    confidence = np.bincount(bins, sure, BINS) / np.maximum(count, 1)
    accuracy = np.bincount(bins, right, BINS) / np.maximum(count, 1)
    return (
        confidence,
        accuracy,
        count,
        float((np.abs(confidence - accuracy) * count).sum() / max(1, len(truth))),
    )


def fit_temperature(logits: Floats, truth: Ints | Floats) -> float:
    """Return what to divide (N, C) logits by so that the truth is least surprising (Guo et al. 2017).

    `truth` are (N,) classes, -1 where none is known, or (N, C) weights of the classes, rows of zeros where
    none is. 1 where nothing is known.
    """
    weights: npt.NDArray[Any] = truth
    if truth.ndim == 1:
        weights = np.eye(logits.shape[1])[np.maximum(truth, 0).astype(int)] * (truth >= 0)[:, None]
    known = weights.sum(1) > 0
    if not known.any():
        return 1.0
    z, t = logits[known].astype(np.float64), weights[known]

    def surprise(log_temperature: float) -> float:
        scaled = z / np.exp(log_temperature)
        scaled = scaled - scaled.max(1, keepdims=True)
        return float((t.sum(1) * np.log(np.exp(scaled).sum(1)) - (t * scaled).sum(1)).sum() / t.sum())

    low, high, golden = -2.0, 2.0, (5**0.5 - 1) / 2
    while high - low > 1e-5:  # it has one minimum (golden section)
        left, right = high - golden * (high - low), low + golden * (high - low)
        if surprise(left) < surprise(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def _number(value: Any) -> float:
    return round(float(value), 5)
