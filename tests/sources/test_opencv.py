"""Webcams (acted by a small class), video files (real ones, written here), and streams through FFmpeg."""

from __future__ import annotations

import logging
import math
import re
import struct
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from smartselfie.errors import CameraLostError, NoCameraError, SourceError
from smartselfie.records import Frame, Image
from smartselfie.sources import open_source
from smartselfie.sources.opencv import NetworkStream, VideoFile, Webcam
from tests.mjpeg_server import MjpegServer, moving_picture
from tests.sources.test_sources import arrow, close_to, frames

SIZE = (64, 48)


class Capture:
    """Acts as OpenCV's capture of a webcam: gives what it is told to, in order; None is a failed read."""

    def __init__(
        self,
        given: Sequence[Image | None] = (),
        *,
        opens: bool = True,
        size: tuple[int, int] = SIZE,
        fps: float = 30,
    ) -> None:
        self.given = list(given)
        self.opens = opens
        self.truth = {
            cv2.CAP_PROP_FRAME_WIDTH: float(size[0]),
            cv2.CAP_PROP_FRAME_HEIGHT: float(size[1]),
            cv2.CAP_PROP_FPS: fps,
        }
        self.wishes: list[tuple[int, float]] = []
        self.reads = 0
        self.released = False
        self.held: Image | None = None
        self.decoded = 0

    def isOpened(self) -> bool:  # noqa: N802
        return self.opens

    def grab(self) -> bool:
        self.reads += 1
        self.held = self.given.pop(0) if self.given else None
        return self.held is not None

    def retrieve(self) -> tuple[bool, Image | None]:
        self.decoded += 1
        return True, self.held

    def read(self) -> tuple[bool, Image | None]:
        raise AssertionError("a webcam is grabbed and retrieved")

    def get(self, prop: int, /) -> float:
        return self.truth.get(prop, 0.0)

    def set(self, prop: int, value: float, /) -> bool:
        self.wishes.append((prop, value))
        return True

    def release(self) -> None:
        self.released = True


def webcam(capture: Capture, *, rotate: int = 0) -> Webcam:
    """A webcam that is the actor."""
    return Webcam("/dev/video97", size=SIZE, fps=30, rotate=rotate, open_capture=lambda device: capture)


def test_a_webcam_is_asked_for_mjpg_first() -> None:
    """MJPG, then size and rate, and a buffer of one: the order and the buffer matter to drivers."""
    capture = Capture()
    webcam(capture)
    assert capture.wishes == [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, 64),
        (cv2.CAP_PROP_FRAME_HEIGHT, 48),
        (cv2.CAP_PROP_FPS, 30),
        (cv2.CAP_PROP_BUFFERSIZE, 1),
    ]


