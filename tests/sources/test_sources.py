"""What `--source` takes, and what is said when it cannot be had."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from smartselfie.errors import NoCameraError, SmartSelfieError, SourceError, UsageError
from smartselfie.records import Frame, Image
from smartselfie.sources import SourceOpener, SourceSettings, open_from, open_source
from smartselfie.sources.auto import PATIENCE
from smartselfie.sources.devices import cameras, stable_name, users, why_not
from smartselfie.sources.folder import FolderSource, natural
from smartselfie.sources.rotation import check_rotation, rotated


def frames(use: str | Path, **options: object) -> list[Frame]:
    """Everything a recording gives."""
    source = open_source(str(use), **options)  # type: ignore[arg-type]
    try:
        return list(iter(source.read, None))
    finally:
        source.close()


def arrow(width: int = 32, height: int = 24) -> Image:
    """A picture of which every turn looks different: red at the left, blue at the top right."""
    image = np.full((height, width, 3), 60, np.uint8)
    image[:, : width // 4] = (0, 0, 220)
    image[: height // 4, width // 2 :] = (220, 0, 0)
    return image


def close_to(image: Image, other: Image, tolerance: float = 12) -> bool:
    """Whether two pictures are the same but for compression."""
    return image.shape == other.shape and float(np.abs(image.astype(int) - other).mean()) < tolerance


# Which kind.


@pytest.mark.parametrize("use", ["auto", "0", "12", "/dev/video0", "/dev/v4l/by-id/usb-x", "picamera"])
def test_cameras_are_live(use: str) -> None:
    """A camera is known as live before it is opened."""
    assert SourceOpener(use).live


@pytest.mark.parametrize(
    "use", ["http://camera/", "HTTPS://camera/x", "rtsp://u:p@camera/", "rtsps://camera/"]
)
def test_addresses_are_live(use: str) -> None:
    """A network address is known as live before it is opened."""
    assert SourceOpener(use).live


@pytest.mark.parametrize("use", ["clip.mp4", "folder/", "demo", "/home/me/x.gif", "http"])
def test_recordings_are_not_live(use: str) -> None:
    """Files, folders and the demo are no cameras."""
    assert not SourceOpener(use).live


@pytest.mark.parametrize(
    ("use", "words"),
    [
        ("dem", "did you mean 'demo'?"),
        ("Auto", "did you mean 'auto'?"),
        ("wibble", "give auto, a camera's number"),
    ],
)
def test_an_unknown_word_gets_a_hint(use: str, words: str) -> None:
    """What is neither a file nor a known word is a usage error (exit 2) with the nearest word."""
    with pytest.raises(UsageError) as caught:
        open_source(use)
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("use", ["missing.mp4", "no/such/folder", "./clip"])
def test_a_missing_file_is_named(use: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that is not there is a source error that names it."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match="there is no such file or folder"):
        open_source(use)


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    """Opening one would wait for ever for somebody who writes."""
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(SourceError, match="neither a file nor a folder"):
        open_source(str(tmp_path / "pipe.mp4"))


def test_a_name_that_no_disk_takes_is_one_line() -> None:
    """Too long for the file system: said, and cut short."""
    with pytest.raises(SourceError, match=r"a{200}: cannot be read: File name too long$"):
        open_source("a" * 5000)


def test_an_unknown_kind_of_address_names_those_that_are_read() -> None:
    """`ftp://` is none of them."""
    with pytest.raises(UsageError, match="only http, https, rtsp and rtsps"):
        open_source("ftp://127.0.0.1/clip.mp4")


@pytest.mark.parametrize("use", ["/dev/video97", "97"])
def test_a_missing_camera_is_exit_3(use: str) -> None:
    """No such camera: exit 3, the device's name, and how to choose another source."""
    with pytest.raises(NoCameraError) as caught:
        open_source(use)
    assert caught.value.exit_code == 3
    assert "/dev/video97" in str(caught.value) or sys.platform != "linux"
    assert "choose another with --source" in str(caught.value)


