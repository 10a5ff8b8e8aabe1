"""What is known of a face's last second, and how it is weighed."""

import json
import math

import pytest

from smartselfie.deciding.evidence import FEATURES, EvidenceModel, History, log_odds

NOTHING = dict.fromkeys(FEATURES, 0.0)


def seen(scores: list[float], rate: float = 30, motion: float | None = None) -> dict[str, float] | None:
    """The features after these scores."""
    history = History()
    for number, score in enumerate(scores):
        history.see(number / rate, score, motion)
    return history.features()


def test_too_little_is_known_of_two_frames() -> None:
    """And of three that are only a tenth of a second."""
    assert seen([0.9] * 2, rate=5) is None
    assert seen([0.9] * 4) is None
    assert seen([0.9] * 6) is not None


def test_a_steady_score_has_its_log_odds_and_no_swing() -> None:
    """All of the half second alike."""
    features = seen([0.9] * 60, motion=0.3)
    assert features is not None
    assert (features["mean"], features["recent"]) == pytest.approx((math.log(9), math.log(9)))
    assert features["swing"] == pytest.approx(0)
    assert features["lasting"] == 1.0
    assert features["mouth"] == pytest.approx(0.3)


def test_only_the_last_half_second_counts() -> None:
    """What was before is forgotten, but for how long the smile lasts."""
    features = seen([0.1] * 30 + [0.9] * 18)
    assert features is not None
    assert features["mean"] == pytest.approx(math.log(9))
    assert features["lasting"] == pytest.approx(17 / 30)


def test_the_features_hardly_depend_on_the_frame_rate() -> None:
    """A smile half a second old looks the same at 10 and at 60 frames a second."""
    slow, fast = seen([0.2] * 10 + [0.9] * 6, rate=10), seen([0.2] * 60 + [0.9] * 31, rate=60)
    assert slow is not None
    assert fast is not None
    assert all(slow[name] == pytest.approx(fast[name], abs=0.15) for name in FEATURES)


def test_that_a_smile_began_is_no_swing() -> None:
    """A quarter of a second after its onset the score is as steady as later; a talker's is not."""
    onset, talk = seen([0.1] * 30 + [0.9] * 8), seen([0.6, 0.6, 0.95, 0.95] * 8)
    assert onset is not None
    assert talk is not None
    assert onset["swing"] == pytest.approx(0)
    assert talk["swing"] > 1


def test_a_gap_forgets() -> None:
    """After half a second without a look nothing of before is known."""
    history = History()
    for at in (0.0, 0.1, 0.2, 0.3):
        history.see(at, 0.9, None)
    history.see(0.9, 0.9, None)
    assert history.features() is None


def test_scores_of_0_and_1_are_bounded() -> None:
    """No log-odds are infinite."""
    assert (log_odds(1.0), log_odds(0.0)) == pytest.approx((6, -6))


def test_the_model_is_a_logistic_one() -> None:
    """Bias and weights give the probability."""
    model = EvidenceModel(-1.0, NOTHING | {"mean": 0.5}, NOTHING)
    assert model(NOTHING | {"mean": 4.0}) == pytest.approx(1 / (1 + math.exp(-1)))


def test_a_model_without_a_feature_is_refused() -> None:
    """The names are said."""
    with pytest.raises(ValueError, match="need weights for mean, recent, swing, lasting, mouth, got mean"):
        EvidenceModel(0.0, {"mean": 1.0}, NOTHING)


def test_a_model_is_read_from_its_file() -> None:
    """What else the file says of its origin does not matter; what is no model is refused."""
    model = EvidenceModel.from_json(
        json.dumps({"version": "x", "bias": 1, "weights": NOTHING, "usual": NOTHING, "command": "tune"})
    )
    assert (model.bias, model.version) == (1.0, "x")
    for text in ("[]", "{}", '{"bias": 1, "weights": 3, "usual": {}}'):
        with pytest.raises(ValueError, match="expected"):
            EvidenceModel.from_json(text)
