"""A network camera fails in every way that cameras fail, and the real program goes on."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import pytest

from smartselfie.commands.status import status
from tests.faults.program import Program, smiling_picture
from tests.mjpeg_server import Fault, MjpegServer

BACK_WITHIN = 3.0
"""Seconds from a camera's return to its pictures: what the program promises."""
SMALL = (320, 240)


@pytest.fixture(scope="module")
def camera() -> Iterator[MjpegServer]:
    """The camera: somebody smiles all the time."""
    with MjpegServer(smiling_picture, size=SMALL, fps=20) as server:
        yield server


@pytest.fixture(scope="module")
def running(camera: MjpegServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The program, which outlives every fault of this file."""
    with Program(tmp_path_factory.mktemp("camera"), "--source", camera.url) as program:
        yield program
        assert program.end() == 0
        program.check_pictures()


@pytest.fixture
def program(running: Program) -> Program:
    """The program, as it takes pictures."""
    running.wait_for("shot", len(running.events))
    return running


def seconds_back(program: Program, since: int) -> float:
    """Seconds from now until the program tells that the camera is back; it then takes pictures again.

    Only the slow tests judge them: on a machine that others keep busy they say nothing of the program.
    """
    healed = time.monotonic()
    program.wait_for("camera_back", since)
    passed = time.monotonic() - healed
    program.wait_for("shot", len(program.events))
    print(f"back after {passed:.2f} s")
    return passed


def test_a_camera_that_died_is_told_and_comes_back(program: Program, camera: MjpegServer) -> None:
    """The server is killed: told once, and `status` is unwell; restarted, pictures come and it is well."""
    since = len(program.events)
    camera.stop()
    program.wait_for("camera_lost", since, reason="unplugged")
    program.wait_until(lambda: program.status()["camera"]["state"] == "unplugged")
    out = io.StringIO()
    assert status(out=out, folders=[program.runtime]) == 1
    assert "unwell: camera lost, trying again" in out.getvalue()
    camera.start()
    seconds_back(program, since)
    assert len(program.named("camera_lost", since, reason="unplugged")) == 1
    program.wait_until(lambda: status(out=io.StringIO(), folders=[program.runtime]) == 0)


each_fault = pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.STALL, "stalled"),
        (Fault.HALF, "stalled"),
        (Fault.GARBAGE, "stalled"),
        (Fault.BLACK, "black"),
        (Fault.FROZEN, "frozen"),
    ],
    ids=lambda value: getattr(value, "value", value),
)


@each_fault
def test_a_faulty_stream_is_told_and_survived(
    program: Program, camera: MjpegServer, fault: Fault, reason: str
) -> None:
    """Nothing, halves, garbage, black or the same picture for ever: named, and over when it ends."""
    since = len(program.events)
    camera.fault = fault
    program.wait_for("camera_lost", since, reason=reason)
    camera.fault = Fault.NONE
    seconds_back(program, since)
    # a busy machine may stall of itself for the second that counts as a stall here
    assert {event["reason"] for event in program.named("camera_lost", since)} <= {reason, "stalled"}


@pytest.mark.slow
def test_a_camera_that_died_is_back_within_three_seconds(program: Program, camera: MjpegServer) -> None:
    """From the server's restart to the program's word that the camera is back."""
    since = len(program.events)
    camera.stop()
    program.wait_for("camera_lost", since)
    camera.start()
    assert seconds_back(program, since) < BACK_WITHIN


@pytest.mark.slow
@each_fault
def test_a_fault_is_over_within_three_seconds_of_its_end(
    program: Program, camera: MjpegServer, fault: Fault, reason: str
) -> None:
    """From the first good picture of the server to the program's word that the camera is back."""
    since = len(program.events)
    camera.fault = fault
    program.wait_for("camera_lost", since, reason=reason)
    camera.fault = Fault.NONE
    assert seconds_back(program, since) < BACK_WITHIN


@pytest.mark.slow
def test_a_lost_camera_costs_hardly_any_processor_time(program: Program, camera: MjpegServer) -> None:
    """Ten seconds without the camera take under 3 % of a core."""
    since = len(program.events)
    camera.stop()
    program.wait_for("camera_lost", since)
    began, used = program.status()["uptime"], program.cpu()
    start = time.monotonic()
    program.wait_until(lambda: program.status()["uptime"] > began + 10)
    share = (program.cpu() - used) / (time.monotonic() - start)
    camera.start()
    program.wait_for("camera_back", since)
    print(f"\n{share:.2%} of a core while the camera was gone")
    assert share < 0.03
