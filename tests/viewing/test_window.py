"""The window: its keys as pure logic, and the real thing on a screen of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from smartselfie.errors import DisplayError
from smartselfie.records import Change, Decision, Frame, Quit, Shutter, State, View
from smartselfie.viewing.display import display_problem
from smartselfie.viewing.window import KEYS, SHOWN, WELCOME, Controls, Window
from tests.xvfb import Screen, xvfb

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="X11 is probed on Linux")


def view(at: float = 0.0, threshold: float = 0.6) -> View:
    """A gray picture whose left half is darker."""
    image = np.full((240, 320, 3), 160, np.uint8)
    image[:, :160] = 40
    return View(Frame(image, 0, at), (), Decision(State.WATCHING, 0.0, False, "no face"), threshold, 30.0)


def test_quit_keys() -> None:
    """q and Esc ask the program to end."""
    controls = Controls(mirror=False, overlay=True)
    assert controls.press("q") == [Quit()]
    assert controls.press("\x1b") == [Quit()]


def test_space_takes_a_picture() -> None:
    """Space asks for a picture and says that a key did."""
    assert Controls(mirror=False, overlay=True).press(" ") == [Shutter("key")]


def test_other_keys_ask_for_nothing() -> None:
    """A key without a meaning changes nothing."""
    controls = Controls(mirror=True, overlay=True)
    assert controls.press("x") == []
    assert (controls.mirror, controls.overlay, controls.fullscreen) == (True, True, False)


def test_threshold_goes_on_from_the_last_press() -> None:
    """Two presses before a new view count as two steps, not as one."""
    controls = Controls(mirror=False, overlay=True)
    controls.picture(view(), 0.0)
    assert controls.press("+") == [Change({"trigger.threshold": 0.65})]
    assert controls.press("+") == [Change({"trigger.threshold": 0.7})]
    assert controls.press("-") == [Change({"trigger.threshold": 0.65})]


def test_threshold_follows_the_program() -> None:
    """Once the change has arrived, a threshold set elsewhere is where the next press starts."""
    controls = Controls(mirror=False, overlay=True)
    controls.picture(view(), 0.0)
    controls.press("+")
    controls.picture(view(0.1, 0.65), 0.1)
    controls.picture(view(0.2, 0.3), 0.2)
    assert controls.press("+") == [Change({"trigger.threshold": 0.35})]


def test_with_a_model_the_keys_move_its_certainty() -> None:
    """Where the last second is judged the threshold is not what people want to move."""
    controls = Controls(mirror=False, overlay=True)
    controls.picture(replace(view(), certainty=0.65), 0.0)
    assert controls.press("+") == [Change({"trigger.certainty": 0.7})]
    controls.picture(replace(view(0.1), certainty=0.95), 0.1)
    assert controls.press("+") == [Change({"trigger.certainty": 0.75})]


@pytest.mark.parametrize(("start", "key", "end"), [(0.98, "+", 1.0), (0.06, "-", 0.05)])
def test_threshold_stays_valid(start: float, key: str, end: float) -> None:
    """No press moves the threshold out of what the trigger accepts."""
    controls = Controls(mirror=False, overlay=True)
    controls.picture(view(threshold=start), 0.0)
    assert controls.press(key) == [Change({"trigger.threshold": end})]


def test_threshold_needs_a_view() -> None:
    """Before the first view nothing is known to step from."""
    assert Controls(mirror=False, overlay=True).press("+") == []


def test_mirror_key_flips_the_picture() -> None:
    """m swaps left and right of what is shown, and back."""
    controls = Controls(mirror=True, overlay=False)
    assert controls.picture(view(), 0.0)[0, 0, 0] == 160
    controls.press("m")
    assert controls.picture(view(), 0.0)[0, 0, 0] == 40


def test_overlay_key_shows_the_bare_picture() -> None:
    """o takes everything that is drawn off the picture."""
    controls = Controls(mirror=False, overlay=True)
    shown = view()
    assert not np.array_equal(controls.picture(shown, 0.0), shown.frame.image)
    controls.press("o")
    assert np.array_equal(controls.picture(shown, 0.0), shown.frame.image)


def test_key_effects_are_said_for_a_while() -> None:
    """The new threshold stands on the picture at first, and is gone later."""
    controls = Controls(mirror=False, overlay=True)
    controls.picture(view(), 0.0)
    quiet = controls.picture(view(WELCOME), WELCOME)
    controls.press("+")
    assert not np.array_equal(controls.picture(view(WELCOME), WELCOME + 0.1), quiet)
    assert np.array_equal(controls.picture(view(WELCOME), WELCOME + SHOWN), quiet)


def test_welcome_names_every_key() -> None:
    """The line shown at the start names each key that does something."""
    for key in ("space", "f:", "m:", "o:", "+", "-", "q:"):
        assert key in KEYS


@LINUX
def test_no_display_is_named() -> None:
    """Without DISPLAY and WAYLAND_DISPLAY the problem says so."""
    assert "neither DISPLAY nor WAYLAND_DISPLAY" in (display_problem({}) or "")


@LINUX
def test_dead_display_is_named() -> None:
    """A DISPLAY that nobody serves is found out before OpenCV is asked, which would end the process."""
    assert display_problem({"DISPLAY": ":3999"}) == "the display DISPLAY=:3999 does not answer"


@LINUX
def test_odd_display_is_named() -> None:
    """A DISPLAY that is no display's name is refused with an example of one."""
    assert "such as :0" in (display_problem({"DISPLAY": "my screen"}) or "")


