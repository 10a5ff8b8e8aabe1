"""A screen that nobody sees, with keys that a program presses: Xvfb, openbox and xdotool."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.shared import missing


class Screen:
    """An X server of its own; `name` is its DISPLAY."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.environ = {**os.environ, "DISPLAY": name}

    def xdotool(self, *words: str) -> str:
        """Run xdotool on this screen and return what it printed."""
        done = subprocess.run(
            ["xdotool", *words], env=self.environ, capture_output=True, text=True, timeout=20, check=False
        )
        return done.stdout.strip()

    def window(self, title: str) -> str | None:
        """The id of the visible window of that title, None while there is none."""
        found = self.xdotool("search", "--onlyvisible", "--name", f"^{title}$").split()
        return found[-1] if found else None

    def press(self, title: str, key: str) -> None:
        """Press a real key (X's names: space, plus, Escape) in the window of that title.

        One at a time, and not before it shows an effect: OpenCV forgets all but the last of several.
        """
        window = self.window(title)
        assert window is not None, f"no window {title!r} on {self.name}"
        self.xdotool("windowactivate", "--sync", window, "key", key)

    def close_window(self, title: str) -> None:
        """Ask the window to close, as its close button would."""
        window = self.window(title)
        assert window is not None, f"no window {title!r} on {self.name}"
        self.xdotool("windowactivate", "--sync", window, "key", "alt+F4")

    def wait_for(self, title: str, size: tuple[int, int] | None = None, timeout: float = 20) -> None:
        """Return when the window of that title is there, and has `size` (width, height in pixels)."""
        deadline = time.monotonic() + timeout
        found: tuple[int, int] | None = None
        while time.monotonic() < deadline:  # each turn asks the server, and so waits for it
            window = self.window(title)
            if window is None:
                continue
            shell = self.xdotool("getwindowgeometry", "--shell", window)
            values = dict(line.split("=") for line in shell.splitlines())
            found = int(values.get("WIDTH", 0)), int(values.get("HEIGHT", 0))
            if size in (None, found):
                return
        raise AssertionError(f"window {title!r} did not come as {size} within {timeout:g} s, it is {found}")

    def screenshot(self, path: Path) -> Path:
        """Write what the screen shows as a picture."""
        size = self.xdotool("getdisplaygeometry").replace(" ", "x")
        subprocess.run(
            [
                *f"ffmpeg -v error -y -f x11grab -video_size {size} -i {self.name} -frames:v 1".split(),
                str(path),
            ],
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=True,
        )
        return path


@contextmanager
def xvfb(size: tuple[int, int] = (1600, 900)) -> Iterator[Screen]:
    """Start a screen of `size` (width, height); skips the test where a program for it is not installed."""
    for program, package in (
        ("Xvfb", "xvfb"),
        ("openbox", "openbox"),
        ("xdotool", "xdotool"),
        ("ffmpeg", "ffmpeg"),
    ):
        if shutil.which(program) is None:
            missing(f"{program} is not installed: sudo apt-get install {package}")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size[0]}x{size[1]}x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as chosen:  # the server writes its number when it is ready
            assert select.select([chosen], [], [], 20)[0], "Xvfb did not start within 20 s"
            number = chosen.readline().strip()
        assert number, "Xvfb ended at once"
        screen = Screen(f":{number}")
        with _window_manager(screen):
            yield screen
    finally:
        server.terminate()
        server.wait(timeout=10)


@contextmanager
def _window_manager(screen: Screen) -> Iterator[None]:
    """Run openbox on a screen: without a window manager there is neither full screen nor a close button."""
    manager = subprocess.Popen(
        ["openbox", "--sm-disable"], env=screen.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        manager.terminate()
        manager.wait(timeout=10)
