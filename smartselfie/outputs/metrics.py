"""Numbers for Prometheus, at /metrics on an address of their own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from http.server import HTTPServer
from pathlib import Path
from typing import Any, Literal

from smartselfie._version import __version__
from smartselfie.errors import OutputError
from smartselfie.outputs import BaseOutput, OutputSettings
from smartselfie.outputs.extras import need
from smartselfie.outputs.mqtt_values import free_gigabytes, temperature
from smartselfie.records import Event, State, View
from smartselfie.schema.fields import setting
from smartselfie.schema.values import Listen, Texts, parse_listen
from smartselfie.seams import Surroundings

log = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds that a client may take for its request: they are served one after the other."""


class Settings(OutputSettings):
    """The settings of metrics: numbers for Prometheus at /metrics."""

    kind: Literal["metrics"] = "metrics"
    only: Texts = setting((), "Leave it []: events that it is not told are not counted.")
    listen: Listen = setting(
        "127.0.0.1:9105", "Address and port; whoever reaches it reads the numbers, without a password."
    )


def build(settings: Settings, *, around: Surroundings) -> Metrics:
    """Make the output. Raises `ExtraMissingError`, `OutputError` when the address is taken."""
    need("prometheus_client", extra="metrics", kind="metrics")
    return Metrics(*parse_listen(settings.listen), folder=around.folder, reports=around.reports)


def check(settings: Settings) -> str:
    """Say where they are. Raises `ExtraMissingError`."""
    need("prometheus_client", extra="metrics", kind="metrics")
    return f"metrics at http://{settings.listen}/metrics"


class Metrics(BaseOutput):
    """Counts what happens and serves it. Owns the thread `metrics`, from its constructor to `close`.

    `reports` tells how the other outputs are, at each scrape.
    """

    view_every = 0.5

    def __init__(
        self, host: str, port: int, *, folder: Path, reports: Callable[[], list[dict[str, object]]] = list
    ) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
        from prometheus_client.exposition import MetricsHandler

        registry = CollectorRegistry()
        ProcessCollector(namespace="smartselfie", registry=registry)
        Gauge("smartselfie_info", "The version that runs", ["version"], registry=registry).labels(
            __version__
        ).set(1)
        self._events = Counter(
            "smartselfie_events", "What happened, by its name", ["event"], registry=registry
        )
        self._shots = Counter(
            "smartselfie_shots", "Pictures saved, by what asked for them", ["by"], registry=registry
        )
        self._fps = Gauge("smartselfie_frames_per_second", "Frames analysed a second", registry=registry)
        self._faces = Gauge("smartselfie_faces", "Faces in the newest frame", registry=registry)
        self._armed = Gauge("smartselfie_armed", "1: the trigger may fire", registry=registry)
        self._lost = Gauge("smartselfie_camera_lost", "1: the camera gives no pictures", registry=registry)
        self._lost.set(0)
        free = Gauge("smartselfie_disk_free_bytes", "Free on the disk of the pictures", registry=registry)
        free.set_function(lambda: (free_gigabytes(folder) or 0.0) * 1e9)
        heat = Gauge("smartselfie_temperature_celsius", "The processor's temperature", registry=registry)
        heat.set_function(lambda: temperature() or float("nan"))
        registry.register(_Outputs(reports))
        handler: Any = type("Handler", (MetricsHandler.factory(registry),), {"timeout": PATIENCE})
        try:
            self._server = HTTPServer((host, port), handler)
        except OSError as error:
            raise OutputError(
                f"outputs: metrics: {host}:{port}: {error.strerror}", remedy="choose another listen"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="metrics", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    def event(self, event: Event) -> None:
        """Count it."""
        name = str(event.get("event"))
        self._events.labels(name).inc()
        if name == "shot":
            self._shots.labels(str(event.get("by"))).inc()
        elif name == "camera_lost" and event.get("reason") not in ("frozen", "black"):
            self._lost.set(1)
        elif name == "camera_back":
            self._lost.set(0)

    def view(self, view: View) -> None:
        """Note the newest."""
        self._fps.set(view.fps)
        self._faces.set(len(view.faces))
        self._armed.set(view.decision.state is not State.DISARMED)

    def test(self) -> str:
        """Say where the numbers are."""
        return f"http://{self._server.server_address[0]!s}:{self.port}/metrics"

    def close(self) -> None:
        """Stop serving; a client in the middle of its request is left."""
        stop = threading.Thread(target=self._server.shutdown, name="metrics-stop", daemon=True)
        stop.start()
        stop.join(1.0)
        self._server.server_close()


class _Outputs:
    """Tells how the other outputs are, when it is asked."""

    def __init__(self, reports: Callable[[], list[dict[str, object]]]) -> None:
        self._reports = reports

    def collect(self) -> list[Any]:
        from prometheus_client.metrics_core import GaugeMetricFamily

        texts = {
            "waiting": "Deliveries that wait",
            "dead": "Dead letters",
            "lost": "Events that were lost",
            "trouble": "1: the far side is away",
        }
        found = {
            key: GaugeMetricFamily(f"smartselfie_output_{key}", text, labels=["output"])
            for key, text in texts.items()
        }
        for report in self._reports():
            for key, family in found.items():
                value = report.get(key)
                number = float(value) if isinstance(value, int | float) else float(bool(value))
                family.add_metric([str(report.get("name"))], number)
        return list(found.values())
