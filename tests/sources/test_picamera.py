"""The Pi's camera, against a stand-in with picamera2's names and habits (the real one needs the hardware)."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest

from smartselfie.errors import CameraLostError, NoCameraError
from smartselfie.records import Image
from smartselfie.sources.picamera import BUFFERS, PiCamera

PADDING = 64
"""The hardware's rows are padded to a multiple of this many bytes."""


class Request:
    """One completed request: both streams of one moment. Its arrays die with its release, as buffers do."""

    def __init__(self, camera: Picamera2, value: int) -> None:
        self.camera, self.value = camera, value
        self.released = 0

    def make_array(self, name: str) -> Image:
        """RGB888 comes in BGR order; YUV420 as rows of bytes, padded."""
        assert not self.released, "the camera has this buffer back"
        width, height = self.camera.configuration[name]["size"]
        if name == "main":
            assert self.camera.configuration["main"]["format"] == "RGB888"
            self.camera.copies += 1
            return np.full((height, width, 3), (self.value, 0, 200), np.uint8)
        assert self.camera.configuration["lores"]["format"] == "YUV420"
        stride = -(-width // PADDING) * PADDING
        small = np.full((height, stride, 3), (self.value, 0, 200), np.uint8)
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2YUV_I420))

    def release(self) -> None:
        """Back to the camera, once."""
        self.released += 1
        assert self.released == 1
        self.camera.free += 1


class Picamera2:
    """Hands out as many requests as it has buffers, then waits for ever: here, an error."""

    made: ClassVar[list[Picamera2]] = []
    sensor_modes: ClassVar[list[dict[str, Any]]] = [
        {"size": (1536, 864), "fps": 120.1},
        {"size": (2304, 1296), "fps": 56.0},
        {"size": (4608, 2592), "fps": 14.4},
    ]
    failure: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        if "open" in self.failure:
            raise IndexError(self.failure["open"])
        self.configuration: dict[str, Any] = {}
        self.state = "open"
        self.count = self.copies = 0
        self.free = BUFFERS
        self.made.append(self)

    def create_video_configuration(
        self,
        main: dict[str, Any],
        lores: dict[str, Any],
        *,
        colour_space: object,
        buffer_count: int,
        controls: dict[str, object],
    ) -> dict[str, Any]:
        """As the real one, but only what is used."""
        for stream in (main, lores):
            assert stream["size"][0] % 2 == stream["size"][1] % 2 == 0
        assert lores["size"] <= main["size"]
        return {
            "main": main,
            "lores": lores,
            "colour_space": colour_space,
            "buffer_count": buffer_count,
            "controls": controls,
        }

    def configure(self, configuration: dict[str, Any]) -> None:
        """Remember it."""
        if "configure" in self.failure:
            raise RuntimeError(self.failure["configure"])
        self.configuration = configuration

    def start(self) -> None:
        """Run."""
        self.state = "started"

    def stop(self) -> None:
        """Stand."""
        self.state = "stopped"

    def close(self) -> None:
        """Give the hardware back."""
        self.state = "closed"

    def capture_request(self) -> Request:
        """The next picture, as long as there is a free buffer."""
        if "capture" in self.failure:
            raise RuntimeError(self.failure["capture"])
        assert self.free > 0, "starved: every buffer is held"
        self.free -= 1
        self.count += 1
        return Request(self, self.count)


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Stand-ins for picamera2 and libcamera."""
    monkeypatch.setattr(Picamera2, "made", [])
    monkeypatch.setattr(Picamera2, "failure", {})
    picamera2, libcamera = ModuleType("picamera2"), ModuleType("libcamera")
    picamera2.Picamera2 = Picamera2  # type: ignore[attr-defined]
    libcamera.ColorSpace = SimpleNamespace(Smpte170m=lambda: "Smpte170m")  # type: ignore[attr-defined]
    return picamera2, libcamera


def test_a_small_stream_is_analysed_and_a_large_one_kept(modules: Any) -> None:
    """The frame is the small stream without its padding; its still is the large one of the same request."""
    camera = PiCamera(size=(100, 80), fps=30, modules=modules)
    frame = camera.read()
    assert frame.image.shape == (56, 100, 3)  # 16:9, as the sensor sees
    assert frame.image.flags.c_contiguous
    assert np.abs(frame.image[5, 5].astype(int) - (1, 0, 200)).max() < 6  # red, not blue
    still = frame.still()
    assert still.shape == (1296, 2304, 3)
    assert tuple(still[0, 0]) == (1, 0, 200)
    assert frame.still() is still
    camera.close()


@pytest.mark.parametrize(
    ("fps", "still"), [(30, (2304, 1296)), (10, (4608, 2592)), (90, (1536, 864)), (500, (1536, 864))]
)
def test_the_still_is_the_largest_that_is_quick_enough(
    modules: Any, fps: float, still: tuple[int, int]
) -> None:
    """The sensor's largest mode that reaches the frame rate, or else its fastest."""
    camera = PiCamera(fps=fps, modules=modules)
    configuration = Picamera2.made[0].configuration
    assert configuration["main"]["size"] == still
    assert configuration["lores"]["size"] == (1280, 720)
    assert configuration["controls"] == {"FrameDurationLimits": (round(1e6 / fps),) * 2}
    assert configuration["colour_space"] == "Smpte170m"
    camera.close()


