"""This pipeline beside the usual loop and the peers' networks, in one run, taking turns.

    python benchmarks/run.py [--frames 120] [--peers DIR] [--portraits ZIP] [--growth FRAMES] [--json FILE]
                             [--docs FILE]

The usual loop is what most projects of this kind do with every frame: the full cascade on the whole gray
picture (1.1, 5, 30 px) and `keras.Model.predict` on each face, by the peers' .hdf5 file where DIR has one,
else by an untrained network of the same layers. Both see the same frames, kept in memory, in chunks that
alternate, so that a machine whose speed drifts slows both. Beside each time stands what it bought: the share
of the faces that were found, and false boxes a frame. It needs OpenCV 4: 5 has no cascade to compare with.
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
from statistics import fmean, median

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from rich.console import Console
from rich.table import Table as RichTable
from side_by_side import compare, portraits

from smartselfie.classifiers.litert import LiteRtClassifier, default_model
from smartselfie.commands.bench import Report, machine, measure
from smartselfie.records import Image
from smartselfie.settings import load
from smartselfie.training import card


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
    one, full_hd, five, empty_room, _ = rows[1::2]

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
    faces: Sequence[tuple[str, float, float]] = (),
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
                str(row["ours_found"]),
                str(row["usual_found"]),
            )
        )
    yield (
        "A frame from detector to trigger, in ms: ours beside the usual loop, usual / ours; of the faces so "
        "many found, and false boxes a frame",
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
            "ours found",
            "usual found",
        ),
        compared,
    )
    if faces:
        yield (
            "Portraits that fill the picture, one search of the whole picture, one thread",
            ("search", "with a face found", "median ms"),
            [(name, f"{share:.1%}", f"{ms:.2f}") for name, share, ms in faces],
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
    parser.add_argument("--portraits", type=Path, help="a .zip of photographs with one face each")
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
    faces = portraits(arguments.portraits) if arguments.portraits else []
    made = list(tables(rows, nets, report, values, arguments.growth, faces))
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
                    "portraits": faces,
                    "asked": {name: value for (name, *_), value in zip(ASKED, values, strict=True)},
                    "growth_frames": arguments.growth,
                },
                indent=2,
            )
            + "\n"
        )


if __name__ == "__main__":
    main()
