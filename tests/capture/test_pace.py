"""How often a live camera is looked at."""

import pytest

from smartselfie.capture.pace import Pace


def play(pace: Pace, frames: int, *, step: float = 0.03, cost: float = 0.003, faces: int = 1) -> Pace:
    """Note frames `step` seconds apart that cost the processor `cost` seconds each."""
    for n in range(frames):
        pace.note(at=n * step, cpu=n * cost, faces=faces)
    return pace


def test_max_fps_bounds_the_rate() -> None:
    """With a face the interval is one over max_fps."""
    assert play(Pace(max_fps=30, idle_fps=10), 100).interval == pytest.approx(1 / 30)


def test_idle_rate_applies_without_a_face() -> None:
    """After two seconds without a face the interval is one over idle_fps."""
    pace = play(Pace(max_fps=30, idle_fps=10), 100, faces=0)
    assert pace.interval == pytest.approx(1 / 10)


def test_a_face_ends_the_idle_rate_at_once() -> None:
    """The first frame with a face brings the full rate back."""
    pace = play(Pace(max_fps=30, idle_fps=10), 100, faces=0)
    pace.note(at=3.1, cpu=0.3, faces=1)
    assert pace.interval == pytest.approx(1 / 30)


def test_a_budget_lowers_the_rate_to_what_it_affords() -> None:
    """10 ms of processor a frame and a budget of 10 % of a core make ten frames a second."""
    pace = play(Pace(max_fps=30, idle_fps=10, cpu_budget=0.1), 100, cost=0.010)
    assert pace.interval == pytest.approx(0.1)
    assert pace.notice == "CPU budget 10%: 10.0 frames a second"


def test_a_budget_that_cannot_be_kept_does_not_stop_the_camera() -> None:
    """Whatever else the process does, there is a frame a second, and the words say so."""
    pace = play(Pace(max_fps=30, idle_fps=10, cpu_budget=0.01), 300, cost=0.5)
    assert pace.interval == 1.0
    assert pace.notice == "CPU budget 1%: 1.0 frames a second, and even that costs more"


def test_a_budget_that_suffices_says_nothing() -> None:
    """Within the budget the rate is not lowered and there is no notice."""
    pace = play(Pace(max_fps=30, idle_fps=10, cpu_budget=0.5), 100)
    assert pace.interval == pytest.approx(1 / 30)
    assert pace.notice is None
