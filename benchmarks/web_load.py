"""What the page costs: viewers beside the loop, uploads beside a plain loop, the gallery's first paint.

    python benchmarks/web_load.py viewers     # 20 live viewers, and one that stops reading, beside the loop
    python benchmarks/web_load.py uploads     # 8 clients post 1-megapixel pictures
    python benchmarks/web_load.py gallery     # first paint with 2,000 pictures, in Chromium

The loop analyses the demo's frames as fast as it can or, with --fps, at a camera's pace; clients run in
another process.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import multiprocessing
import statistics
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
from PIL import Image as Pillow

from smartselfie import settings
from smartselfie.daemon import parts
from smartselfie.pictures.photos import decode, find_faces
from smartselfie.pipeline import Analysis
from smartselfie.records import Frame, View
from smartselfie.sources.demo import DemoSource
from smartselfie.viewing.newest import Newest
from smartselfie.web.app import Parts, Photos
from smartselfie.web.gallery import Gallery
from smartselfie.web.server import WebServer


def photos(given: settings.Settings) -> Photos:
    """What the page looks at photos with."""
    return Photos(
        lambda: parts.build_photo_detector(given.detector),
        lambda: parts.build_classifier(given.classifier, threads=1),
    )


class Loop:
    """Analyses frames of the demo, kept ready in memory, and puts a view for each."""

    def __init__(self, given: settings.Settings, views: Newest[View], fps: float | None) -> None:
        source = DemoSource()
        self._images = [frame.image for _ in range(200) if (frame := source.read()) is not None]
        self._analysis: Analysis = parts.build_analysis(given)
        self._views = views
        self._fps = fps
        self._seq = 0

    def run(self, seconds: float) -> float:
        """Work for so long; returns frames a second."""
        begun = time.monotonic()
        frames = 0
        while (now := time.monotonic()) < begun + seconds:
            frame = Frame(self._images[self._seq % len(self._images)], self._seq, now)
            faces, decision = self._analysis(frame)
            self._views.put(View(frame, faces, decision, 0.6, 0.0))
            self._seq += 1
            frames += 1
            if self._fps is not None:
                time.sleep(max(0.0, begun + frames / self._fps - time.monotonic()))
        return frames / (time.monotonic() - begun)


# --- viewers


def watch(url: str, viewers: int, stop: Any, told: Any, stalls: int) -> None:
    """Be so many live viewers in one process, and `stalls` more that ask once and never read."""

    async def look(delays: list[float], count: list[int]) -> None:
        from websockets.asyncio.client import connect

        async with connect(url, compression=None, max_queue=2) as socket:
            await socket.send("next")
            while not stop.is_set():
                message = await socket.recv()
                if isinstance(message, bytes):
                    length = struct.unpack(">I", message[:4])[0]
                    delays.append(time.monotonic() - json.loads(message[4 : 4 + length])["at"])
                    count[0] += 1
                    await socket.send("next")

    async def stall() -> None:
        reader, writer = await asyncio.open_connection(*url.split("/")[2].split(":"), limit=2**14)
        host = url.split("/")[2]
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13"
        upgrade = f"Host: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}"
        writer.write(f"GET /api/v1/live HTTP/1.1\r\n{upgrade}\r\n\r\n".encode())
        for _ in range(200):  # masked text frames that say "next"
            writer.write(b"\x81\x84\0\0\0\0next")
        while not stop.is_set():
            await asyncio.sleep(0.2)
        writer.close()
        del reader

    async def all_of_them() -> None:
        delays: list[float] = []
        count = [0]
        await asyncio.gather(
            *(look(delays, count) for _ in range(viewers)), *(stall() for _ in range(stalls))
        )
        told.put((delays, count[0]))

    asyncio.run(all_of_them())


def measure_viewers(arguments: argparse.Namespace) -> None:
    """Frame rate of the loop alone, with viewers, with one that stopped reading; the delay to the viewers."""
    given = settings.load(arguments.config, arguments.set)
    views: Newest[View] = Newest()
    loop = Loop(given, views, arguments.fps)
    loop.run(2)
    context = multiprocessing.get_context("spawn")
    with WebServer("127.0.0.1:0", Parts(views=views)) as server:
        url = server.url.replace("http", "ws") + "api/v1/live"
        print(f"{'viewers':>22} {'loop fps':>9} {'change':>8} {'fps each':>9} {'median delay':>13}")
        for label, viewers, stalls in (("one", 1, 0), ("20", 20, 0), ("one that never reads", 0, 1)):
            alone = loop.run(arguments.seconds / 2)
            stop, told = context.Event(), context.Queue()
            client = context.Process(target=watch, args=(url, viewers, stop, told, stalls))
            client.start()
            loop.run(3)  # until they are connected
            rate = loop.run(arguments.seconds)
            stop.set()
            timer = threading.Thread(target=loop.run, args=(1.5,))  # one more frame, so that they see it
            timer.start()
            delays, count = told.get(timeout=20)
            timer.join()
            client.join()
            alone = (alone + loop.run(arguments.seconds / 2)) / 2
            each = count / (arguments.seconds + 3) / viewers if viewers else 0.0
            delay = f"{statistics.median(delays) * 1000:.0f} ms" if delays else "-"
            print(f"{label:>22} {rate:9.1f} {rate / alone - 1:+8.1%} {each:9.1f} {delay:>13}")


# --- uploads


def megapixel() -> bytes:
    """Return a JPEG of 1152 x 864 with a drawn face in it."""
    frame = DemoSource((1152, 864)).read()
    assert frame is not None
    target = io.BytesIO()
    Pillow.fromarray(frame.image[..., ::-1]).save(target, "JPEG", quality=90)
    return target.getvalue()


def post(url: str, data: bytes, seconds: float, told: Any) -> None:
    """Be one client that posts as fast as it is answered."""
    times, errors = [], 0
    with httpx.Client(timeout=60) as client:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begun = time.monotonic()
            answer = client.post(url, files={"file": data})
            times.append(time.monotonic() - begun)
            errors += answer.status_code != 200
    told.put((times, errors))


def memory() -> float:
    """Resident memory of this process in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def row(label: str, times: list[float], seconds: float) -> None:
    """Print throughput and the 95th percentile."""
    late = statistics.quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
    print(f"{label:>22} {len(times) / seconds:9.1f}/s {late * 1000:9.0f} ms")


