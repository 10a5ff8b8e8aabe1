"""`smartselfie check`: whether `run` would work here, and what to do where it would not."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TextIO

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from smartselfie import settings as s
from smartselfie.atomic import temporary
from smartselfie.capture.camera import Camera
from smartselfie.capture.watch import DARK, FrameStatistics
from smartselfie.daemon.app import default_config
from smartselfie.daemon.parts import build_classifier, build_detector
from smartselfie.deciding.rules import MAX_GAP
from smartselfie.errors import ConfigError, SmartSelfieError
from smartselfie.outputs import OUTPUTS, OutputSettings
from smartselfie.records import Box, Frame, Image, Look
from smartselfie.redact import redact
from smartselfie.saving.folder import PictureFolder
from smartselfie.saving.storage import in_words
from smartselfie.seams import Classifier, Detector, Source
from smartselfie.sources import SourceSettings, open_from
from smartselfie.viewing.display import display_problem

WATCHED = 2.0
"""Seconds for which a camera's frames are counted."""
SLOW = 0.7
"""A camera that gives less than this share of the frames it was asked for is worth a word."""
COMFORT = 10.0
"""Analysed frames a second below which a hold of ten frames takes more than a second."""

Level = Literal["ok", "warn", "fail"]
MARKS = {"ok": ("ok", "green"), "warn": ("warning", "yellow"), "fail": ("fails", "bold red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one part; `fail`: `run` would not work."""

    part: str
    level: Level
    found: str
    remedy: str = ""


@dataclass(slots=True)
class Known:
    """What earlier checks learnt that later ones need."""

    size: tuple[int, int]
    image: Image
    detector: Detector | None = None
    classifier: Classifier | None = None
    face_ms: float = 0.0
    stream: str = ""
    """What was done or forgiven to get a network camera's pictures."""


def check(
    config: Path | None = None,
    overrides: Sequence[str] = (),
    *,
    as_json: bool = False,
    verbose: bool = False,
    out: TextIO | None = None,
) -> int:
    """Look at settings, camera, detector, model, display, disk, performance and web; print what was found.

    `config` and `overrides` are those of `run`; `verbose` adds what a network camera sends. Returns the exit
    code: 1 if `run` would fail.
    """
    out = out or sys.stdout
    findings = list(examine(config or default_config(), overrides))
    if not verbose:
        findings = [finding for finding in findings if finding.part != "stream"]
    if as_json:
        good = all(finding.level != "fail" for finding in findings)
        print(
            json.dumps({"ok": good, "checks": [asdict(finding) for finding in findings]}, indent=2), file=out
        )
    else:
        Console(file=out).print(table(findings))
    return int(any(finding.level == "fail" for finding in findings))


def table(findings: Sequence[Finding]) -> Table:
    """Return the findings as people read them."""
    view = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    view.add_column(no_wrap=True)
    view.add_column(no_wrap=True)
    view.add_column(overflow="fold")
    for finding in findings:
        words = Text(finding.found)  # a Text: brackets in paths are not markup
        if finding.remedy:
            words.append(f"\n{_sentence(finding.remedy)}", "italic cyan")
        view.add_row(Text(*MARKS[finding.level]), Text(finding.part, "bold"), words)
    return view


def _sentence(words: str) -> str:
    """Begin with a capital, unless with the name of a setting or a command."""
    first = words.split()[0]
    return words[0].upper() + words[1:] if first.isalpha() and first != "pip" else words


def examine(config: Path | None, overrides: Sequence[str] = ()) -> Iterator[Finding]:
    """Yield a finding for each part, in the order in which `run` needs them.

    With broken settings the rest is looked at with the defaults.
    """
    try:
        settings = s.load(config, overrides)
        where = str(config) if config is not None else "the defaults, there is no config.yaml"
        yield Finding("settings", "ok", redact(", ".join([where, *overrides])))
    except ConfigError as error:
        settings = s.Settings()
        remedy = "the rest was looked at with the defaults; --safe starts with them"
        yield Finding("settings", "fail", redact(str(error)), remedy)
    known = Known(settings.source.size, np.full((*settings.source.size[::-1], 3), 128, np.uint8))
    opener = open_from(settings.source)
    parts: list[tuple[str, Callable[[], Finding]]] = [
        ("camera", lambda: check_source(settings.source, opener, opener.live, known)),
        ("stream", lambda: Finding("stream", "ok", known.stream or "nothing had to be forgiven")),
        ("detector", lambda: check_detector(settings, known)),
        ("model", lambda: check_model(settings, known)),
        ("performance", lambda: check_performance(settings, known)),
        ("display", lambda: check_display(settings.window)),
        ("disk", lambda: check_disk(Path(settings.saver.folder), settings.storage.min_free)),
        ("web", lambda: check_web(settings.web)),
        ("gpio", lambda: check_gpio(settings.gpio)),
        ("outputs", lambda: check_outputs(settings.outputs)),
    ]
    for name, look in parts:
        try:
            yield look()
        except SmartSelfieError as error:
            yield Finding(name, "fail", redact(error.what), error.remedy)
        except OSError as error:
            yield Finding(name, "fail", redact(str(error)))
        except Exception as error:  # looking must not end the looking
            told = f"internal error: {type(error).__name__}: {error}"
            yield Finding(name, "fail", redact(told), "please report it")


def check_source(
    settings: SourceSettings, open_source: Callable[[], Source], live: bool, known: Known
) -> Finding:
    """Open the source, count a camera's frames and see whether they show anything.

    Raises what opening raises.
    """
    if not live:
        source = open_source()
        try:
            first = source.read()
        finally:
            source.close()
        if first is None:
            return Finding("source", "fail", f"{_told(settings)} has no frames", "give another source")
        _remember(known, first)
        return Finding("source", "ok", f"{_told(settings)}, {first.size[0]}x{first.size[1]}, no camera")
    statistics, frames, start, seen = FrameStatistics(), 0, 0.0, 0.0
    frame: Frame | None = None
    opened: list[Source] = []

    def open_and_keep() -> Source:
        opened.append(open_source())
        return opened[-1]

    with Camera(
        open_and_keep, stall_after=settings.stall_after, open_after=settings.open_after, emit=_nobody
    ) as camera:
        end = time.monotonic() + settings.open_after + WATCHED
        while (now := time.monotonic()) < end:
            newer = camera.newest(0.2)
            if newer is None:
                continue
            if frame is None:
                start, end = now, now + WATCHED
            frame, frames, seen = newer, frames + 1, time.monotonic()
            statistics(newer.image)
    if frame is None:
        return Finding(
            "camera",
            "fail",
            f"{_told(settings)} opens and gives no frames for source.open_after, {settings.open_after:g} s",
            "unplug it and plug it in again",
        )
    _remember(known, frame)
    known.stream = "; ".join(getattr(opened[-1], "tolerated", ()))
    fps = (frames - 1) / max(seen - start, 1e-3) if frames > 1 else 1 / WATCHED
    told = f"{_told(settings)}, {frame.size[0]}x{frame.size[1]}, {fps:.0f} frames per second"
    if statistics.light < DARK:
        return Finding("camera", "warn", f"{told}, black", "take the lens cap off, switch the light on")
    if fps < SLOW * settings.fps:
        remedy = "more light or a smaller source.size makes it quicker"
        return Finding("camera", "warn", f"{told} of {settings.fps:g} asked for", remedy)
    return Finding("camera", "ok", told)


def check_detector(settings: s.Settings, known: Known) -> Finding:
    """Load the detector and say which faces are too small for it. Raises `DetectorError`."""
    known.detector = detector = build_detector(settings.detector, min_face=settings.trigger.min_face)
    pixels = detector.smallest_face(known.size)
    shorter = min(known.size)
    found = (
        f"{settings.detector.kind}, smallest face {pixels} pixels "
        f"({pixels / shorter:.0%} of the height) in {known.size[0]}x{known.size[1]}"
    )
    if pixels > settings.trigger.min_face * shorter:
        finds = settings.detector.finds_smaller(pixels / (settings.trigger.min_face * shorter))
        remedy = "trigger.min_face lets smaller ones take part" + (f": {finds} finds them" if finds else "")
        return Finding("detector", "warn", found, remedy)
    return Finding("detector", "ok", found)


def check_model(settings: s.Settings, known: Known) -> Finding:
    """Load the network and time it on one face. Raises `ModelError`."""
    known.classifier = classifier = build_classifier(
        settings.classifier,
        threads=settings.performance.threads,
        expression=settings.trigger.expression,
    )
    width, height = classifier.input_size
    crop = np.full((1, height, width), 128, np.uint8)
    known.face_ms = _milliseconds(lambda: classifier(crop))
    description = classifier.description
    label = description.label if description is not None else ""
    accuracy = description.accuracy_in_words if description is not None else ""
    parts = [label or "without a name", f"{width}x{height}", accuracy, f"{known.face_ms:.1f} ms a face"]
    return Finding("model", "ok", ", ".join(part for part in parts if part))


def check_performance(settings: s.Settings, known: Known) -> Finding:
    """Estimate what one face costs, and what the CPU budget leaves of the frame rate."""
    if known.detector is None:
        return Finding("performance", "warn", "cannot be told without a detector")
    detector, image = known.detector, known.image
    before = cv2.getNumThreads()
    cv2.setNumThreads(settings.performance.threads)
    try:
        side = min(known.size) // 3
        box = Box((known.size[0] - side) // 2, (known.size[1] - side) // 2, side, side)
        spread = settings.detector.spread or 1
        look = Look(share=1 / spread, around=(box,))
        searching = _milliseconds(lambda: detector(image, look), max(10, spread))
    finally:
        cv2.setNumThreads(before)
    frame = searching + known.face_ms
    wanted = settings.performance.max_fps
    budget = settings.performance.cpu_budget
    rate = min(wanted, 1000 / frame, float("inf") if budget is None else 1000 * budget / frame)
    found = (
        f"one face takes {frame:.1f} ms a frame: {rate * frame / 1000:.2f} of a core at {rate:.3g} a second"
    )
    if budget is not None:
        found += f", budget {budget:g}"
    if settings.trigger.hold.seconds is not None and rate < 1 / MAX_GAP:
        remedy = f"a timed hold needs {1 / MAX_GAP:.0f} frames a second: set trigger.hold: 3"
        return Finding("performance", "warn", found, remedy)
    if rate < min(wanted, COMFORT) and settings.trigger.hold.frames is not None:
        remedy = "a hold of ten frames takes long: set trigger.hold: 400ms, raise performance.cpu_budget"
        return Finding("performance", "warn", found, remedy)
    return Finding("performance", "ok", f"{found} ({os.cpu_count()} cores)")


def check_display(settings: s.WindowSettings) -> Finding:
    """Say whether there will be a window."""
    if settings.show is False:
        return Finding("display", "ok", "no window wanted")
    problem = display_problem()
    if problem is None:
        return Finding("display", "ok", "opens a window")
    level: Level = "warn" if settings.show is True else "ok"
    return Finding("display", level, f"{problem}: runs without a window")


def check_disk(folder: Path, min_free: int) -> Finding:
    """Say whether pictures can be written to the folder. Raises `SaveError` when another program does."""
    there = folder.is_dir()
    pictures = PictureFolder(folder)
    try:
        try:
            pictures.prepare()
            with temporary(folder) as (file, _):
                file.write(b"smartselfie was here")
                file.flush()
        except SmartSelfieError:
            raise
        except OSError as error:
            return Finding(
                "disk", "fail", f"{folder}: {error.strerror}", "set saver.folder to one that can be written"
            )
        free = shutil.disk_usage(folder).free
    finally:
        pictures.release()
        if not there and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()  # looking leaves nothing behind
    found = f"{folder} can be written, {in_words(free)} free"
    if free < min_free:
        remedy = f"storage.min_free keeps {in_words(min_free)}: make room, or set storage.when_full"
        return Finding("disk", "warn", f"{found}: no picture is taken", remedy)
    return Finding("disk", "ok", found)


def check_web(settings: s.WebSettings) -> Finding:
    """Say whether the page can be served. Raises `WebError` when its port is taken."""
    if not settings.enabled:
        return Finding("web", "ok", "off")
    missing = [name for name in ("fastapi", "uvicorn", "websockets") if find_spec(name) is None]
    if missing:
        return Finding("web", "fail", f"{missing[0]} is missing", "pip install 'smartselfie[web]'")
    for path in settings.tls or ():
        if not path.is_file():
            return Finding("web", "fail", f"{path}: no such file", "set web.tls to certificate and key")
    from smartselfie.web.server import bind

    host, port = s.parse_listen(settings.listen)
    bind(host, port).close()
    return Finding("web", "ok", f"{'https' if settings.tls else 'http'}://{settings.listen}")


def check_gpio(settings: s.GpioSettings) -> Finding:
    """Say whether the pins that are set can be driven."""
    pins = [f"{name} {pin}" for name, pin in settings.model_dump().items() if pin is not None]
    if not pins:
        return Finding("gpio", "ok", "no pins set")
    if find_spec("gpiozero") is None:
        return Finding("gpio", "fail", "gpiozero is missing", "pip install 'smartselfie[pi]'")
    return Finding("gpio", "ok", ", ".join(pins))


def check_outputs(outputs: Sequence[OutputSettings]) -> Finding:
    """Say who would be told. A kind may have a `check(settings)` that says more, or raises why it cannot."""
    told = []
    for output in outputs:
        look = getattr(OUTPUTS.module(output.kind), "check", None)
        told.append(look(output) if look is not None else output.kind)
    return Finding("outputs", "ok", ", ".join(told) or "nobody is told")


def _remember(known: Known, frame: Frame) -> None:
    known.size, known.image = frame.size, frame.image


def _milliseconds(work: Callable[[], object], times: int = 20) -> float:
    """The mean time of a call, after one to warm up."""
    work()
    start = time.perf_counter()
    for _ in range(times):
        work()
    return 1000 * (time.perf_counter() - start) / times


def _told(settings: SourceSettings) -> str:
    return redact(str(settings.use))


def _nobody(event: str, /, **fields: object) -> None:
    """Events of a camera that is only looked at are not announced."""
