"""Two builds on the same clips."""

import json
from pathlib import Path

import pytest

from smartselfie.errors import DataError
from smartselfie.replaying.compare import Outcome, compare, in_words, mcnemar, read_outcomes
from smartselfie.replaying.labels import Labels

LABELS = {f"{n}.mp4": Labels(((1.0, 2.0),)) for n in range(10)}
HIT = Outcome((), 0, 60.0)
MISS = Outcome(((1.0, 2.0),), 0, 60.0)


@pytest.mark.parametrize(
    ("only_now", "only_before", "p"), [(0, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (5, 1, 0.21875)]
)
def test_mcnemar_is_the_exact_one(only_now: int, only_before: int, p: float) -> None:
    """Discordant pairs against a fair coin, both sides."""
    assert mcnemar(only_now, only_before) == pytest.approx(p)


def test_smiles_are_paired() -> None:
    """Each smile is hit by both, by one or by none."""
    now = {clip: MISS if clip == "0.mp4" else HIT for clip in LABELS}
    before = {clip: MISS if clip in ("0.mp4", "1.mp4", "2.mp4") else HIT for clip in LABELS}
    found = compare(now, before, LABELS)
    assert (found.both, found.only_now, found.only_before, found.neither) == (7, 2, 0, 1)
    assert "2 are hit now that were not, 0 no longer" in in_words(found)


def test_false_shots_have_an_interval_over_clips() -> None:
    """Two false shots a clip less are 120 an hour less, with certainty when every clip says so."""
    before = dict.fromkeys(LABELS, Outcome((), 2, 60.0))
    found = compare(dict.fromkeys(LABELS, HIT), before, LABELS)
    assert (found.false_now, found.false_before, found.per_hour) == (0, 20, pytest.approx(-120))
    assert found.per_hour_interval == pytest.approx((-120, -120))


def test_one_clip_that_differs_proves_nothing() -> None:
    """The interval reaches zero when all of the difference lies in one clip."""
    before = dict.fromkeys(LABELS, HIT) | {"3.mp4": Outcome((), 4, 60.0)}
    low, high = compare(dict.fromkeys(LABELS, HIT), before, LABELS).per_hour_interval
    assert low < 0 <= high


def test_what_replay_printed_is_read(tmp_path: Path) -> None:
    """Labelled clips count, others do not; anything else is refused by name."""
    path = tmp_path / "before.json"
    clip = {"clip": "a.mp4", "missed": [[1, 2]], "false_shots": [3.5], "quiet_seconds": 9.0}
    path.write_text(json.dumps({"clips": [clip, {"clip": "b.mp4"}]}))
    assert read_outcomes(path) == {"a.mp4": Outcome(((1.0, 2.0),), 1, 9.0)}
    path.write_text("{}")
    with pytest.raises(DataError, match=r"before\.json: is not what 'replay"):
        read_outcomes(path)


def test_nothing_in_common_is_refused() -> None:
    """Two runs over different clips cannot be compared."""
    with pytest.raises(DataError, match="no labelled clip in common"):
        compare({"a.mp4": HIT}, {"b.mp4": HIT}, LABELS)
