"""What the C library keeps is given back now and then."""

import sys

import pytest

from smartselfie.daemon.malloc_trim import EVERY, HeapTrimmer, heap_trimmer


def test_it_trims_once_in_a_while() -> None:
    """Not with each frame: it takes milliseconds."""
    now, trimmed = [0.0], []
    tick = HeapTrimmer(trimmed.append, clock=lambda: now[0])
    for second in range(int(3 * EVERY) + 1):
        now[0] = float(second)
        assert list(tick()) == []
    assert trimmed == [0, 0, 0]


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps so much")
def test_glibc_can_be_asked() -> None:
    """On Linux with glibc the function is there."""
    assert heap_trimmer() is not None