@pytest.mark.parametrize(
    ("given", "fps", "lines"), [(SIZE, 30, 0), ((32, 24), 30, 1), (SIZE, 15, 1), (SIZE, 0, 0)]
)
def test_what_the_camera_gives_instead_is_said(
    given: tuple[int, int], fps: float, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    """One line when size or rate are not as asked, none when they are (or the driver does not tell)."""
    with caplog.at_level(logging.INFO):
        webcam(Capture(size=given, fps=fps))
    assert len(caplog.records) == lines


def test_webcam_frames_are_counted_and_turned() -> None:
    """Frames count from 0, carry monotonic time, and are rotated."""
    camera = webcam(Capture([arrow(), arrow()]), rotate=180)
    first, second = camera.read(), camera.read()
    assert (first.seq, second.seq) == (0, 1)
    assert second.at >= first.at
    assert (first.image == arrow()[::-1, ::-1]).all()


def test_a_camera_that_does_not_open_is_no_camera() -> None:
    """NoCameraError with the reason, and the device is given back."""
    capture = Capture(opens=False)
    with pytest.raises(NoCameraError, match="there is no camera /dev/video97"):
        webcam(capture)
    assert capture.released


def test_one_damaged_picture_is_no_loss() -> None:
    """Now and then a read fails, or gives True without a picture: the next one counts."""
    capture = Capture([None, np.zeros((0, 0, 3), np.uint8), arrow()])
    assert webcam(capture).read().image.size == arrow().size


def test_no_more_pictures_are_a_loss() -> None:
    """A few failed reads in a row are CameraLostError, not a busy loop."""
    capture = Capture([arrow()])
    camera = webcam(capture)
    camera.read()
    with pytest.raises(CameraLostError, match="/dev/video97 gives no picture any more"):
        camera.read()
    assert capture.reads < 10
    camera.close()
    assert capture.released


def test_a_webcams_frames_can_be_passed_over() -> None:
    """A frame that is only grabbed is not decoded, and leaves a gap in the count."""
    capture = Capture([arrow(), arrow(), arrow()])
    camera = webcam(capture)
    camera.grab()
    camera.grab()
    camera.grab()
    frame = camera.retrieve()
    assert frame is not None
    assert frame.seq == 2
    assert capture.decoded == 1


def test_now_and_then_a_damaged_picture_never_adds_up() -> None:
    """Only failures in a row are a loss: a camera with a bad cable goes on."""
    nothing = np.zeros((0, 0, 3), np.uint8)
    camera = webcam(Capture([nothing, arrow()] * 12))
    assert [camera.read().seq for _ in range(12)] == list(range(1, 24, 2))


def test_pictures_that_are_all_damaged_are_a_loss() -> None:
    """True without a picture, again and again, is CameraLostError."""
    nothing = np.zeros((0, 0, 3), np.uint8)
    with pytest.raises(CameraLostError):
        webcam(Capture([nothing] * 50)).read()


def test_a_read_that_took_long_is_not_repeated() -> None:
    """A driver that waited its ten seconds in vain is not asked again: one failed read is the loss."""
    capture = Capture()
    times = iter([0.0, 10.0, 10.0])
    camera = Webcam("/dev/video97", open_capture=lambda device: capture, clock=lambda: next(times))
    with pytest.raises(CameraLostError):
        camera.read()
    assert capture.reads == 1


def test_a_probe_loses_no_picture() -> None:
    """The picture that proved the camera is the first frame; a camera without one is no camera."""
    camera = webcam(Capture([arrow(), arrow()]))
    camera.probe()
    assert [camera.read().seq, camera.read().seq] == [0, 1]
    with pytest.raises(NoCameraError, match="opens but gives no picture"):
        webcam(Capture()).probe()


# Video files.


def write_video(
    path: Path, count: int = 30, fps: float = 10, codec: str = "mp4v", size: tuple[int, int] = SIZE
) -> Path:
    """A video whose bar moves by 5 pixels with each frame."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, size)
    assert writer.isOpened()
    for index in range(count):
        writer.write(moving_picture(index, size))
    writer.release()
    return path


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "mp4v"), ("a.avi", "MJPG"), ("a.mkv", "MJPG")])
def test_a_video_gives_every_frame(tmp_path: Path, name: str, codec: str) -> None:
    """None is dropped, in their order, with media time from 0 in seconds."""
    found = frames(write_video(tmp_path / name, codec=codec))
    assert [frame.seq for frame in found] == list(range(30))
    assert [frame.at for frame in found] == pytest.approx([index / 10 for index in range(30)])
    for index in (0, 13, 29):
        assert close_to(found[index].image, moving_picture(index, SIZE))


def test_a_gif_is_a_video(tmp_path: Path) -> None:
    """An animation is read frame by frame with its own times."""
    from PIL import Image as Pillow

    pictures = [Pillow.fromarray(moving_picture(index, SIZE)) for index in range(4)]
    pictures[0].save(
        tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=[100, 300, 100, 100]
    )
    found = frames(tmp_path / "a.gif")
    assert [frame.at for frame in found] == pytest.approx([0.0, 0.1, 0.4, 0.5])


def test_media_time_always_rises(tmp_path: Path) -> None:
    """Where a file has no sound times, the frame rate gives them."""
    source = VideoFile(write_video(tmp_path / "a.mp4", count=6))

    class Timeless:
        """A capture whose clock stands still, runs back, and is no number."""

        def __init__(self) -> None:
            self.times = iter([0.0, 0.0, -40.0, math.nan, 900.0])
            self.inner = source._capture

        def read(self) -> tuple[bool, Image | None]:
            return self.inner.read()

        def get(self, prop: int, /) -> float:
            return next(self.times)

        def __getattr__(self, name: str) -> object:
            return getattr(self.inner, name)

    source._capture = Timeless()  # type: ignore[assignment]
    times = [frame.at for frame in iter(source.read, None)]
    source.close()
    assert times == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.9])


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_a_files_own_rotation_is_respected(tmp_path: Path, rotate: int) -> None:
    """What a telephone wrote lying on its side is upright, and `rotate` comes on top."""
    path = write_video(tmp_path / "a.mp4", count=2)
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    quarter = [0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30]  # clockwise
    data[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in quarter)
    path.write_bytes(data)
    image = frames(path, rotate=rotate)[0].image
    assert close_to(image, np.rot90(moving_picture(0, SIZE), -1 - rotate // 90), 20)


def test_a_video_that_breaks_off_is_read_as_far_as_it_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is there is given, the end is a normal end, and one warning says how much is missing."""
    path = write_video(tmp_path / "a.avi", count=40, codec="MJPG")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = VideoFile(path)
    found = list(iter(source.read, None))
    assert source.read() is None
    source.close()
    assert 10 < len(found) < 30
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "breaks off after" in caplog.text
    assert "of 4.0 s" in caplog.text


def test_a_whole_video_ends_without_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is said of a file that is as long as it says."""
    frames(write_video(tmp_path / "a.avi", codec="MJPG"))
    assert caplog.records == []


def sound_only(path: Path) -> None:
    """A WAV file of silence."""
    header = b"RIFF" + (36 + 8000).to_bytes(4, "little") + b"WAVEfmt \x10\0\0\0\x01\0\x01\0"
    path.write_bytes(
        header + b"\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data" + (8000).to_bytes(4, "little") + bytes(8000)
    )


def without_index(path: Path) -> None:
    """An MP4 file of which the second half, with the index, is missing."""
    write_video(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def soundtrack(path: Path) -> None:
    """An MP4 file whose only track says it is sound."""
    write_video(path)
    path.write_bytes(path.read_bytes().replace(b"vide", b"soun"))


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("empty.mp4", Path.touch, "is empty"),
        ("noise.mp4", lambda path: path.write_bytes(bytes(range(256)) * 40), "no picture can be read"),
        ("notes.txt", lambda path: path.write_text("hello\n" * 99), "is a text file"),
        ("sound.wav", sound_only, "holds sound but no picture"),
        ("sound.mp4", soundtrack, "holds sound but no picture"),
        ("half.mp4", without_index, "its index is missing: it was not recorded or copied to its end"),
    ],
)  # fmt: skip
def test_what_is_no_video_is_said_in_one_line(tmp_path: Path, name: str, make: object, words: str) -> None:
    """A file without a readable picture is named, with the likeliest reason."""
    path = tmp_path / name
    make(path)  # type: ignore[operator]
    with pytest.raises(SourceError) as caught:
        open_source(str(path))
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_video_is_named(tmp_path: Path) -> None:
    """A file that went away between the look and the opening is named too."""
    with pytest.raises(SourceError, match="No such file or directory"):
        VideoFile(tmp_path / "gone.mp4")


# Streams through FFmpeg.


def test_ffmpeg_reads_a_network_stream() -> None:
    """Live video over the network gives frames with monotonic times, and its end is a loss."""
    with MjpegServer() as server:
        stream = NetworkStream(server.url, rotate=90, timeout=5)
        found: list[Frame] = [stream.read() for _ in range(3)]
        server.stop()
        with pytest.raises(CameraLostError, match="sends no pictures any more"):
            read_on(stream)
        stream.close()
    assert [frame.seq for frame in found] == [0, 1, 2]
    assert found[0].size == (120, 160)


def read_on(stream: NetworkStream) -> None:
    """Read until an error ends it."""
    while True:
        stream.read()


def test_a_dead_rtsp_address_is_no_camera() -> None:
    """NoCameraError that names the address without its password."""
    with pytest.raises(NoCameraError, match=r"rtsp://127\.0\.0\.1:1/x does not answer with video") as caught:
        open_source("rtsp://me:secret@127.0.0.1:1/x")
    assert "secret" not in str(caught.value)


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path) -> None:
    """A face is as wide as it was, whatever the file stores: here pixels of 16:11, in MPEG-4's own header."""
    path = write_video(tmp_path / "a.mp4", count=3)
    data = bytearray(path.read_bytes())
    for found in re.finditer(rb"\x00\x00\x01[\x20-\x2f]", bytes(data)):
        bits = f"{int.from_bytes(data[found.end() : found.end() + 8], 'big'):064b}"
        at = 17 if bits[9] == "1" else 10  # behind the version and priority of the layer
        if bits[at : at + 4] != "0001":  # a chance likeness: this one says that pixels are square
            continue
        changed = bits[:at] + "0100" + bits[at + 4 :]
        data[found.end() : found.end() + 8] = int(changed, 2).to_bytes(8, "big")
    path.write_bytes(data)
    assert {frame.size for frame in frames(path)} == {(round(SIZE[0] * 16 / 11), SIZE[1])}


@pytest.mark.parametrize("codec_and_name", [("MJPG", "a.mkv"), ("VP80", "a.webm")])
def test_sound_that_goes_on_is_no_damage(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, codec_and_name: tuple[str, str]
) -> None:
    """A length that is the sound's tells nothing of the pictures; a file that is cut off is still told."""
    logging.getLogger("smartselfie").propagate = True
    path = write_video(tmp_path / codec_and_name[1], codec=codec_and_name[0])
    data = bytearray(path.read_bytes())
    at = data.index(b"\x44\x89\x88") + 3  # the segment's duration, a double
    data[at : at + 8] = struct.pack(">d", 5 * struct.unpack(">d", data[at : at + 8])[0])
    path.write_bytes(data)
    assert len(frames(path)) == 30
    assert "breaks off" not in caplog.text
    path.write_bytes(data[: len(data) * 2 // 3])
    frames(path)
    assert "breaks off" in caplog.text


def test_a_video_with_few_frames_says_that_it_cannot_fire(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At one frame a second the usual rule never fires: said with the settings that do."""
    logging.getLogger("smartselfie").propagate = True
    frames(write_video(tmp_path / "a.mp4", count=3, fps=1))
    assert "1 frames a second" in caplog.text
    assert "trigger.rule: frames" in caplog.text
