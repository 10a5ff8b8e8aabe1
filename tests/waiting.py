"""Waiting for what another thread or process does: bounded, and as short as can be."""

import time
from collections.abc import Callable

import pytest


def until(condition: Callable[[], object], timeout: float = 10.0) -> None:
    """Return as soon as `condition` holds; fail when it does not within `timeout` seconds."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"waited {timeout:g} s in vain")
        time.sleep(0.002)
