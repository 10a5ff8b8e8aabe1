"""Where the time of the loop goes: frames from memory through analysis, sampled by pyinstrument.

pip install pyinstrument
python benchmarks/profile_loop.py [--frames 2000] [--html FILE]
"""

from __future__ import annotations

import argparse
from itertools import cycle, islice
from pathlib import Path

from pyinstrument import Profiler

from smartselfie.daemon import parts
from smartselfie.records import Frame
from smartselfie.settings import load
from smartselfie.sources.demo import DemoSource


def main() -> None:
    """Profile the analysis of the demo at 640x480 and print the tree."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--html", type=Path)
    arguments = parser.parse_args()
    source = DemoSource((640, 480))
    images = [frame.image for _ in range(120) if (frame := source.read()) is not None]
    analysis = parts.build_analysis(load())
    profiler = Profiler(interval=0.0002)
    with profiler:
        for seq, image in enumerate(islice(cycle(images), arguments.frames)):
            analysis(Frame(image, seq, seq / 30))
    print(profiler.output_text(unicode=True, show_all=True))
    if arguments.html:
        arguments.html.write_text(profiler.output_html(), encoding="utf-8")


if __name__ == "__main__":
    main()
