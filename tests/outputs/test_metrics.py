"""Prometheus' numbers at /metrics, and a dashboard that asks for no others."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from smartselfie.errors import OutputError
from smartselfie.outputs.metrics import Metrics
from smartselfie.records import Decision, Frame, State, View
from tests.shared import ROOT

REPORTS = [{"name": "webhook-1", "waiting": 3, "dead": 1, "lost": 0, "trouble": "away"}]


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[Metrics]:
    """One that has seen a shot, a lost camera and a view."""
    output = Metrics("127.0.0.1", 0, folder=tmp_path, reports=lambda: REPORTS)
    output.event({"event": "shot", "by": "smile"})
    output.event({"event": "camera_lost", "reason": "unplugged"})
    frame = Frame(np.zeros((4, 4, 3), np.uint8), 0, 0.0)
    output.view(View(frame, (), Decision(State.WATCHING, 0.0, False, ""), threshold=0.9, fps=24.5))
    yield output
    output.close()


def scrape(metrics: Metrics) -> str:
    """What Prometheus gets."""
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics.port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_numbers_are_there(metrics: Metrics) -> None:
    """Events, pictures, frame rate, and how the outputs are."""
    text = scrape(metrics)
    for line in (
        'smartselfie_shots_total{by="smile"} 1.0',
        'smartselfie_events_total{event="camera_lost"} 1.0',
        "smartselfie_frames_per_second 24.5",
        "smartselfie_camera_lost 1.0",
        "smartselfie_armed 1.0",
        'smartselfie_output_waiting{output="webhook-1"} 3.0',
        'smartselfie_output_trouble{output="webhook-1"} 1.0',
    ):
        assert line in text.splitlines()
    assert "camera_back" not in text
    metrics.event({"event": "camera_back"})
    assert "smartselfie_camera_lost 0.0" in scrape(metrics)


def test_the_dashboard_asks_for_what_there_is(metrics: Metrics) -> None:
    """Every name in its expressions is one that is served."""
    board = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text())
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"smartselfie_\w+", target["expr"])
    }
    assert asked
    assert asked <= set(re.findall(r"^(smartselfie_\w+)", scrape(metrics), re.M))


def test_a_client_that_says_nothing_holds_nobody_up(metrics: Metrics) -> None:
    """It is left after a moment, and the next one is served; so is the end."""
    with socket.create_connection(("127.0.0.1", metrics.port)) as silent:
        silent.sendall(b"GET /metr")
        assert "smartselfie_info" in scrape(metrics)


def test_a_taken_address_is_said(tmp_path: Path, metrics: Metrics) -> None:
    """With what to do about it."""
    with pytest.raises(OutputError, match="in use; choose another listen"):
        Metrics("127.0.0.1", metrics.port, folder=tmp_path)