@pytest.mark.parametrize("use", ["auto", "/dev/video97", "rtsp://127.0.0.1:1/", "bad.mp4"])
def test_nothing_is_written_but_our_own_lines(use: str, tmp_path: Path) -> None:
    """OpenCV and FFmpeg keep quiet about what they cannot open: stderr stays empty."""
    (tmp_path / "bad.mp4").write_bytes(b"\x00\x00\x00\x18ftypisom" + bytes(range(256)) * 40)
    code = f"""
from smartselfie.sources import open_source
try: open_source({use!r}).read()
except OSError as error: print(type(error).__name__)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    if use != "auto":  # there may be a camera here
        assert done.stdout.strip() in ("NoCameraError", "SourceError")


def test_only_what_is_asked_for_is_imported() -> None:
    """Importing the package of sources loads no OpenCV, and no source."""
    code = "import sys, smartselfie.sources; print('cv2' in sys.modules, 'urllib.request' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["False", "False"]


# Rotation.


def test_pictures_turn_clockwise() -> None:
    """90 turns the left edge to the top; four quarters are the picture itself."""
    image = arrow()
    assert (rotated(image, 90)[0] == (0, 0, 220)).all()
    assert rotated(image, 0) is image
    assert (rotated(rotated(image, 90), 270) == image).all()
    assert (rotated(image, 180) == image[::-1, ::-1]).all()


def test_other_angles_are_refused() -> None:
    """Only quarters are possible."""
    with pytest.raises(ValueError, match="0, 90, 180 or 270 degrees, got 45"):
        check_rotation(45)


# Devices.


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: device files")


@on_linux
def test_cameras_are_listed_by_number(tmp_path: Path) -> None:
    """`auto` tries video2 before video10, and nothing else in /dev."""
    for name in ["video10", "video2", "video", "videoX", "vcs1"]:
        (tmp_path / name).touch()
    assert cameras(tmp_path) == [str(tmp_path / "video2"), str(tmp_path / "video10")]


@on_linux
def test_a_pis_codecs_are_no_cameras(tmp_path: Path) -> None:
    """Devices that only look like cameras are passed over by their driver's name."""
    for number, name in enumerate(["bcm2835-codec-decode", "HD Webcam: HD Webcam", "rp1-cfe-csi2_ch0"]):
        (tmp_path / f"video{number}").touch()
        (tmp_path / "sys" / f"video{number}").mkdir(parents=True)
        (tmp_path / "sys" / f"video{number}" / "name").write_text(name + "\n")
    assert cameras(tmp_path, tmp_path / "sys") == [str(tmp_path / "video1")]


def test_a_stable_name_is_found(tmp_path: Path) -> None:
    """A device's link in by-id is preferred; without one the device's own name stays."""
    device, other = tmp_path / "video0", tmp_path / "video1"
    device.touch()
    other.touch()
    link = tmp_path / "v4l" / "by-id" / "usb-Maker_Camera-video-index0"
    link.parent.mkdir(parents=True)
    link.symlink_to("../../video0")
    assert stable_name(str(device), tmp_path) == str(link)
    assert stable_name(str(other), tmp_path) == str(other)


@pytest.mark.parametrize(
    ("make", "words"),
    [(Path.mkdir, "does not open: Is a directory"), (Path.touch, "does not open as a camera")],
)
def test_what_is_no_camera_is_said(tmp_path: Path, make: Callable[[Path], None], words: str) -> None:
    """A device that is there and does not open gets the system's reason, or the likeliest."""
    make(tmp_path / "video0")
    assert words in why_not(str(tmp_path / "video0"))


@on_linux
def test_a_device_of_another_kind_is_no_camera() -> None:
    """Whoever else has it open does not matter."""
    assert why_not("/dev/null") == "/dev/null is no camera"


@on_linux
def test_who_holds_a_device_is_named(tmp_path: Path) -> None:
    """A device in use: the program that holds it is named."""
    device = tmp_path / "video0"
    device.touch()
    with device.open("rb") as opened, subprocess.Popen(["sleep", "60"], stdin=opened) as holder:
        try:
            assert users(str(device)) == [f"sleep (pid {holder.pid})"]
            assert f"is in use by sleep (pid {holder.pid})" in why_not(str(device))
        finally:
            holder.kill()


# Folders.


def test_a_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    """2.png comes before 10.png; each is a frame, with media time by `fps`."""
    for number in [10, 2, 1]:
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((8, 8, 3), number, np.uint8))
    found = frames(tmp_path, fps=10)
    assert [frame.image[0, 0, 0] for frame in found] == [1, 2, 10]
    assert [frame.seq for frame in found] == [0, 1, 2]
    assert [frame.at for frame in found] == pytest.approx([0.0, 0.1, 0.2])


