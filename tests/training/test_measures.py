"""Figures that are known beforehand."""

import numpy as np
import pytest

from smartselfie.training import distil, measures


def test_calibration_error_is_the_gap_between_sure_and_right() -> None:
    """Four decisions at 0.9, three of them right: 0.15 too sure."""
    probabilities = np.full((4, 7), 0.1 / 6, np.float32)
    probabilities[:, 3] = 0.9
    assert measures.calibration(probabilities, np.array([3, 3, 3, 1]))[3] == pytest.approx(0.15, abs=1e-6)


def test_temperature_is_found() -> None:
    """Logits that were sharpened threefold are divided by three again."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20000, 7)).astype(np.float32)
    truth = np.array([rng.choice(7, p=row) for row in distil.softmax(logits).astype(float) /
                      distil.softmax(logits).astype(float).sum(1, keepdims=True)])  # fmt: skip
    assert measures.fit_temperature(logits * 3, truth) == pytest.approx(3, rel=0.05)


def test_without_any_truth_the_temperature_is_one() -> None:
    """There is nothing to fit it to."""
    assert measures.fit_temperature(np.zeros((3, 7), np.float32), np.full(3, -1)) == 1


def test_a_perfect_order_has_average_precision_one() -> None:
    """Every smile above every other face."""
    found = measures.happy(np.array([0.9, 0.8, 0.1]), np.array([True, True, False]))
    assert found == {"ap": 1.0, "auc": 1.0}


def test_average_precision_needs_both_kinds() -> None:
    """Without smiles there is none, and no warning."""
    assert measures.happy(np.array([0.5]), np.array([False])) == {"ap": None, "auc": None}


def test_figures_are_plain_numbers() -> None:
    """JSON can hold them all."""
    import json

    probabilities = np.eye(7, dtype=np.float32)
    report = measures.measure(probabilities, np.arange(7))
    assert json.loads(json.dumps(report))["accuracy"] == 1
    assert report["confusion"] == np.eye(7, dtype=int).tolist()
