"""Why smiles are missed."""

from __future__ import annotations

import pytest

from smartselfie.deciding.evidence import EvidenceModel
from smartselfie.deciding.rules import Rules
from smartselfie.records import Box, Face
from smartselfie.replaying.causes import causes
from smartselfie.replaying.scores import Recording, ScoredFrame
from tests.fakes import scores

RULES = Rules(rule="frames", min_face=0.14, cooldown=2.0)
DOUBTER = EvidenceModel(
    -9.0,
    {"mean": 0.1, "recent": 0.1, "swing": 0.0, "lasting": 0.0, "mouth": 0.0},
    {"mean": 3.0, "recent": 3.0, "swing": 0.0, "lasting": 1.0, "mouth": 0.1},
)


def recording(numbers: list[float | None], side: int = 200) -> Recording:
    """One face at 30 frames a second; None where it is not detected."""
    frames = [
        ScoredFrame(n / 30, () if happy is None else (Face(Box(0, 0, side, side), 1, scores(happy)),))
        for n, happy in enumerate(numbers)
    ]
    return Recording("a.mp4", (640, 480), frames)


CASES: dict[str, tuple[list[float | None], int]] = {
    "not found": ([None] * 60, 200),
    "low score": ([0.5] * 60, 200),
    "policy": ([0.95] * 60, 40),
    "too short": ([0.1] * 20 + [0.95] * 6 + [0.1] * 34, 200),
    "dip": ([0.1] * 20 + ([0.95] * 6 + [0.1] * 2) * 5, 200),
}


@pytest.mark.parametrize("name", CASES)
def test_the_cause_is_told(name: str) -> None:
    """A face that is not there, too small, hardly happy, happy too shortly or with interruptions."""
    numbers, side = CASES[name]
    (cause,) = causes(recording(numbers, side), [(0.0, 2.0)], RULES)
    assert cause.name == name


def test_a_face_that_rests_is_told() -> None:
    """Its picture was taken in the smile before, from which it never fell to `release`."""
    numbers = [0.95] * 20 + [0.7] * 40 + [0.95] * 30
    (cause,) = causes(recording(list(numbers)), [(2.0, 3.0)], RULES)
    assert cause.name == "cooldown"


def test_a_model_that_doubts_is_told() -> None:
    """With the rule evidence the certainty that was reached is named."""
    rules = Rules(rule="evidence", certainty=0.8)
    (cause,) = causes(recording([0.95] * 60), [(0.0, 2.0)], rules, DOUBTER)
    assert cause.name == "not certain"
    assert "certainty at most 0.00" in cause.words


def test_nothing_missed_has_no_cause() -> None:
    """And the trigger is not asked."""
    assert causes(recording([0.95] * 60), [], RULES) == []