def test_natural_order_knows_numbers() -> None:
    """Numbers inside names count as numbers, letters without regard to case."""
    names = ["IMG_10.jpg", "img_9.JPG", "img_9b.jpg", "1.jpg"]
    assert sorted(names, key=natural) == ["1.jpg", "img_9.JPG", "img_9b.jpg", "IMG_10.jpg"]


def test_other_files_are_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever else lies in the folder costs one log line; hidden files and folders cost none."""
    cv2.imwrite(str(tmp_path / "a.jpg"), arrow())
    for name in ["notes.txt", "clip.mp4", ".hidden.jpg"]:
        (tmp_path / name).write_text("x")
    (tmp_path / "sub.jpg").mkdir()
    with caplog.at_level(logging.INFO):
        assert len(frames(tmp_path)) == 1
    assert [record.message for record in caplog.records] == [f"{tmp_path}: 2 other files are passed over"]


def test_damaged_pictures_are_named_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A picture that cannot be read costs a line with its name, and the rest goes on."""
    cv2.imwrite(str(tmp_path / "a.jpg"), arrow())
    (tmp_path / "b.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:100])
    (tmp_path / "c.png").write_bytes(b"")
    cv2.imwrite(str(tmp_path / "d.png"), arrow())
    assert [frame.seq for frame in frames(tmp_path)] == [0, 1]
    assert [Path(record.message.split()[2][:-1]).name for record in caplog.records] == ["b.jpg", "c.png"]


def test_a_folder_of_nothing_but_damaged_pictures_is_an_error(tmp_path: Path) -> None:
    """When not one picture can be read, that is said."""
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(SourceError, match="none of its pictures can be read"):
        frames(tmp_path)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    """A folder without pictures is refused."""
    with pytest.raises(SourceError, match="holds no pictures"):
        open_source(str(tmp_path))


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    """A folder that went away is named."""
    with pytest.raises(SourceError, match="gone: No such file or directory"):
        FolderSource(tmp_path / "gone")


def test_every_kind_of_picture_becomes_upright_bgr(tmp_path: Path) -> None:
    """Gray, 16 bit, alpha, 1x1, EXIF-rotated: all are (H, W, 3) uint8, and upright."""
    gray = np.tile(np.arange(32, dtype=np.uint8) * 8, (24, 1))
    cv2.imwrite(str(tmp_path / "1-gray.png"), gray)
    cv2.imwrite(str(tmp_path / "2-deep.png"), gray.astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / "3-alpha.png"), np.dstack([arrow(), np.full((24, 32), 255, np.uint8)]))
    cv2.imwrite(str(tmp_path / "4-dot.png"), np.full((1, 1, 3), 9, np.uint8))
    exif = Pillow.Exif()
    exif[0x0112] = 6  # lies on its left side: turn clockwise
    turned = rotated(arrow(), 270)
    Pillow.fromarray(turned[:, :, ::-1]).save(tmp_path / "5-turned.jpg", exif=exif, quality=95)
    images = [frame.image for frame in frames(tmp_path)]
    assert all(image.dtype == np.uint8 and image.ndim == 3 for image in images)
    assert close_to(images[0], cv2.merge([gray] * 3), 1)
    assert close_to(images[1], cv2.merge([gray] * 3), 1)
    assert close_to(images[2], arrow(), 1)
    assert images[3].shape == (1, 1, 3)
    assert close_to(images[4], arrow())


def test_pictures_of_a_folder_are_turned(tmp_path: Path) -> None:
    """`rotate` applies to pictures too."""
    cv2.imwrite(str(tmp_path / "a.png"), arrow())
    assert (frames(tmp_path, rotate=90)[0].image == rotated(arrow(), 90)).all()


def test_a_single_picture_is_refused_with_a_hint(tmp_path: Path) -> None:
    """A picture is no source of frames; `classify` is for it."""
    cv2.imwrite(str(tmp_path / "me.jpg"), arrow())
    with pytest.raises(SourceError, match="give its folder, or 'smartselfie classify"):
        open_source(str(tmp_path / "me.jpg"))


# The Pi's camera, when it is not there.


