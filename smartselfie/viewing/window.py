"""The window on the screen, and its keys."""

from __future__ import annotations

from types import TracebackType

import cv2
import numpy as np

from smartselfie.errors import DisplayError
from smartselfie.records import Change, Command, Image, Quit, Shutter, View
from smartselfie.viewing.display import display_problem
from smartselfie.viewing.overlay import draw

__all__ = ["Controls", "Window", "display_problem"]

STEP = 0.05
"""How far one press of + or - moves the threshold, or the certainty."""
SHOWN = 1.6
"""Seconds that a key's effect is shown in words."""
WELCOME = 5.0
"""Seconds that the keys are shown at the start."""
LARGEST = (1280, 720)
"""Pixels of a new window at the most; it can be enlarged."""
KEYS = "space: picture   f: full screen   m: mirror   o: overlay   + -: stricter or not   q: quit"


class Controls:
    """What the keys have set, and what is said of it on the picture; knows no window."""

    def __init__(self, *, mirror: bool, overlay: bool) -> None:
        self.mirror = mirror
        self.overlay = overlay
        self.fullscreen = False
        self._view: View | None = None
        self._message = KEYS
        self._message_until = float("inf")
        self._moved: float | None = None

    def picture(self, view: View, now: float) -> Image:
        """Return what is to be shown of a view at a time of the frame's clock: (H, W, 3) uint8 BGR."""
        if self._view is None:
            self._message_until = now + WELCOME
        elif view.frame.at < self._view.frame.at:  # another opening of the source: its clock starts again
            self._message = ""
        self._view = view
        if self._moved == _level(view):
            self._moved = None
        if not self.overlay:
            return np.asarray(cv2.flip(view.frame.image, 1), np.uint8) if self.mirror else view.frame.image
        message = self._message if now < self._message_until else ""
        return draw(view, now=now, mirror=self.mirror, message=message)

    def press(self, key: str) -> list[Command]:
        """Return what a key, as its character, asks the program for; the window's own keys act at once."""
        match key:
            case "q" | "Q" | "\x1b":
                return [Quit()]
            case " ":
                return [Shutter("key")]
            case "f" | "F":
                self.fullscreen = not self.fullscreen
            case "m" | "M":
                self.mirror = not self.mirror
                self._say("mirror on" if self.mirror else "mirror off")
            case "o" | "O":
                self.overlay = not self.overlay
            case "+" | "=":
                return self._move_level(STEP)
            case "-" | "_":
                return self._move_level(-STEP)
        return []

    def _move_level(self, step: float) -> list[Command]:
        if self._view is None:
            return []
        # Until a view shows that the last change has arrived, the next press goes on from it.
        base = _level(self._view) if self._moved is None else self._moved
        name, most = ("threshold", 1.0) if self._view.certainty is None else ("certainty", 1 - STEP)
        self._moved = round(min(most, max(STEP, base + step)), 3)
        self._say(f"{name} {self._moved:.2f}")
        return [Change({f"trigger.{name}": self._moved})]

    def _say(self, words: str) -> None:
        self._message = words
        self._message_until = (self._view.frame.at if self._view is not None else 0.0) + SHOWN


def _level(view: View) -> float:
    """What + and - move: how much of a smile it takes."""
    return view.threshold if view.certainty is None else view.certainty


class Window:
    """Shows views and turns keys into commands; used by the thread that opened it.

    q or Esc quits, and so does closing the window; space takes a picture; f, m and o switch full screen,
    mirror and overlay; + and - move the threshold or certainty.
    """

    def __init__(
        self,
        title: str = "smartselfie",
        *,
        mirror: bool = True,
        overlay: bool = True,
        fullscreen: bool = False,
    ) -> None:
        """Open the window; raises `DisplayError` where there is no display."""
        problem = display_problem()
        if problem is not None:
            raise DisplayError(f"no window: {problem}", remedy="use --headless")
        self.title = title
        self.controls = Controls(mirror=mirror, overlay=overlay)
        self.closed = False
        self._sized = False
        self._fullscreen = False
        try:
            # The plain window: the other has a tool bar, and complains when a wheel brings no fonts for it.
            cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        except cv2.error as error:
            raise DisplayError(
                "no window: this OpenCV was built without windows",
                remedy="install opencv-python, or use --headless",
            ) from error
        self.controls.fullscreen = fullscreen

    def show(self, view: View, *, now: float | None = None) -> None:
        """Draw a view into the window; `now` is the time in the frame's clock, for what fades."""
        if self.closed or self._gone():
            return  # showing a picture would open the window again
        if not self._sized:
            width, height = view.frame.size
            share = min(1.0, LARGEST[0] / width, LARGEST[1] / height)
            cv2.resizeWindow(self.title, round(width * share), round(height * share))
            self._sized = True
        if self._fullscreen is not self.controls.fullscreen:
            self._fullscreen = self.controls.fullscreen
            mode = cv2.WINDOW_FULLSCREEN if self._fullscreen else cv2.WINDOW_NORMAL
            cv2.setWindowProperty(self.title, cv2.WND_PROP_FULLSCREEN, mode)
        cv2.imshow(self.title, self.controls.picture(view, view.frame.at if now is None else now))

    def poll(self) -> list[Command]:
        """Let the window work for a millisecond and return what was asked for since the last time."""
        if self.closed:
            return []
        key = cv2.waitKey(1)  # of several keys since, OpenCV remembers the last
        commands = self.controls.press(chr(key & 0xFF)) if key >= 0 else []
        if self._gone():
            self.close()
            commands.append(Quit())
        return commands

    def close(self) -> None:
        """Close the window; harmless when repeated."""
        if self.closed:
            return
        self.closed = True
        if not self._gone():
            cv2.destroyWindow(self.title)
            cv2.waitKey(1)  # the window goes when its events are handled

    def __enter__(self) -> Window:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _gone(self) -> bool:
        try:
            return cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:
            return True
