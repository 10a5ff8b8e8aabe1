"""A small real daemon for the page's tests: drawn people, scores as the test wants them, the real trigger."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np

from smartselfie.deciding.rules import Rules
from smartselfie.deciding.trigger import Trigger
from smartselfie.outputs.events import Events
from smartselfie.pictures import files as picture_file
from smartselfie.records import (
    Arm,
    Box,
    Change,
    Command,
    Decision,
    Face,
    Frame,
    Image,
    Look,
    Scores,
    Shot,
    Shutter,
    View,
)
from smartselfie.settings import Settings, load, set_values
from smartselfie.viewing.newest import Newest

SIZE = (640, 360)


def scores(happy: float) -> Scores:
    """Return scores with this P(happy), the rest neutral but for a little sadness."""
    rest = 1 - happy
    return Scores((0.0, 0.0, 0.0, happy, rest * 0.2, 0.0, rest * 0.8))


def picture(size: tuple[int, int] = SIZE, shade: int = 120) -> Image:
    """Return a (H, W, 3) picture that compresses like a real one."""
    across = np.linspace(0, 120, size[0], dtype=np.uint8)
    image = np.repeat(across[None, :], size[1], axis=0)
    return np.dstack([image, image[::-1], np.full_like(image, shade)])


def write_picture(path: Path, *, happy: float = 0.9, size: tuple[int, int] = SIZE, shade: int = 120) -> None:
    """Save a picture as the saver does."""
    face = Face(Box(200, 80, 160, 160), 1, scores(happy))
    taken = datetime.now().astimezone()
    shot = Shot(picture(size, shade), (face,), SIZE, taken, seq=1, at=1.0, picked_at=1.0)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(picture_file.encode(shot))


def write_clip(path: Path) -> Path:
    """Write Motion JPEG for a browser's fake camera: 6 s at 25 frames a second, light from 2 s to 4 s."""
    with path.open("wb") as file:
        for number in range(150):
            image = np.full((240, 320, 3), 245 if 50 <= number < 100 else 30, np.uint8)
            image[number % 100 : number % 100 + 8, :8] = 128
            ok, data = cv2.imencode(".jpg", image)
            assert ok
            file.write(data.tobytes())
    return path


def rules(*, threshold: float = 0.6, hold_frames: int = 10) -> Rules:
    """Return rules that do not change with the defaults, and for which every face counts at once."""
    return Rules(
        rule="frames",
        threshold=threshold,
        release=None,
        hold_frames=hold_frames,
        hold_seconds=None,
        hold_rate=None,
        grace=2,
        cooldown=2.0,
        policy="any",
        min_face=0.0,
        min_relative=0.0,
        min_presence=0.0,
    )


class StillFaces:
    """A detector that always finds the same faces."""

    smallest = 0.0

    def __init__(self, *boxes: Box) -> None:
        self.boxes = list(boxes)

    def __call__(self, image: Image, look: Look) -> list[Face]:
        return [Face(box) for box in self.boxes]


class Brightness:
    """A classifier for which a bright crop is happy."""

    input_size = (48, 48)

    def __call__(self, crops: Image) -> list[Scores]:
        return [scores(float(crop.mean()) / 255) for crop in crops]


class Daemon:
    """Puts a view twenty times a second, obeys commands and saves; `happy` is what its face shows."""

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        self.folder = folder
        self.views: Newest[View] = Newest()
        self.events = Events()
        self.commands: queue.Queue[Command] = queue.Queue()
        self.settings = settings or load(None)
        self.happy = 0.1
        self.faces = 1
        self.notices: tuple[str, ...] = ()
        self.camera = threading.Event()
        self.camera.set()
        self._ticks = True
        self.trigger = Trigger(rules())
        self.shots = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="test-daemon")
        self._decision: Decision | None = None

    def __enter__(self) -> Daemon:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join(5)
        assert not self._thread.is_alive()

    def until(self, true: Callable[[], bool]) -> None:
        """Go on when `true` says so: commands are obeyed between two views. Fails when it takes too long."""
        for _ in range(200):
            if true():
                return
            self.views.get(after=self.views.get()[0], timeout=5)
        raise AssertionError("the daemon did not obey")

    def lose_camera(self, reason: str = "unplugged", *, ticks: bool = True) -> None:
        """Stop the pictures; `ticks`: the last view is put again and again meanwhile, as the loop does."""
        self._ticks = ticks
        self.camera.clear()
        self.events("camera_lost", reason=reason)

    def give_camera_back(self) -> None:
        """Let the pictures go on."""
        self.camera.set()
        self.events("camera_back")

    def _run(self) -> None:
        seq = 0
        while not self._stop.wait(0.05):
            while not self.commands.empty():
                self._obey(self.commands.get())
            if self.camera.is_set():
                seq += 1
                self._see(seq)
            elif self._ticks and (view := self.views.get()[1]) is not None:
                self.views.put(view)

    def _see(self, seq: int) -> None:
        at = time.monotonic()
        frame = Frame(picture(shade=40 + seq * 7 % 200), seq, at)
        faces = tuple(
            Face(Box(60 + 190 * place, 90, 150, 150), place + 1, scores(self.happy if place == 0 else 0.2))
            for place in range(self.faces)
        )
        decision = self.trigger.update(faces, at=at, size=SIZE)
        view = View(
            frame, faces, decision, self.trigger.rules.threshold, 20.0, self.shots, None, self.notices
        )
        self.views.put(view)
        if decision.fire:
            self._shoot("smile")

    def _obey(self, command: Command) -> None:
        match command:
            case Shutter(by):
                self._shoot(by)
            case Arm(on):
                self.trigger.arm(not self.trigger.armed if on is None else on)
            case Change(values):
                self.settings = set_values(self.settings, values)
                self.trigger.rules = rules(threshold=self.settings.trigger.threshold)

    def _shoot(self, by: str) -> None:
        self.shots += 1
        path = self.folder / f"selfie-20261120-183012-{self.shots:03}.jpg"
        write_picture(path, happy=self.happy)
        self.events("shot", at=1.0, picked_at=1.0, seq=self.shots, file=str(path), by=by)
