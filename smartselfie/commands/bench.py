"""`smartselfie bench`: what the configured pipeline costs on this machine, stage by stage."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median, quantiles
from tempfile import TemporaryDirectory
from typing import TextIO, TypeVar

import cv2
from rich.console import Console
from rich.table import Table

from smartselfie._version import __version__
from smartselfie.commands.usual import UsualSearch, measure_usual
from smartselfie.daemon import parts
from smartselfie.pipeline import Analysis
from smartselfie.records import Decision, Face, Frame, View
from smartselfie.replaying.canvas import Png
from smartselfie.settings import Settings
from smartselfie.sources import open_from

T = TypeVar("T")

PACED_SECONDS = 5.0
"""How long the share of a core is measured."""
PACED_FPS = 30
CACHED = 90
"""Frames kept for the paced run, so that reading them does not count."""
STAGES = (
    "read",
    "look",
    "detect full",
    "detect around",
    "follow",
    "classify",
    "trigger",
    "overlay",
    "encode",
)
"""In the order of the data; the last two only while somebody looks."""
PER_FRAME = ("look", "detect full", "detect around", "follow", "classify", "trigger")
COLOURS = ("#9aa5b1", "#7bb3d1", "#c85c5c", "#e39a4f", "#d8c24a", "#5aa469", "#4a8fa8", "#8f7fb8", "#b57fa5")

FIRST_FRAME = """
import sys, time
from smartselfie.daemon.app import App, RunOptions
from smartselfie import settings as s
from smartselfie.records import Quit
def say(view):
    print("frame", flush=True)
given = s.load(None, ["source.use=demo", "source.size=[640, 480]", "window.show=false", *sys.argv[1:]])
with App(given, RunOptions()) as app:
    app.loop.viewers.append(say)
    app.loop.ticks.append(lambda: [Quit()])
    app.run()
"""

FIRST_PICTURE = """
import sys
from pathlib import Path
from smartselfie.daemon.app import App, RunOptions
from smartselfie import settings as s
from smartselfie.records import Quit
given = ["source.use=demo", "source.size=[640, 480]", "window.show=false", "saver.folder=" + sys.argv[1]]
with App(s.load(None, given), RunOptions()) as app:
    app.loop.viewers.append(lambda view: view.frame.seq >= 200 and app.send(Quit()))
    app.run()
status = Path("/proc/self/status")
if status.exists():  # getrusage would count what the parent had before it started this
    print(next(int(line.split()[1]) for line in status.open() if line.startswith("VmHWM")) / 1024)
else:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """The cost of one stage, in milliseconds of wall-clock time, over the frames in which it ran."""

    name: str
    runs: int
    median: float
    mean: float
    p95: float


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured."""

    version: str
    machine: str
    python: str
    opencv: str
    source: str
    size: tuple[int, int]
    frames: int
    faces: float
    """Mean number of faces in a frame."""
    stages: tuple[Stage, ...]
    frame_ms: Stage
    """From where to look to the trigger, a frame."""
    usual: UsualSearch | None
    """The usual search, beside `ours_faces`, over the same frames; None where OpenCV has no cascades."""
    ours_faces: float
    unpaced_fps: float
    """Frames a second, reading left out."""
    core_share: float
    """Of one core, paced at 30 frames a second, frames read beforehand."""
    peak_mb: float
    """Peak resident memory of the daemon on the demo, up to a picture, headless, without the page."""
    start_seconds: float
    """From the start of the process to the first processed frame of the demo."""


class Clock:
    """Keeps the time of every run of every stage."""

    def __init__(self) -> None:
        self.times: defaultdict[str, list[float]] = defaultdict(list)

    def __call__(self, stage: str, work: Callable[[], T]) -> T:
        """Do the work and note its time."""
        start = time.perf_counter()
        result = work()
        self.times[stage].append((time.perf_counter() - start) * 1000)
        return result

    def stage(self, name: str) -> Stage:
        """Return the figures of one stage."""
        return figures(name, self.times[name])


def figures(name: str, times: Sequence[float]) -> Stage:
    """Return median, mean and 95th percentile of some milliseconds."""
    if not times:
        return Stage(name, 0, 0.0, 0.0, 0.0)
    p95 = quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
    return Stage(name, len(times), median(times), fmean(times), p95)


def bench(
    settings: Settings,
    *,
    frames: int = 600,
    as_json: Path | None = None,
    chart: Path | None = None,
    out: TextIO | None = None,
) -> int:
    """Measure and print; `as_json` and `chart` name files to write. Returns the exit code."""
    report = measure(settings, frames)
    Console(file=out or sys.stdout).print(table(report))
    Console(file=out or sys.stdout).print(summary(report), highlight=False)
    if as_json is not None:
        as_json.write_text(json.dumps(asdict(report), indent=2) + "\n")
    if chart is not None:
        draw(report, chart)
    return 0


def measure(settings: Settings, frames: int) -> Report:
    """Run the configured pipeline over up to `frames` frames of the source and measure it."""
    source = open_from(settings.source)()
    analysis = parts.build_analysis(settings)
    clock, faces, ours = Clock(), 0, 0
    totals: list[float] = []
    cached: list[Frame] = []
    size = (0, 0)
    try:
        while len(totals) < frames:
            frame = clock("read", source.read)
            if frame is None:
                break
            size = frame.size
            if len(cached) < CACHED:
                cached.append(frame)
            start = time.perf_counter()
            seen, decision = analyse(analysis, frame, clock)
            totals.append((time.perf_counter() - start) * 1000)
            faces += len(seen)
            ours += len(seen) if len(totals) <= len(cached) else 0
            _look_at(frame, seen, decision, settings.trigger.threshold, clock)
    finally:
        source.close()
    return Report(
        version=__version__,
        machine=machine(),
        python=platform.python_version(),
        opencv=cv2.__version__,
        source=str(settings.source.use),
        size=size,
        frames=len(totals),
        faces=faces / max(1, len(totals)),
        stages=tuple(clock.stage(name) for name in STAGES),
        frame_ms=figures("frame", totals),
        usual=measure_usual(cached),
        ours_faces=ours / max(1, len(cached)),
        unpaced_fps=1000 / max(1e-9, fmean(totals)) if totals else 0.0,
        core_share=paced_share(parts.build_analysis(settings), cached),
        peak_mb=peak_memory(),
        start_seconds=start_up(),
    )


def analyse(analysis: Analysis, frame: Frame, clock: Clock) -> tuple[tuple[Face, ...], Decision]:
    """Do what `Analysis` does, a stage at a time."""
    look = clock("look", lambda: analysis.look(frame))
    stage = "detect full" if look.full else "detect around"
    found = clock(stage, lambda: analysis.detector(frame.image, look))
    faces = clock("follow", lambda: analysis.follow(frame, found))
    scored = clock("classify", lambda: analysis.score(frame, faces))
    return scored, clock("trigger", lambda: analysis.decide(frame, scored))


def _look_at(
    frame: Frame, faces: tuple[Face, ...], decision: Decision, threshold: float, clock: Clock
) -> None:
    from smartselfie.viewing.overlay import draw as draw_overlay

    view = View(frame, faces, decision, threshold, 30.0)
    clock("overlay", lambda: draw_overlay(view))
    clock("encode", lambda: cv2.imencode(".jpg", frame.image, [cv2.IMWRITE_JPEG_QUALITY, 80]))


def paced_share(analysis: Analysis, frames: Sequence[Frame]) -> float:
    """Return the share of one core that the analysis takes at 30 frames a second, frames cached."""
    if not frames:
        return 0.0
    start, used = time.perf_counter(), time.process_time()
    count = 0
    while (now := time.perf_counter() - start) < PACED_SECONDS:
        due = count / PACED_FPS
        if now < due:
            time.sleep(due - now)
        kept = frames[count % len(frames)]
        analysis(Frame(kept.image, count, due))
        count += 1
    return (time.process_time() - used) / (time.perf_counter() - start)


def start_up() -> float:
    """Return the seconds from starting the program to its first processed frame of the demo."""
    begin = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", FIRST_FRAME], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seconds = time.perf_counter() - begin
    if process.returncode:
        raise RuntimeError(f"the program ended with {process.returncode}")
    return seconds


def peak_memory() -> float:
    """Return the peak resident megabytes of the daemon on the demo up to a picture, without the page."""
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", FIRST_PICTURE, folder], capture_output=True, text=True, check=True
        )
    return float(done.stdout.split()[-1])


def machine() -> str:
    """Return the processor as people know it, and how many cores there are."""
    name = platform.processor() or platform.machine()
    model = Path("/proc/device-tree/model")
    if model.exists():
        name = model.read_text().strip("\0\n")
    else:
        cpuinfo = Path("/proc/cpuinfo")
        if cpuinfo.exists():
            for line in cpuinfo.read_text().splitlines():
                if line.startswith("model name"):
                    name = line.split(":", 1)[1].strip()
                    break
    return f"{name}, {os.cpu_count()} cores"


def table(report: Report) -> Table:
    """Lay the stages out as a table."""
    shown = Table(
        title=f"smartselfie {report.version}: {report.source}, {report.size[0]}x{report.size[1]}, "
        f"{report.frames} frames, {report.faces:.1f} faces a frame",
        title_justify="left",
    )
    for name in ("stage", "runs", "median ms", "mean ms", "95 % ms"):
        shown.add_column(name, justify="left" if name == "stage" else "right")
    for stage in (*report.stages, report.frame_ms):
        if stage is report.frame_ms:
            shown.add_section()
        name = "detect to trigger, a frame" if stage is report.frame_ms else stage.name
        cells = (f"{value:.2f}" for value in (stage.median, stage.mean, stage.p95))
        shown.add_row(name, str(stage.runs), *cells)
    return shown


def summary(report: Report) -> str:
    """Put the rest into a few lines."""
    usual = report.usual
    beside = (
        f"the usual cascade alone: {usual.median_ms:.1f} ms and {usual.faces:.2f} faces a frame; "
        f"here detector to trigger: {report.frame_ms.median:.1f} ms and {report.ours_faces:.2f} faces\n"
        if usual is not None
        else ""
    )
    return beside + (
        f"{report.unpaced_fps:.0f} frames a second unpaced (reading left out); "
        f"{report.core_share:.1%} of one core at {PACED_FPS} frames a second\n"
        f"peak memory {report.peak_mb:.0f} MB; {report.start_seconds:.2f} s from start to first frame\n"
        f"{report.machine}; Python {report.python}, OpenCV {report.opencv}"
    )


def draw(report: Report, path: Path) -> None:
    """Draw a stacked bar: the mean milliseconds a frame of each stage. Raises OSError."""
    parts_of_frame = [
        (stage.name, stage.mean * stage.runs / max(1, report.frames), colour)
        for stage, colour in zip(report.stages, COLOURS, strict=True)
        if stage.name in PER_FRAME and stage.runs
    ]
    total = sum(value for _, value, _ in parts_of_frame) or 1.0
    canvas = Png(760, 190)
    canvas.text((24, 36), f"{total:.2f} ms a frame", "#20262d", 20, bold=True)
    canvas.text(
        (24, 58),
        f"{report.source} {report.size[0]}x{report.size[1]}, {report.faces:.1f} faces, {report.machine}",
        "#5c6670",
        12,
    )
    left = 24.0
    for _, value, colour in parts_of_frame:
        width = 712 * value / total
        canvas.rect(left, 76, width, 44, colour)
        left += width
    for place, (name, value, colour) in enumerate(parts_of_frame):
        x, y = 24 + 240 * (place % 3), 146 + 22 * (place // 3)
        canvas.rect(x, y - 10, 12, 12, colour, radius=2)
        canvas.text((x + 20, y), f"{name}  {value:.2f} ms", "#20262d", 13)
    canvas.save(path)
