"""What pictures are called."""

import os
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartselfie.errors import ConfigError
from smartselfie.saving.names import PLACEHOLDERS, Namer, check_pattern, counter_in, fill_pattern
from tests.saver_helpers import START


def fill(pattern: str) -> str:
    """The pattern, checked and filled."""
    check_pattern(pattern)
    return fill_pattern(pattern, taken=START, counter=7, score=0.917)


def test_every_placeholder_is_filled() -> None:
    """Date, time, milliseconds, counter and score stand where the pattern says."""
    assert fill("a-{date}-{time}-{ms}_{counter} {score}") == "a-20261120-183012-417_0007 092"


@pytest.mark.parametrize(
    ("pattern", "rule"),
    [
        ("../{date}", "'/' is not allowed"),
        ("/etc/{date}", "'/' is not allowed"),
        ("a\\{date}", r"'\\\\' is not allowed"),
        ("..", "must not begin or end with a dot"),
        (".{date}", "must not begin or end with a dot"),
        ("{date}.", "must not begin or end with a dot"),
        (" {date}", "must not begin or end with a dot or a space"),
        ("", "need at least one character"),
        ("   ", "need at least one character"),
        ("a\x00b", "is not allowed"),
        ("a\nb", "is not allowed"),
        ("a:b", "':' is not allowed"),
        ("{Date}", r"\{Date\} is unknown; use \{date\}, \{time\}, \{ms\}, \{counter\}, \{score\}"),
        ("{date", "braces only stand around a placeholder"),
        ("{date.year}", "braces only stand around a placeholder"),
        ("{}", "braces only stand around a placeholder"),
        ("x" * 181, "longer than 180 bytes"),
        ("é" * 91, "longer than 180 bytes"),
        ("{counter}" * 23, "longer than 180 bytes"),
    ],
)
def test_a_bad_pattern_is_refused_with_its_rule(pattern: str, rule: str) -> None:
    """A pattern that leaves the folder, hides the file or cannot be filled is a ConfigError with the rule."""
    with pytest.raises(ConfigError, match=rule):
        check_pattern(pattern)


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from([*(f"{{{each}}}" for each in PLACEHOLDERS), "/", "..", ".", " ", "x"])).map(
        "".join
    )
)
def test_no_accepted_pattern_leaves_the_folder(pattern: str) -> None:
    """Whatever text is accepted, the filled name is one visible entry of the folder."""
    try:
        name = fill(pattern)
    except ConfigError:
        return
    path = f"{name}.jpg"
    assert os.path.normpath(os.path.join("folder", path)) == os.path.join("folder", path)  # noqa: PTH118
    assert os.path.dirname(path) == ""  # noqa: PTH120
    assert not path.startswith(".")
    assert len(path.encode()) < 240
    assert not re.search(r"[\x00-\x1f]", path)


def test_a_taken_name_gets_a_number() -> None:
    """A second picture of the same millisecond gets -2, a third -3."""
    used: set[str] = set()
    namer = Namer("{ms}")
    for _ in range(3):
        used.add(namer(START, 0.5, used.__contains__))
    assert used == {"417", "417-2", "417-3"}


def test_a_counter_skips_taken_names() -> None:
    """With {counter} in the pattern, a taken name is passed over by counting on."""
    assert Namer("p{counter}")(START, 0.5, {"p0001", "p0002"}.__contains__) == "p0003"


def test_a_counter_goes_on_where_the_folder_ends() -> None:
    """The first number is one higher than the highest that fits the pattern."""
    namer = Namer("p{counter}-{score}")
    namer.continue_after(["p0041-092", "p0007-001", "p9999", "q0050-092", "p12345678901-092"])
    assert namer(START, 1.0, lambda name: False) == "p0042-100"


def test_a_counter_beside_digits_is_read_back() -> None:
    """The number is found between the pattern's other digits."""
    assert counter_in("{date}-{counter}{ms}", "20261120-0012417") == 12
    assert counter_in("{date}", "20261120") is None


def test_the_year_1970_has_four_digits_like_the_year_999() -> None:
    """A clock that is not set still gives names that sort."""
    name = fill_pattern("{date}", taken=datetime(999, 1, 2, tzinfo=UTC), counter=1, score=0)
    assert name == "09990102"