def measure_uploads(arguments: argparse.Namespace) -> None:
    """Eight clients beside a plain loop over decode and find_faces."""
    given = settings.load(arguments.config, arguments.set)
    made = photos(given)
    data = megapixel()
    detector, classifier = made.make_detector(), made.make_classifier()
    times: list[float] = []
    begun = time.monotonic()
    while time.monotonic() < begun + arguments.seconds / 3:
        start = time.monotonic()
        find_faces(decode(data), detector, classifier)
        times.append(time.monotonic() - start)
    print(f"{'':>22} {'throughput':>11} {'95 % within':>12}")
    row("plain loop", times, time.monotonic() - begun)
    context = multiprocessing.get_context("spawn")
    with WebServer("127.0.0.1:0", Parts(photos=made)) as server:
        url = server.url + "api/v1/classify"
        httpx.post(url, files={"file": data}, timeout=60).raise_for_status()
        told = context.Queue()
        clients = [context.Process(target=post, args=(url, data, arguments.seconds, told)) for _ in range(8)]
        for client in clients:
            client.start()
        answers = []
        before = after = 0.0
        begun = time.monotonic()
        while len(answers) < 8:
            if told.empty():
                time.sleep(0.2)
                passed = time.monotonic() - begun
                before = memory() if passed < arguments.seconds / 3 else before
                after = memory()
            else:
                answers.append(told.get())
        for client in clients:
            client.join()
    row("8 clients", [each for found, _ in answers for each in found], arguments.seconds)
    print(f"errors: {sum(errors for _, errors in answers)}")
    print(f"memory: {before:.0f} MB after a third of the time, {after:.0f} MB at the end")


# --- gallery


@contextmanager
def folder_of(count: int) -> Iterator[Path]:
    """Fill a folder with pictures of 1280 x 720."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frame = DemoSource().read()
        assert frame is not None
        ok, data = cv2.imencode(".jpg", np.asarray(frame.image), [cv2.IMWRITE_JPEG_QUALITY, 90])
        assert ok
        for number in range(count):
            (folder / f"selfie-{number:05}.jpg").write_bytes(data.tobytes())
        yield folder


def measure_gallery(arguments: argparse.Namespace) -> None:
    """First paint, and the first screen of thumbnails, with 2,000 pictures: a fresh server each time."""
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with folder_of(2000) as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=flags)
        paints, screens = [], []
        for _ in range(5):
            with WebServer("127.0.0.1:0", Parts(gallery=Gallery(folder))) as server:
                context = browser.new_context(viewport={"width": 360, "height": 740})
                page = context.new_page()
                begun = time.monotonic()
                page.goto(server.url + "#pictures")
                page.wait_for_function("() => document.querySelectorAll('.tile').length >= 60")
                page.wait_for_function(
                    "() => [...document.querySelectorAll('.tile img')].slice(0, 9).every(i => i.naturalWidth)"
                )
                screens.append(time.monotonic() - begun)
                paints.append(
                    page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
                    / 1000
                )
                context.close()
        browser.close()
    print(f"first contentful paint: median {statistics.median(paints):.2f} s, worst {max(paints):.2f} s")
    print(
        f"first screen of thumbnails: median {statistics.median(screens):.2f} s, worst {max(screens):.2f} s"
    )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["viewers", "uploads", "gallery"])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument(
        "--fps", type=float, default=None, help="pace of the loop; without it as fast as it goes"
    )
    parser.add_argument("--config", type=Path, default=None)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    measures: dict[str, Callable[[argparse.Namespace], None]] = {
        "viewers": measure_viewers,
        "uploads": measure_uploads,
        "gallery": measure_gallery,
    }
    measures[arguments.what](arguments)


if __name__ == "__main__":
    main()
