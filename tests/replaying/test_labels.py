"""What labels say of shots, and how far counts can be trusted."""

import json
from pathlib import Path

import pytest

from smartselfie.errors import DataError
from smartselfie.replaying.intervals import median_interval, rate_interval, share_interval
from smartselfie.replaying.labels import Labels, add_up, judge, read_labels, write_labels
from smartselfie.replaying.summary import total_in_words

TWO = Labels(smiles=((2.0, 3.0), (6.0, 8.0)), ignore=((4.0, 5.0),))


def test_a_shot_in_a_smile_hits_it() -> None:
    """Each smile that a shot falls into is hit, the others are missed."""
    verdict = judge(TWO, [2.5], 10)
    assert (verdict.hits, verdict.misses, verdict.missed) == (1, 1, ((6.0, 8.0),))
    assert verdict.delays == (0.5,)


def test_a_shot_elsewhere_is_false() -> None:
    """A shot outside every stretch is false, one in an ambiguous stretch is neither."""
    verdict = judge(TWO, [0.5, 4.5], 10)
    assert verdict.false_shots == (0.5,)
    assert verdict.hits == 0


@pytest.mark.parametrize(("at", "hit"), [(1.79, False), (1.81, True), (3.34, True), (3.36, False)])
def test_labels_are_not_exact(at: float, hit: bool) -> None:
    """A shot 0.2 s early or 0.35 s late still belongs to the smile, one beyond does not."""
    verdict = judge(Labels(((2.0, 3.0),)), [at], 10)
    assert (verdict.hits, len(verdict.false_shots)) == (int(hit), int(not hit))


def test_stretches_that_touch_are_one() -> None:
    """Smiles and ambiguous spans within 0.15 s of each other are one stretch, hit once."""
    labels = Labels(smiles=((1.0, 2.0), (3.1, 4.0)), ignore=((2.1, 3.0),))
    verdict = judge(labels, [2.5], 10)
    assert (verdict.hits, verdict.misses, verdict.false_shots) == (1, 0, ())


def test_two_shots_in_one_smile_are_one_hit() -> None:
    """The first shot gives the delay, a second changes nothing."""
    verdict = judge(TWO, [2.5, 2.9], 10)
    assert (verdict.hits, verdict.delays) == (1, (0.5,))


def test_a_shot_before_any_smile_of_its_stretch_has_no_delay() -> None:
    """In an ambiguous stretch before the smile nothing can be said of the delay."""
    assert judge(Labels(((3.0, 4.0),), ((1.0, 3.0),)), [1.5], 10).delays == ()


def test_quiet_time_is_the_time_in_which_shots_are_false() -> None:
    """Stretches with their margins are taken off the clip's length."""
    verdict = judge(Labels(((2.0, 3.0),), ((9.9, 20.0),)), [], 10)
    assert verdict.quiet_seconds == pytest.approx(10 - 1.55 - 0.3)


def test_totals_add_up() -> None:
    """Hits, misses, false shots and quiet time are sums, the delay is the median."""
    total = add_up([judge(TWO, [2.5, 6.1], 10), judge(Labels(((2.0, 3.0),)), [0.1, 2.9], 10)])
    assert (total.clips, total.smiles, total.hits, total.misses, total.false_shots) == (2, 3, 3, 0, 1)
    assert total.delay == pytest.approx(0.5)


# --- files


def test_labels_are_read(tmp_path: Path) -> None:
    """Remarks and clips that nobody looked at are left out."""
    path = tmp_path / "labels.json"
    path.write_text(
        json.dumps({"_comment": "x", "a.mp4": {"smiles": [[1, 2]], "fps": 30}, "b.mp4": {"smiles": None}})
    )
    assert read_labels(path) == {"a.mp4": Labels(((1.0, 2.0),))}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "is no labels file"),
        ("[]", "expected an object"),
        ('{"a.mp4": []}', "a.mp4: expected"),
        ('{"a.mp4": {"smiles": [1]}}', r"a.mp4: expected \[\[start, end\]"),
        ('{"a.mp4": {"smiles": [[2, 1]]}}', "need 0 <= start < end"),
    ],
)
def test_a_malformed_labels_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """The error names the file, the clip and what was expected."""
    path = tmp_path / "labels.json"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_labels(path)


def test_a_missing_labels_file_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(DataError, match=r"none\.json: No such file"):
        read_labels(tmp_path / "none.json")


def test_writing_labels_keeps_what_else_the_file_says(tmp_path: Path) -> None:
    """Other clips, remarks and other keys of the clip stay."""
    path = tmp_path / "labels.json"
    path.write_text('{"_comment": "x", "a.mp4": {"smiles": [], "fps": 30}, "b.mp4": {"smiles": [[0, 1]]}}')
    write_labels(path, {"a.mp4": Labels(((1.0, 2.0),), ((3.0, 4.0),))})
    content = json.loads(path.read_text())
    assert content["_comment"] == "x"
    assert content["a.mp4"] == {"smiles": [[1.0, 2.0]], "fps": 30, "ignore": [[3.0, 4.0]]}
    assert read_labels(path)["b.mp4"] == Labels(((0.0, 1.0),))


# --- intervals; the figures are textbook ones


def test_a_share_has_its_exact_interval() -> None:
    """Clopper-Pearson for 8 of 10, 0 of 20 and 11 of 11."""
    assert share_interval(8, 10) == pytest.approx((0.4439, 0.9748), abs=1e-4)
    assert share_interval(0, 20) == pytest.approx((0.0, 0.1684), abs=1e-4)
    assert share_interval(11, 11) == pytest.approx((0.7151, 1.0), abs=1e-4)
    assert share_interval(0, 0) == (0.0, 1.0)


def test_a_rate_has_its_exact_interval() -> None:
    """Poisson for 0, 3 and 10 events."""
    assert rate_interval(0, 1) == pytest.approx((0.0, 3.6889), abs=1e-4)
    assert rate_interval(3, 1) == pytest.approx((0.6187, 8.7673), abs=1e-4)
    assert rate_interval(10, 2) == pytest.approx((4.7954 / 2, 18.3904 / 2), abs=1e-4)
    assert rate_interval(0, 0)[1] == float("inf")


def test_a_median_has_its_interval() -> None:
    """Of 7 values the extremes, of 10 the second and the ninth; 5 are too few."""
    assert median_interval([3, 1, 2, 7, 6, 5, 4]) == (1, 7)
    assert median_interval(range(10, 0, -1)) == (2, 9)
    assert median_interval([1, 2, 3, 4, 5]) is None


def test_totals_are_said_with_their_intervals() -> None:
    """One line tells counts, intervals and the length they rest on."""
    said = total_in_words(add_up([judge(TWO, [2.5, 6.1], 10)]))
    assert said.startswith("1 labelled clip: 2 of 2 smiles hit (95 % interval 16% to 100%)")
    assert "no false shots in 4 s without a smile (0 to" in said
    assert said.endswith("median delay 0.30 s")
