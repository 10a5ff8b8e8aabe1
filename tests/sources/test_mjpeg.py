"""MJPEG over HTTP: what a good camera sends arrives, what a bad one sends is passed over or noticed."""

import logging
import socket
import threading
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartselfie.errors import CameraLostError, NoCameraError
from smartselfie.records import Image
from smartselfie.sources import open_source
from smartselfie.sources.mjpeg import JpegScanner, MjpegStream
from tests.mjpeg_server import BOUNDARY, Fault, MjpegServer, jpeg, moving_picture
from tests.waiting import until

PICTURES = [jpeg(moving_picture(index, (64, 48))) for index in range(3)]
PROGRESSIVE = cv2.imencode(".jpg", moving_picture(9, (64, 48)), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[
    1
].tobytes()
WITH_THUMBNAIL = (
    PICTURES[0][:2]
    + b"\xff\xe1"
    + (len(PICTURES[1]) + 2).to_bytes(2, "big")
    + PICTURES[1]  # a whole JPEG inside a segment of another
    + PICTURES[0][2:]
)


@pytest.fixture
def server() -> Iterator[MjpegServer]:
    """A network camera that works."""
    with MjpegServer() as server:
        yield server


def open_stream(server: MjpegServer, path: str = "", timeout: float = 5.0) -> MjpegStream:
    """Connect to the camera."""
    return MjpegStream(server.url + path, timeout=timeout, open_timeout=timeout)


def read_on(stream: MjpegStream) -> None:
    """Read what is still underway, and on until an error ends it."""
    while True:
        stream.read()


# The scanner.


def test_whole_pictures_are_found() -> None:
    """Pictures with multipart headers between them come out byte by byte as they were sent."""
    stream = b"".join(b"--x\r\nContent-Type: image/jpeg\r\n\r\n" + picture + b"\r\n" for picture in PICTURES)
    scanner = JpegScanner()
    assert scanner.feed(stream) == PICTURES
    assert scanner.broken == 0


@pytest.mark.parametrize("picture", [PROGRESSIVE, WITH_THUMBNAIL], ids=["progressive", "thumbnail"])
def test_other_kinds_of_jpeg_are_whole(picture: bytes) -> None:
    """Several scans, or a JPEG inside a JPEG's segment, do not end a picture early."""
    assert JpegScanner().feed(b"junk" + picture + PICTURES[2]) == [picture, PICTURES[2]]


@given(st.lists(st.integers(1, 400), min_size=1, max_size=30), st.binary(max_size=200))
def test_it_does_not_matter_how_the_bytes_arrive(sizes: list[int], junk: bytes) -> None:
    """However the stream is cut, the pictures behind any junk without a JPEG's start are found."""
    junk = junk.replace(b"\xff", b"\x00")
    stream = junk + PICTURES[0] + junk + PROGRESSIVE + junk + PICTURES[1]
    scanner, found, at = JpegScanner(), [], 0
    for size in [*sizes * 40, len(stream)]:
        found += scanner.feed(stream[at : at + size])
        at += size
    assert found == [PICTURES[0], PROGRESSIVE, PICTURES[1]]


@given(
    st.lists(st.one_of(st.binary(max_size=300), st.sampled_from([b"\xff\xd8\xff", *PICTURES])), max_size=20)
)
def test_no_bytes_break_the_scanner(parts: list[bytes]) -> None:
    """Whatever comes, what is handed on begins and ends as a JPEG does, and memory stays bounded."""
    scanner = JpegScanner(max_bytes=5000)
    for part in parts:
        for found in scanner.feed(part):
            assert found.startswith(b"\xff\xd8\xff")
            assert found.endswith(b"\xff\xd9")
        assert len(scanner._data) <= 5000


@pytest.mark.parametrize("cut", [3, 30, 300, -3])
def test_a_half_picture_is_noticed(cut: int) -> None:
    """A picture that breaks off is counted and left out, and soon whole ones come again."""
    scanner = JpegScanner()
    found = scanner.feed(PICTURES[0][:cut] + b"\r\n--x\r\n\r\n" + b"".join(PICTURES * 40))
    assert scanner.broken >= 1
    assert set(found) == set(PICTURES)
    assert found[-1] == PICTURES[-1]


def test_the_picture_after_a_half_one_is_not_lost() -> None:
    """A new picture's start inside compressed data ends the old one, and begins the new one."""
    scanner = JpegScanner()
    assert scanner.feed(PICTURES[0][:-40] + PICTURES[1]) == [PICTURES[1]]
    assert scanner.broken == 1


def test_nonsense_inside_a_picture_breaks_it() -> None:
    """A marker that JPEG does not know tells a damaged picture; the next one is found."""
    scanner = JpegScanner()
    damaged = PICTURES[0][:-40] + b"\xff\x02" + PICTURES[0][-40:]
    assert scanner.feed(damaged + PICTURES[1]) == [PICTURES[1]]
    assert scanner.broken == 1


def test_bytes_without_a_start_are_not_kept() -> None:
    """What cannot be the beginning of a picture is dropped at once."""
    scanner = JpegScanner()
    scanner.feed(b"\x00" * 4000)
    assert len(scanner._data) <= 2
    assert scanner.broken == 0


def test_a_picture_without_end_is_thrown_away() -> None:
    """Bytes that never end a picture do not fill the memory."""
    scanner = JpegScanner(max_bytes=10_000)
    start = PICTURES[0][:-2]
    assert scanner.feed(start + b"\x00" * 20_000) == []
    assert scanner.broken == 1
    assert scanner.feed(PICTURES[1]) == [PICTURES[1]]


def test_a_giant_is_refused_before_it_is_decoded() -> None:
    """A picture whose header promises more than the limit is left out."""
    scanner = JpegScanner(max_pixels=64 * 48 - 1)
    assert scanner.feed(PICTURES[0]) == []
    assert scanner.broken >= 1


# The stream.


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("lengths", [True, False])
def test_frames_arrive(lengths: bool, chunked: bool) -> None:
    """Pictures arrive in colour and size as sent, counted from 0, with rising times."""
    with MjpegServer(lengths=lengths, chunked=chunked, size=(160, 120)) as server:
        stream = open_stream(server)
        frames = [stream.read() for _ in range(3)]
        stream.close()
    assert [frame.seq for frame in frames] == [0, 1, 2]
    assert frames[0].at < frames[1].at < frames[2].at
    assert frames[0].size == (160, 120)
    assert np.abs(frames[0].image[60, 100].astype(int) - moving_picture(0, (160, 120))[60, 100]).max() < 12


def test_pictures_are_turned(server: MjpegServer) -> None:
    """`rotate` turns the pictures of a stream."""
    stream = open_source(server.url, rotate=90)
    assert stream.read().size == (120, 160)
    stream.close()


def test_the_newest_of_waiting_pictures_is_taken(server: MjpegServer) -> None:
    """A reader that falls behind skips to what came last, instead of lagging further and further."""
    sent = []

    def numbered(index: int, size: tuple[int, int]) -> Image:
        sent.append(index)
        return np.full((size[1], size[0], 3), index, np.uint8)

    server.picture, server.fps = numbered, 500
    stream = open_stream(server)
    stream.read()
    until(lambda: len(sent) > 60)
    server.fault = Fault.STALL
    assert stream.read().image.mean() > 55
    stream.close()


def test_a_streams_frames_can_be_passed_over(server: MjpegServer) -> None:
    """A picture that is only grabbed is not decoded, and leaves a gap in the count."""
    stream = open_stream(server)
    for _ in range(3):
        stream.grab()
    frame = stream.retrieve()
    assert frame is not None
    assert frame.seq == 2
    stream.close()


def test_pictures_that_cannot_be_decoded_are_a_loss(server: MjpegServer) -> None:
    """Whole by their markers and without sense inside: left out, and a loss when nothing else comes."""
    server.fault = Fault.EMPTY
    stream = open_stream(server, timeout=0.3)
    stream.grab()
    assert stream.retrieve() is None
    with pytest.raises(CameraLostError, match=r"no whole picture in 0\.3 s"):
        stream.read()
    stream.close()


def test_a_stall_is_noticed(server: MjpegServer) -> None:
    """A server that keeps the connection open and sends nothing ends in CameraLostError, not in waiting."""
    stream = open_stream(server, timeout=0.3)
    stream.read()
    server.fault = Fault.STALL
    with pytest.raises(CameraLostError, match="no answer in time"):
        read_on(stream)
    stream.close()


@pytest.mark.parametrize("fault", [Fault.HALF, Fault.GARBAGE])
def test_bytes_without_pictures_are_a_loss(server: MjpegServer, fault: Fault) -> None:
    """A server that sends on and on, but never a whole picture, ends in CameraLostError."""
    server.fault = fault
    stream = open_stream(server, timeout=0.3)
    with pytest.raises(CameraLostError, match=r"no whole picture in 0\.3 s"):
        stream.read()
    stream.close()


def test_half_pictures_are_left_out_with_one_warning(
    server: MjpegServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Between half pictures the whole ones arrive, undamaged; one line says so."""
    server.fault = Fault.EVERY_OTHER_HALF
    stream = open_stream(server)
    with caplog.at_level(logging.WARNING):
        frames = [stream.read() for _ in range(6)]
    stream.close()
    for frame in frames:  # a half one is gray in its lower part
        assert np.abs(frame.image[-4:].astype(int) - frame.image[:4]).mean() < 10
    assert [record.message for record in caplog.records].count(
        f"{server.url} sends damaged pictures; they are left out"
    ) == 1


def test_damaged_pictures_make_no_noise(server: MjpegServer, capfd: pytest.CaptureFixture[str]) -> None:
    """Damage inside a picture's data costs no lines of a JPEG library on stderr."""
    server.fault = Fault.DAMAGED
    stream = open_stream(server)
    for _ in range(5):
        stream.read()
    stream.close()
    assert capfd.readouterr().err == ""


def test_gray_pictures_become_colour(server: MjpegServer) -> None:
    """A black-and-white camera's pictures are (H, W, 3) as all others."""
    server.picture = lambda index, size: moving_picture(index, size)[:, :, 0]
    stream = open_stream(server)
    assert stream.read().image.shape == (120, 160, 3)
    stream.close()


def test_a_killed_server_is_a_loss(server: MjpegServer) -> None:
    """The end of the connection is CameraLostError at once."""
    stream = open_stream(server)
    stream.read()
    server.stop()
    with pytest.raises(CameraLostError):
        read_on(stream)
    stream.close()


def test_the_last_picture_before_the_end_counts() -> None:
    """A server that sends a picture and hangs up at once has still sent a picture."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                head = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n"
                connection.sendall(head.encode() + PICTURES[0])

        thread = threading.Thread(target=answer)
        thread.start()
        stream = MjpegStream(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout=5)
        thread.join()
    assert stream.read().size == (64, 48)
    with pytest.raises(CameraLostError, match="has ended the stream"):
        stream.read()
    stream.close()


def test_a_new_resolution_is_followed(server: MjpegServer) -> None:
    """Pictures of another size in mid-stream are frames of that size."""
    stream = open_stream(server)
    assert stream.read().size == (160, 120)
    server.size = (320, 240)
    until(lambda: stream.read().size == (320, 240))
    stream.close()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("page", "a web page; give the address of the stream itself"),
        ("picture", "one picture, not a stream"),
        ("missing", "404 Not Found"),
        ("private", "401 Unauthorized; put user:password@ before the address"),
    ],
)
def test_what_is_no_stream_is_said(server: MjpegServer, path: str, words: str) -> None:
    """An address that gives something else is refused, saying what it gives."""
    with pytest.raises(NoCameraError, match=words):
        open_stream(server, path)


def test_user_and_password_open_a_private_stream(server: MjpegServer) -> None:
    """They are taken from the address, and never shown."""
    stream = MjpegStream(server.url.replace("//", "//user:secret@") + "private", timeout=5)
    assert stream.read().seq == 0
    assert stream.name == server.url + "private"
    stream.close()


def test_a_dead_address_is_no_camera(server: MjpegServer) -> None:
    """A refused connection is NoCameraError that names the address and other choices."""
    url = server.url
    server.stop()
    with pytest.raises(
        NoCameraError, match=r"does not answer: Connection refused; choose another with --source"
    ):
        open_source(url)


def test_the_boundary_is_not_needed() -> None:
    """Parts are found by the pictures themselves: a boundary inside the data is only bytes."""
    assert JpegScanner().feed(BOUNDARY.encode() + PICTURES[0] + BOUNDARY.encode()) == [PICTURES[0]]


def test_a_chunked_stream_is_not_read_ahead_into_waiting() -> None:
    """With one whole chunk come, its picture is given at once: the next chunk's size is not waited for."""
    head = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n"
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
                for _ in range(3):
                    due.acquire(timeout=10)
                    connection.sendall(b"%x\r\n%s\r\n" % (len(picture), picture))
                due.acquire(timeout=10)

        # too large for the buffers between, so that the line end behind it is still to be read
        picture = jpeg(np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8))
        due = threading.Semaphore(0)
        camera = threading.Thread(target=answer)
        camera.start()
        stream = MjpegStream(url, timeout=1.0)
        for seq in range(3):
            due.release()
            assert stream.read().seq == seq  # a read that waited for more would run into the timeout
        due.release()
        stream.close()
        camera.join(10)