def test_a_missing_picamera2_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without picamera2 `picamera` is exit 3 with the line that installs it."""
    monkeypatch.setitem(sys.modules, "picamera2", None)  # as if it were not installed
    with pytest.raises(NoCameraError, match=r"sudo apt install python3-picamera2.*--system-site-packages"):
        open_source("picamera")


def test_every_error_is_one_line(tmp_path: Path) -> None:
    """Whatever cannot be opened is said in a single line."""
    for use in ["auto", "97", "dem", "nope.mp4", str(tmp_path), "http://127.0.0.1:1/", "rtsp://127.0.0.1:1/"]:
        with pytest.raises(SmartSelfieError) as caught:
            open_source(use)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 300


class FakeWebcam:
    """Stands in for `Webcam`: what opens, and what gives pictures, is for the test to say."""

    live = True
    asked: ClassVar[list[object]] = []
    refuses: ClassVar[set[object]] = set()
    blind: ClassVar[set[object]] = set()

    def __init__(self, device: str | int, **_: object) -> None:
        self.asked.append(device)
        if device in self.refuses:
            raise NoCameraError("busy")
        self.device = device

    def probe(self) -> None:
        if self.device in self.blind:
            raise NoCameraError("gives no picture")

    def close(self) -> None:
        self.asked.append(f"closed {self.device}")


@pytest.fixture
def webcams(monkeypatch: pytest.MonkeyPatch) -> type[FakeWebcam]:
    """Three of them; video2 has a stable name."""
    opencv = ModuleType("smartselfie.sources.opencv")
    opencv.Webcam = FakeWebcam  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "smartselfie.sources.opencv", opencv)
    devices = "smartselfie.sources.devices."
    monkeypatch.setattr(devices + "cameras", lambda: [f"/dev/video{number}" for number in range(3)])
    monkeypatch.setattr(devices + "stable_name", lambda device: STABLE if device == "/dev/video2" else device)
    for name, value in [("asked", []), ("refuses", set()), ("blind", set())]:
        monkeypatch.setattr(FakeWebcam, name, value)
    return FakeWebcam


STABLE = "/dev/v4l/by-id/the-good-one"


def test_auto_takes_the_first_camera_that_gives_a_picture(webcams: type[FakeWebcam]) -> None:
    """One that does not open or stays blind is passed over, and given back."""
    webcams.refuses.add("/dev/video0")
    webcams.blind.add("/dev/video1")
    SourceOpener("auto")()
    assert webcams.asked == ["/dev/video0", "/dev/video1", "closed /dev/video1", "/dev/video2"]


def test_auto_says_what_it_tried(webcams: type[FakeWebcam]) -> None:
    """When none gives a picture, they are named."""
    webcams.refuses.update(f"/dev/video{number}" for number in range(3))
    with pytest.raises(NoCameraError, match="none of /dev/video0, /dev/video1, /dev/video2 gives a picture"):
        SourceOpener("auto")()


def test_a_found_camera_is_looked_for_before_any_other(webcams: type[FakeWebcam]) -> None:
    """After a loss `auto` waits for its camera, by its stable name, before it takes another."""
    webcams.refuses.update(["/dev/video0", "/dev/video1"])
    opener = SourceOpener("auto")
    opener()
    webcams.asked.clear()
    webcams.refuses.clear()
    webcams.refuses.add(STABLE)
    for _ in range(PATIENCE):
        with pytest.raises(NoCameraError):
            opener()
    assert webcams.asked == [STABLE] * PATIENCE
    opener()
    assert webcams.asked[-1] == "/dev/video0"


@on_linux
def test_a_numbered_camera_is_found_under_another_number(
    webcams: type[FakeWebcam], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replugged it may have another number: its stable name is used while it exists, else what was asked."""
    stable = tmp_path / "by-id"
    stable.touch()
    monkeypatch.setattr("smartselfie.sources.devices.stable_name", lambda device: str(stable))
    opener = SourceOpener("/dev/video7")
    opener()
    opener()
    stable.unlink()
    opener()
    assert webcams.asked == ["/dev/video7", str(stable), "/dev/video7"]


def test_a_stream_may_keep_silent_as_long_as_the_watch_allows() -> None:
    """The source gives up a little later than the watch, which knows better what to say of it."""
    settings = SourceSettings(use="rtsp://camera/x", stall_after=7)
    assert open_from(settings).timeout == 7.25
    assert open_from(settings).settings is settings
