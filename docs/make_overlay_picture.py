"""Renders the README's picture: the demo source through the whole pipeline, as the window shows it.

    python docs/make_overlay_picture.py [--model FILE] [--output docs/overlay.png]

The network's figures in the picture are real; only the frame rate is set to the demo's, so that two runs
write the same file.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2

from smartselfie.daemon.parts import build_analysis
from smartselfie.pipeline import Loop
from smartselfie.records import Command, Frame, Quit, Shot, State, View
from smartselfie.settings import Settings
from smartselfie.sources.demo import Actor, DemoScript, DemoSource, smiling
from smartselfie.viewing.overlay import draw

SCENE = DemoScript(
    actors=(
        Actor(smile=smiling((0.8, 4.0)), x=0.36, y=0.48, size=0.41, tilt=-2),
        Actor(smile=smiling((0.8, 4.0)), x=0.72, y=0.52, size=0.36, tilt=3, person=2),
    ),
    duration=4.0,
)
PROGRESS = 0.7
"""How much of the hold is done in the picture."""


class Photographer:
    """A viewer that keeps the first view in which enough of the hold is done."""

    def __init__(self) -> None:
        self.view: View | None = None

    def __call__(self, view: View) -> None:
        """Look for something to show."""
        if view.decision.state is State.HOLDING and view.decision.progress >= PROGRESS:
            self.view = self.view or view

    def tick(self) -> Iterable[Command]:
        """End the loop once there is something to show."""
        return [] if self.view is None else [Quit()]


class NoSaver:
    """Keeps nothing: the picture of the overlay is all that is wanted."""

    def save(self, shot: Shot) -> None:
        """Drop the shot."""

    def close(self, timeout: float = 10.0) -> None:
        """Nothing is left to write."""


def frames(source: DemoSource) -> Iterator[Frame]:
    """All frames of a recording."""
    while (frame := source.read()) is not None:
        yield frame


def main() -> None:
    """Play the scene and write the picture."""
    parser = argparse.ArgumentParser(description="Render the README's picture of the overlay.")
    parser.add_argument("--model", help="network to use (default: the one that ships)")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent / "overlay.png")
    given = parser.parse_args()

    settings = Settings.model_validate({"classifier": {"model": given.model}, "trigger": {"policy": "all"}})
    photographer = Photographer()
    with_demo = DemoSource((1280, 720), 30.0, SCENE)
    Loop(build_analysis(settings), None, NoSaver(), viewers=[photographer], ticks=[photographer.tick]).run(
        frames(with_demo)
    )
    if photographer.view is None:
        raise SystemExit("no smile was held in the demo scene: does the network know its faces?")
    picture = draw(replace(photographer.view, fps=with_demo.fps))
    cv2.imwrite(str(given.output), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"{given.output}: {picture.shape[1]}x{picture.shape[0]}, {given.output.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