def test_frames_that_nobody_keeps_cost_no_copy(modules: Any) -> None:
    """Each request goes back as soon as its frame is dropped, without a look at the large picture."""
    camera = PiCamera(size=(160, 90), modules=modules)
    for seq in range(50):
        assert camera.read().seq == seq
    assert Picamera2.made[0].copies == 0
    camera.close()


def test_the_stills_of_kept_frames_stay_their_own(modules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many frames may be kept: the camera gets its buffers back, each still is of its own moment."""
    monkeypatch.setattr(Picamera2, "sensor_modes", [{"size": (320, 180), "fps": 60.0}])
    camera = PiCamera(modules=modules)
    kept = [camera.read() for _ in range(3 * BUFFERS)]
    camera.close()
    assert [int(frame.still()[0, 0, 0]) for frame in kept] == list(range(1, 3 * BUFFERS + 1))
    assert Picamera2.made[0].free == BUFFERS


def test_frames_can_be_passed_over(modules: Any) -> None:
    """A picture that is only grabbed goes back at once, and leaves a gap in the count."""
    camera = PiCamera(size=(160, 90), modules=modules)
    for _ in range(3 * BUFFERS):
        camera.grab()
    assert camera.retrieve().seq == 3 * BUFFERS - 1
    camera.grab()
    camera.close()
    assert Picamera2.made[0].free == BUFFERS


def test_pictures_and_stills_are_turned_alike(modules: Any) -> None:
    """`rotate` applies to both."""
    camera = PiCamera(size=(100, 80), rotate=90, modules=modules)
    frame = camera.read()
    assert frame.size == (56, 100)
    assert frame.still().shape == (2304, 1296, 3)
    camera.close()


def test_closing_stops_and_frees_the_camera(modules: Any) -> None:
    """After `close` the hardware is free for others."""
    camera = PiCamera(modules=modules)
    camera.read()
    camera.close()
    assert Picamera2.made[0].state == "closed"


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("open", "no camera at the Pi's connector, or another program uses it (it broke)"),
        ("configure", "the Pi's camera does not start at 2304x1296: it broke"),
    ],
)
def test_a_pi_without_a_camera_is_exit_3(modules: Any, step: str, words: str) -> None:
    """What picamera2 raises becomes NoCameraError, and nothing is left open."""
    Picamera2.failure[step] = "it broke"
    with pytest.raises(NoCameraError) as caught:
        PiCamera(modules=modules)
    assert words in str(caught.value)
    assert all(camera.state == "closed" for camera in Picamera2.made)


def test_a_pi_camera_that_fails_is_lost(modules: Any) -> None:
    """A capture that fails is CameraLostError, after which it is opened anew."""
    camera = PiCamera(modules=modules)
    camera.read()
    Picamera2.failure["capture"] = "it broke"
    with pytest.raises(CameraLostError, match="it broke"):
        camera.read()
    camera.close()
