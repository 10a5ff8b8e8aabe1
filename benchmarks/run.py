"""This pipeline beside the usual loop and the peers' networks, in one run, taking turns.

    python benchmarks/run.py [--frames 120] [--peers DIR] [--growth FRAMES] [--json FILE] [--docs FILE]

The usual loop is what most projects of this kind do with every frame: the full cascade on the whole gray
picture (1.1, 5, 30 px) and `keras.Model.predict` on each face, by the peers' .hdf5 file where DIR has one,
else by an untrained network of the same layers. Both see the same frames, kept in memory, in chunks that
alternate, so that a machine whose speed drifts slows both.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean, median, quantiles

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table as RichTable

from smartselfie.classifiers.litert import LiteRtClassifier, default_model
from smartselfie.commands.bench import Report, machine, measure
from smartselfie.daemon import parts
from smartselfie.detectors.cascades import find_cascade
from smartselfie.records import Frame, Image
from smartselfie.settings import load
from smartselfie.sources.demo import Actor, DemoScript, DemoSource, smiling
from smartselfie.training import card

CHUNK = 10
"""Frames that each side does before the other has its turn."""
FPS = 30.0


def party(faces: int) -> DemoScript:
    """A scene with so many people who smile at different times."""
    if faces == 1:
        return DemoSource().script
    actors = tuple(
        Actor(
            person=place,
            x=(place + 0.5) / faces,
            size=0.62 / faces**0.6,
            smile=smiling((1.0 + 0.3 * place, 2.5 + 0.3 * place)),
        )
        for place in range(faces)
    )
    return DemoScript(actors, 6.0)


def scene(script: DemoScript, size: tuple[int, int], count: int) -> list[Frame]:
    """The first frames of a scene."""
    source = DemoSource(size, FPS, script)
    return [frame for _ in range(count) if (frame := source.read()) is not None]


def empty(size: tuple[int, int], count: int) -> list[Frame]:
    """A still room with the noise of a camera, and nobody in it."""
    image = scene(DemoScript((), 1.0), size, 1)[0].image
    noise = [np.random.default_rng(n).integers(-3, 4, image.shape) for n in range(4)]
    images = [np.clip(image + each, 0, 255).astype(np.uint8) for each in noise]
    return [Frame(images[n % 4], n, n / FPS) for n in range(count)]


class UsualLoop:
    """The full cascade and `predict`, frame by frame."""

    def __init__(self, peers: Path | None) -> None:
        import keras

        from smartselfie.training.networks import build

        self.cascade = cv2.CascadeClassifier(str(find_cascade("haarcascade_frontalface_default.xml")))
        theirs = sorted(peers.glob("*.hdf5")) if peers else []
        self.network = keras.models.load_model(theirs[0], compile=False) if theirs else build("mini_xception")
        self.size = self.network.input_shape[1:3]

    def __call__(self, frame: Frame) -> None:
        """Find the faces, and score each by itself."""
        gray = cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY)
        for x, y, w, h in self.cascade.detectMultiScale(gray, 1.1, 5, minSize=(30, 30)):
            crop = cv2.resize(gray[y : y + h, x : x + w], self.size).astype(np.float32)
            self.network.predict((crop[None, ..., None] / 255 - 0.5) * 2, verbose=0)


def alternate(
    sides: Sequence[Callable[[Frame], object]], frames: Sequence[Frame], threads: Sequence[int]
) -> list[list[float]]:
    """Run each side over the frames, a chunk at a time; milliseconds a frame of each."""
    times: list[list[float]] = [[] for _ in sides]
    for side, count in zip(sides, threads, strict=True):
        cv2.setNumThreads(count)
        side(frames[0])  # what is made at the first use does not count
    for start in range(0, len(frames), CHUNK):
        for side, kept, count in zip(sides, times, threads, strict=True):
            cv2.setNumThreads(count)
            for frame in frames[start : start + CHUNK]:
                begin = time.perf_counter()
                side(frame)
                kept.append((time.perf_counter() - begin) * 1000)
    return times


def compare(count: int, peers: Path | None) -> list[dict[str, object]]:
    """The scenes, one after the other, both sides in turn."""
    rows: list[dict[str, object]] = []
    usual = UsualLoop(peers)
    scenes = {
        "one face, 640x480": scene(party(1), (640, 480), count),
        "one face, 1920x1080": scene(party(1), (1920, 1080), count),
        "five faces, 1280x720": scene(party(5), (1280, 720), count),
        "no face, 640x480": empty((640, 480), count),
    }
    for name, frames in scenes.items():
        for label, threads in (("OpenCV's own threads", -1), ("one thread", 1)):
            analysis = parts.build_analysis(load())
            ours, theirs = alternate((analysis, usual), frames, (1, threads))
            ours = ours[1:]  # the first frame has no history
            rows.append(
                {
                    "scene": name,
                    "usual_threads": label,
                    "faces": len(analysis.tracker.boxes),
                    "ours_ms": {
                        "mean": fmean(ours),
                        "median": median(ours),
                        "p95": quantiles(ours, n=20)[-1],
                    },
                    "usual_ms": {"mean": fmean(theirs), "median": median(theirs)},
                    "ratio_means": fmean(theirs) / fmean(ours),
                    "ratio_medians": median(theirs) / median(ours),
                }
            )
    return rows


def networks(peers: Path | None) -> list[dict[str, object]]:
    """Our network and the peers', a face at a time, in turn, one thread."""
    rng = np.random.default_rng(0)
    sides: dict[str, Callable[[Image], object]] = {}
    ours = LiteRtClassifier(default_model())
    crops = {"ours": rng.integers(0, 256, (1, *ours.input_size[::-1]), dtype=np.uint8)}
    sides["ours"] = ours
    if peers is not None:
        for path in sorted(peers.glob("*.tflite")):
            sides[path.name], crops[path.name] = raw_network(path)
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(40):
        for name, side in sides.items():
            for _ in range(10):
                begin = time.perf_counter()
                side(crops[name])
                times[name].append((time.perf_counter() - begin) * 1000)
    base = median(times["ours"])
    return [
        {
            "network": name,
            "median_ms": median(each),
            "mean_ms": fmean(each),
            "ours_to_this": base / median(each),
        }
        for name, each in times.items()
    ]


