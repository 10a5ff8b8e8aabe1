"""The real program as a process: started, listened to, signalled, and never left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
import PIL.Image
import pytest

from smartselfie.outputs.health import PATTERN, read_status
from smartselfie.records import Image
from smartselfie.sources.demo import Actor, DemoScript, draw_scene
from tests.shared import ROOT

MODEL = ROOT / "tests" / "data" / "pinned.tflite"
START = [sys.executable, "-m", "smartselfie", "run", "--headless"]
PATIENCE = 60.0
"""Seconds in which a busy machine does anything that is waited for."""

Event = dict[str, Any]

QUICK = f"""
classifier: {{model: {MODEL}}}
source: {{stall_after: 1s, open_after: 1s, frozen_after: 1s, black_after: 500ms, size: [320, 240]}}
trigger: {{hold: 1, cooldown: 0, repeat: 200ms, min_presence: 0, min_face: 0, release: 0.01}}
moment: null
performance: {{max_fps: 20}}
saver: {{folder: pictures}}
storage: {{min_free: 0}}
"""
"""Settings under which every smile is a picture five times a second, and faults are noticed soon."""


@cache
def _smile(size: tuple[int, int]) -> Image:
    return draw_scene(DemoScript((Actor(smile=1.0, size=0.42),), 2.0), size, 1.0)


def smiling_picture(index: int, size: tuple[int, int]) -> Image:
    """Somebody who smiles all the time, and a bar that moves with `index`."""
    image = _smile(size).copy()
    left = index * 3 % size[0]
    image[-size[1] // 12 :, left : left + size[0] // 8] = (30, 220, 120)
    return image


class Program:
    """`smartselfie run` in a folder of its own, with `config` as its config.yaml.

    Its events are collected as they come; `said()` is what it logged. Leaving the `with` block ends it.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        config: str = QUICK,
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.config = folder, folder / "config.yaml"
        self.pictures = folder / "pictures"
        self.runtime = folder / "run" / "smartselfie"
        self.events: list[Event] = []
        self.config.write_text(config)
        self._changed = threading.Condition()
        self._log = folder / "log.txt"
        given = {key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"}
        given |= {"XDG_RUNTIME_DIR": str(folder / "run"), **(environment or {})}
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [*prefix, *START, "--events", "-", *arguments],
                cwd=folder,
                env=given,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._reader = threading.Thread(target=self._listen, name="events", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    def said(self) -> str:
        """What it logged so far."""
        return self._log.read_text()

    def named(self, event: str, since: int = 0, **fields: object) -> list[Event]:
        """The events of that name, with those fields, from the `since`-th of all on."""
        return [
            each
            for each in self.events[since:]
            if each["event"] == event and all(each.get(key) == value for key, value in fields.items())
        ]

    def wait_for(
        self, event: str, since: int = 0, *, count: int = 1, timeout: float = PATIENCE, **fields: object
    ) -> Event:
        """Wait until that many such events have come; returns the last of them."""
        with self._changed:
            self._changed.wait_for(
                lambda: len(self.named(event, since, **fields)) >= count or self._ended(), timeout
            )
        found = self.named(event, since, **fields)
        if len(found) < count:
            pytest.fail(
                f"{count} {event} {fields} never came; got {self.events[since:][-5:]}; {self.said()[-2000:]}"
            )
        return found[count - 1]

    def wait_until(self, reached: Callable[[], object], timeout: float = PATIENCE) -> None:
        """Wait for what no event tells."""
        end = time.monotonic() + timeout
        while not reached():
            if time.monotonic() > end or self.process.poll() is not None:
                pytest.fail(f"waited in vain; {self.said()}; exit code {self.process.poll()}")
            time.sleep(0.01)

    def wait_for_words(self, words: str) -> None:
        """Wait until it has logged that."""
        self.wait_until(lambda: words in self.said())

    def status(self) -> dict[str, Any]:
        """What its status file says; {} where there is none."""
        try:
            return read_status(next(self.runtime.glob(PATTERN), self.runtime / "none"))
        except FileNotFoundError:
            return {}

    def cpu(self) -> float:
        """Seconds of processor time that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self, number: int = signal.SIGTERM, timeout: float = PATIENCE) -> int:
        """Send it a signal and return its exit code."""
        self.process.send_signal(number)
        return self.wait(timeout)

    def wait(self, timeout: float = PATIENCE) -> int:
        """Wait for its end and its last event; returns the exit code."""
        code = self.process.wait(timeout)
        self._reader.join(10)
        return code

    def check_pictures(self) -> int:
        """Fail unless every picture is whole and every one that was reported is there; returns how many."""
        reported = {event["file"] for event in self.named("shot")}
        there = [path for path in self.pictures.iterdir() if not path.name.startswith(".")]
        for path in there:
            with PIL.Image.open(path) as picture:
                picture.load()
        assert reported <= {str(path) for path in there}
        return len(there)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _ended(self) -> bool:
        return not self._reader.is_alive() and self.process.poll() is not None

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.events.append(json.loads(line))
                self._changed.notify_all()


def write_smiles(folder: Path, count: int) -> Path:
    """Fill a folder with pictures of a smile, for `--source FOLDER`."""
    folder.mkdir()
    for number in range(count):
        good, data = cv2.imencode(".jpg", smiling_picture(number, (320, 240)))
        assert good
        (folder / f"{number:04}.jpg").write_bytes(np.asarray(data).tobytes())
    return folder