@LINUX
def test_wayland_needs_its_socket_and_an_opencv_that_speaks_it(tmp_path: Path) -> None:
    """Wayland counts only if its socket is there and OpenCV's Qt has the plugin for it."""
    environ = {"WAYLAND_DISPLAY": "wayland-9", "XDG_RUNTIME_DIR": str(tmp_path)}
    assert "does not answer" in (display_problem(environ) or "")
    (tmp_path / "wayland-9").touch()
    assert display_problem(environ) is None
    (tmp_path / "platforms").mkdir()
    environ["QT_QPA_PLATFORM_PLUGIN_PATH"] = str(tmp_path)
    assert "XWayland" in (display_problem(environ) or "")


@LINUX
def test_a_server_that_says_nothing_is_no_display() -> None:
    """Something that listens but does not speak X is given up on, not waited for."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(4)
        display = f"127.0.0.1:{server.getsockname()[1] - 6000}"
        problem = display_problem({"DISPLAY": display}, patience=0.2)
    assert problem == f"the display DISPLAY={display} does not answer"


def test_macs_always_have_a_display() -> None:
    """macOS sets no DISPLAY and needs none."""
    assert display_problem({}, platform="darwin") is None


@LINUX
def test_window_without_display_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a window without a display is one clear error, not the end of the process."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    with pytest.raises(DisplayError, match="--headless"):
        Window("nowhere")


PROGRAM = """
import dataclasses, json, os
from smartselfie.viewing.display import display_problem
from smartselfie.records import Change, Quit
from smartselfie.viewing.window import Window
from tests.viewing.test_window import view
os.environ["QT_QPA_FONTDIR"] = "/nowhere"  # as some of OpenCV's wheels have it; must not be complained of
assert display_problem() is None
window, threshold, shown = Window("smartselfie test", mirror=True), 0.6, None
for index in range(100_000):
    window.show(view(index / 30, threshold))
    commands = window.poll()
    for command in commands:
        if isinstance(command, Change):
            threshold = command.values["trigger.threshold"]
        print(json.dumps([type(command).__name__, dataclasses.asdict(command)]), flush=True)
    state = [window.controls.fullscreen, window.controls.mirror, window.controls.overlay]
    if state != shown:
        shown = state
        print(json.dumps(["state", state]), flush=True)
    if any(isinstance(command, Quit) for command in commands):
        break
window.close()
window.close()
print(json.dumps(["end", None]), flush=True)
"""


class Running:
    """A program that shows a window and prints what its keys do."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def says(self) -> list[object]:
        """The next thing it prints."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            assert self.process.stderr is not None
            pytest.fail(f"the program ended: {self.process.stderr.read()}")
        return list(json.loads(line))


@contextmanager
def running(screen: Screen) -> Iterator[Running]:
    """Run the program on a screen; it must end by itself, without an error or a warning."""
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=root,
        env={**screen.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Running(process)
        assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.communicate()


@LINUX
def test_window_on_a_real_screen(tmp_path: Path) -> None:
    """Real keys in a real window: a manual shot, the threshold, full screen, mirror, overlay, quit."""
    title = "smartselfie test"
    with xvfb() as screen, running(screen) as program:
        assert program.says() == ["state", [False, True, True]]
        screen.wait_for(title, size=(320, 240))
        screen.press(title, "space")
        assert program.says() == ["Shutter", {"by": "key"}]
        screen.press(title, "plus")
        assert program.says() == ["Change", {"values": {"trigger.threshold": 0.65}}]
        screen.press(title, "minus")
        assert program.says() == ["Change", {"values": {"trigger.threshold": 0.6}}]
        screen.press(title, "m")
        assert program.says() == ["state", [False, False, True]]
        screen.press(title, "o")
        assert program.says() == ["state", [False, False, False]]
        screen.press(title, "f")
        assert program.says() == ["state", [True, False, False]]
        screen.wait_for(title, size=(1600, 900))
        shot = cv2.imread(str(screen.screenshot(tmp_path / "screen.png")))
        assert shot is not None
        assert shot.shape == (900, 1600, 3)
        assert {int(shot[450, 500, 0]), int(shot[450, 1100, 0])} == {40, 160}
        screen.press(title, "f")
        assert program.says() == ["state", [False, False, False]]
        screen.wait_for(title, size=(320, 240))
        screen.press(title, "Escape")
        assert program.says() == ["Quit", {}]
        assert program.says() == ["end", None]


@LINUX
def test_closing_the_window_quits() -> None:
    """The window's own close button ends the program, and the window stays closed."""
    title = "smartselfie test"
    with xvfb() as screen, running(screen) as program:
        assert program.says()[0] == "state"
        screen.wait_for(title)
        screen.close_window(title)
        assert program.says() == ["Quit", {}]
        assert program.says() == ["end", None]