def raw_network(path: Path) -> tuple[Callable[[Image], object], Image]:
    """A LiteRT file as it is, and a random input for it."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    entry, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def run(values: Image) -> object:
        interpreter.set_tensor(entry["index"], values)
        interpreter.invoke()
        return interpreter.get_tensor(result["index"])

    return run, np.random.default_rng(0).random(entry["shape"]).astype(entry["dtype"])


def memory_growth(frames: int) -> float:
    """Megabytes that the analysis grows by over so many frames, after a warm-up of a tenth of them."""
    code = (
        "import sys; from itertools import cycle; from pathlib import Path\n"
        "from smartselfie.daemon import parts; from smartselfie.settings import load\n"
        "from smartselfie.records import Frame; from smartselfie.sources.demo import DemoSource\n"
        "source = DemoSource((640, 480)); kept = [source.read().image for _ in range(120)]\n"
        "rss = lambda: int(Path('/proc/self/statm').read_text().split()[1]) * 4096 / 2**20\n"
        "analysis, n = parts.build_analysis(load()), int(sys.argv[1])\n"
        "for seq, image in zip(range(n), cycle(kept)):\n"
        "    analysis(Frame(image, seq, seq / 30))\n"
        "    if seq == n // 10: before = rss()\n"
        "print(rss() - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(frames)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


ASKED = (
    ("one face 640x480, usual loop / ours, means", "x", 60, 150),
    ("one face 640x480, mean", "ms", 3, 1.5),
    ("one face 640x480, 95th percentile", "ms", 8, 3),
    ("no face, nothing moves, mean", "ms", 2, 0.8),
    ("five faces, mean", "ms", 10, 4),
    ("1920x1080 instead of 640x480, extra", "ms", 2, 1),
    ("share of one core at 30 frames a second", "%", 15, 6),
    ("peak memory, headless, without the page", "MB", 150, 100),
    ("start to first processed frame, demo", "s", 0.9, 0.5),
    ("memory growth", "MB", 3, 0),
)
"""What was to be reached, and what was aimed for."""


def reached(rows: Sequence[dict[str, object]], report: Report, growth: float) -> list[float]:
    """The figures of `ASKED`, from the rows where both sides have one thread."""
    one, full_hd, five, empty_room = rows[1::2]

    def ours(row: dict[str, object], key: str = "mean") -> float:
        figures = row["ours_ms"]
        assert isinstance(figures, dict)
        return float(figures[key])

    return [
        float(str(one["ratio_means"])),
        ours(one),
        ours(one, "p95"),
        ours(empty_room),
        ours(five),
        ours(full_hd) - ours(one),
        report.core_share * 100,
        report.peak_mb,
        report.start_seconds,
        growth,
    ]


Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]
"""Title, columns, rows."""


def tables(
    rows: Sequence[dict[str, object]],
    nets: Sequence[dict[str, object]],
    report: Report,
    values: Sequence[float],
    growth_frames: int,
) -> Iterator[Table]:
    """Everything that was measured, to be printed or written into a page."""
    asked = [
        (name, f"{value:.3g} {unit}", f"{reach} {unit}", f"{aim} {unit}")
        for (name, unit, reach, aim), value in zip(ASKED, values, strict=True)
    ]
    yield (
        f"What was asked (one thread on both sides; memory growth over {growth_frames:,} frames)",
        ("", "measured", "to reach", "to aim for"),
        asked,
    )
    compared = []
    for row in rows:
        ours, usual = row["ours_ms"], row["usual_ms"]
        assert isinstance(ours, dict)
        assert isinstance(usual, dict)
        compared.append(
            (
                str(row["scene"]),
                str(row["usual_threads"]),
                *(f"{ours[key]:.2f}" for key in ("mean", "median", "p95")),
                *(f"{usual[key]:.0f}" for key in ("mean", "median")),
                f"{row['ratio_means']:.0f}x",
                f"{row['ratio_medians']:.0f}x",
            )
        )
    yield (
        "A frame from detector to trigger, in ms: ours beside the usual loop, and usual / ours",
        (
            "scene",
            "usual loop with",
            "ours mean",
            "median",
            "95 %",
            "usual mean",
            "median",
            "means",
            "medians",
        ),
        compared,
    )
    yield (
        "One face through the network, one thread, in turn",
        ("network", "median ms", "ours / this"),
        [(str(net["network"]), f"{net['median_ms']:.2f}", f"{net['ours_to_this']:.2f}") for net in nets],
    )
    yield (
        "The stages, one face at 640x480, in ms (overlay and encoding only while somebody looks)",
        ("stage", "runs", "median", "mean", "95 %"),
        [
            (stage.name, str(stage.runs), f"{stage.median:.2f}", f"{stage.mean:.2f}", f"{stage.p95:.2f}")
            for stage in report.stages
        ],
    )


def show(out: Console, table: Table) -> None:
    """Print a table."""
    title, columns, rows = table
    made = RichTable(title=title, title_justify="left")
    for place, name in enumerate(columns):
        made.add_column(name, justify="right" if place else "left")
    for row in rows:
        made.add_row(*row)
    out.print(made)


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument(
        "--peers", type=Path, help="a folder of other networks, .tflite and .hdf5, to run beside ours"
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--growth", type=int, default=100_000, metavar="FRAMES")
    parser.add_argument("--docs", type=Path, help="write the tables between the markers of this page")
    arguments = parser.parse_args()
    out = Console(width=130)
    rows = compare(arguments.frames, arguments.peers)
    nets = networks(arguments.peers)
    report = measure(load(None, ["source.use=demo", "source.size=[640, 480]"]), 300)
    growth = memory_growth(arguments.growth)
    values = reached(rows, report, growth)
    made = list(tables(rows, nets, report, values, arguments.growth))
    for table in made:
        show(out, table)
    out.print(f"{machine()}; Python {report.python}, OpenCV {report.opencv}", highlight=False)
    if arguments.docs:
        about = f"{machine()}; Python {report.python}, OpenCV {report.opencv}."
        shown = [f"**{title}**\n\n{card.markdown(columns, cells)}" for title, columns, cells in made]
        card.put(arguments.docs, "\n\n".join([*shown, about]))
    if arguments.json:
        arguments.json.write_text(
            json.dumps(
                {
                    "machine": machine(),
                    "frames": rows,
                    "networks": nets,
                    "asked": {name: value for (name, *_), value in zip(ASKED, values, strict=True)},
                    "growth_frames": arguments.growth,
                },
                indent=2,
            )
            + "\n"
        )


if __name__ == "__main__":
    main()
