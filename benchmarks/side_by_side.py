"""The usual loop and ours on the same frames, taking turns: what each takes, and which faces each finds."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean, median, quantiles
from typing import NamedTuple

import cv2
import numpy as np

from smartselfie.commands.usual import UsualCascade
from smartselfie.daemon import parts
from smartselfie.records import Box, Frame, Image, Look
from smartselfie.settings import load
from smartselfie.sources.demo import Actor, DemoScript, DemoSource, smiling

CHUNK = 10
"""Frames that each side does before the other has its turn."""
FPS = 30.0
FOUND = 0.35
"""Intersection over union from which a box has found a face: detectors frame them differently."""


class Scene(NamedTuple):
    """Frames, and where the faces of each are."""

    frames: list[Frame]
    truth: list[list[Box]]


class Tally:
    """Counts the faces that were found, and the boxes that are none."""

    def __init__(self) -> None:
        self.faces = self.met = self.false = self.pictures = 0

    def add(self, truth: Sequence[Box], found: Sequence[Box]) -> None:
        """Count those of a picture."""
        self.pictures += 1
        self.faces += len(truth)
        self.met += sum(any(face.iou(box) > FOUND for box in found) for face in truth)
        self.false += sum(all(face.iou(box) <= FOUND for face in truth) for box in found)

    def __str__(self) -> str:
        """Recall, and false boxes a picture."""
        recall = f"{self.met / self.faces:.0%}" if self.faces else "-"
        return f"{recall}, {self.false / max(1, self.pictures):.2f}"


class UsualLoop:
    """The full cascade and `predict`, frame by frame; `found` has the boxes of the last frame."""

    def __init__(self, peers: Path | None) -> None:
        import keras

        from smartselfie.training.networks import build

        self.cascade = UsualCascade()
        theirs = sorted(peers.glob("*.hdf5")) if peers else []
        self.network = keras.models.load_model(theirs[0], compile=False) if theirs else build("mini_xception")
        self.size = self.network.input_shape[1:3]
        self.found: list[Box] = []

    def __call__(self, frame: Frame) -> None:
        """Find the faces, and score each by itself."""
        gray = cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY)
        self.found = self.cascade(gray)
        for x, y, w, h in ((box.x, box.y, box.width, box.height) for box in self.found):
            crop = cv2.resize(gray[y : y + h, x : x + w], self.size).astype(np.float32)
            self.network.predict((crop[None, ..., None] / 255 - 0.5) * 2, verbose=0)


class OurLoop:
    """The default settings, from detector to trigger."""

    def __init__(self) -> None:
        self.analysis = parts.build_analysis(load())
        self.found: list[Box] = []

    def __call__(self, frame: Frame) -> None:
        """Find, follow, score and decide."""
        faces, _ = self.analysis(frame)
        self.found = [face.box for face in faces]


def party(faces: int, tilt: float = 0.0) -> DemoScript:
    """A scene with so many people who smile at different times, and lean by so many degrees."""
    if faces == 1 and not tilt:
        return DemoSource().script
    actors = tuple(
        Actor(
            person=place,
            x=(place + 0.5) / faces,
            size=0.4 if faces == 1 else 0.62 / faces**0.6,
            smile=smiling((1.0 + 0.3 * place, 2.5 + 0.3 * place)),
            tilt=tilt,
        )
        for place in range(faces)
    )
    return DemoScript(actors, 6.0)


def scene(script: DemoScript, size: tuple[int, int], count: int) -> Scene:
    """The first frames of a scene, and where its script has the faces."""
    source = DemoSource(size, FPS, script)
    frames = [frame for _ in range(count) if (frame := source.read()) is not None]
    return Scene(frames, [_faces(script, size, frame.at) for frame in frames])


def _faces(script: DemoScript, size: tuple[int, int], at: float) -> list[Box]:
    found = []
    for pose in filter(None, (actor.pose(at) for actor in script.actors)):
        side = round(pose.size * size[1])
        x, y = pose.x * size[0], pose.y * size[1]
        if 0 < x < size[0]:
            found.append(Box(round(x - side / 2), round(y - side / 2), side, side))
    return found


def empty(size: tuple[int, int], count: int) -> Scene:
    """A still room with the noise of a camera, and nobody in it."""
    image = scene(DemoScript((), 1.0), size, 1).frames[0].image
    noise = [np.random.default_rng(n).integers(-3, 4, image.shape) for n in range(4)]
    images = [np.clip(image + each, 0, 255).astype(np.uint8) for each in noise]
    return Scene([Frame(images[n % 4], n, n / FPS) for n in range(count)], [[] for _ in range(count)])


def alternate(
    sides: Sequence[UsualLoop | OurLoop], played: Scene, threads: Sequence[int]
) -> tuple[list[list[float]], list[Tally]]:
    """Run each side over the frames, a chunk at a time; milliseconds a frame of each, and what it found."""
    times: list[list[float]] = [[] for _ in sides]
    tallies = [Tally() for _ in sides]
    frames = played.frames
    for side, count in zip(sides, threads, strict=True):
        cv2.setNumThreads(count)
        side(frames[0])  # what is made at the first use does not count
    for start in range(0, len(frames), CHUNK):
        for side, kept, tally, count in zip(sides, times, tallies, threads, strict=True):
            cv2.setNumThreads(count)
            for place in range(start, min(start + CHUNK, len(frames))):
                begin = time.perf_counter()
                side(frames[place])
                kept.append((time.perf_counter() - begin) * 1000)
                tally.add(played.truth[place], side.found)
    return times, tallies


def compare(count: int, peers: Path | None) -> list[dict[str, object]]:
    """The scenes, one after the other, both sides in turn."""
    rows: list[dict[str, object]] = []
    usual = UsualLoop(peers)
    scenes = {
        "one face, 640x480": scene(party(1), (640, 480), count),
        "one face, 1920x1080": scene(party(1), (1920, 1080), count),
        "five faces, 1280x720": scene(party(5), (1280, 720), count),
        "no face, 640x480": empty((640, 480), count),
        "one face that leans by 30 degrees, 640x480": scene(party(1, tilt=30), (640, 480), count),
    }
    for name, played in scenes.items():
        for label, threads in (("OpenCV's own threads", -1), ("one thread", 1)):
            (ours, theirs), (our_faces, their_faces) = alternate((OurLoop(), usual), played, (1, threads))
            ours = ours[1:]  # the first frame has no history
            rows.append(
                {
                    "scene": name,
                    "usual_threads": label,
                    "ours_ms": {
                        "mean": fmean(ours),
                        "median": median(ours),
                        "p95": quantiles(ours, n=20)[-1],
                    },
                    "usual_ms": {"mean": fmean(theirs), "median": median(theirs)},
                    "ours_found": str(our_faces),
                    "usual_found": str(their_faces),
                    "ratio_means": fmean(theirs) / fmean(ours),
                    "ratio_medians": median(theirs) / median(ours),
                }
            )
    return rows


def photographs(file: Path, count: int) -> Iterator[Image]:
    """Yield so many pictures of a .zip, evenly chosen."""
    with zipfile.ZipFile(file) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith((".webp", ".jpg", ".png")))
        for name in names[:: max(1, len(names) // count)][:count]:
            data = np.frombuffer(archive.read(name), np.uint8)
            yield np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def portraits(file: Path, count: int = 400) -> list[tuple[str, float, float]]:
    """Both searches on portraits, one thread: who, the share in which a face is found, milliseconds each."""
    cv2.setNumThreads(1)
    usual = UsualCascade()
    settings = load()
    ours = parts.build_detector(settings.detector, min_face=settings.trigger.min_face)
    photos = parts.build_photo_detector(settings.detector)
    sides: dict[str, Callable[[Image], bool]] = {
        "usual loop": lambda image: bool(usual(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))),
        "ours": lambda image: bool(ours(image, Look())),
        "ours, as for single photos": lambda image: bool(photos(image, Look())),
    }
    found: dict[str, list[bool]] = {name: [] for name in sides}
    times: dict[str, list[float]] = {name: [] for name in sides}
    for image in photographs(file, count):
        for name, side in sides.items():
            begin = time.perf_counter()
            found[name].append(side(image))
            times[name].append((time.perf_counter() - begin) * 1000)
    return [(name, fmean(found[name]), median(times[name])) for name in sides]
