"""The capture thread: the newest frame wins, losses are noticed, told once, and mended."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pytest

from smartselfie.capture.camera import Camera
from smartselfie.capture.watch import CameraStatus
from smartselfie.errors import CameraLostError, CameraStuckError, NoCameraError, UsageError
from smartselfie.records import Frame, Image
from tests.mjpeg_server import Fault, MjpegServer, moving_picture
from tests.waiting import until


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Cable:
    """A camera on a string: gives the pictures, errors and blockades that a test puts in, in order."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.given: queue.Queue[Any] = queue.Queue()
        self.openings: queue.Queue[Any] = queue.Queue()
        self.opened = 0
        self.closed = 0
        self.events: list[tuple[str, dict[str, object]]] = []
        self.released = threading.Event()
        self.over = False

    def open(self) -> Plugged:
        """What `Camera` calls to open it: an error or blockade that was put in comes first."""
        with suppress(queue.Empty):
            self.come(self.openings.get_nowait())
        self.opened += 1
        return Plugged(self)

    def come(self, item: Any) -> Image | None:
        """Act out one item."""
        if isinstance(item, Exception):
            raise item
        if isinstance(item, threading.Event):
            item.wait(20)
            return None
        return item

    def emit(self, event: str, /, **fields: object) -> None:
        """Remember an event."""
        self.events.append((event, fields))

    def show(self, index: int = 0, size: tuple[int, int] = (64, 48)) -> None:
        """Give one picture; the same for the same index."""
        self.given.put(moving_picture(index, size))

    @property
    def told(self) -> list[str]:
        """The events so far, with their reasons."""
        return [f"{event} {fields['reason']}" for event, fields in self.events]


class Plugged:
    """One opening of the camera."""

    live = True

    def __init__(self, cable: Cable) -> None:
        self.cable = cable
        self.seq = 0

    def read(self) -> Frame | None:
        """What was put in next; a blockade ends as a camera that gives nothing."""
        while True:
            with suppress(queue.Empty):
                image = self.cable.come(self.cable.given.get(timeout=0.01))
                break
            if self.cable.over:
                raise CameraLostError("the test is over")
        if image is None:
            raise CameraLostError("let go")
        frame = Frame(image, self.seq, self.cable.clock())
        self.seq += 1
        return frame

    def close(self) -> None:
        """Count."""
        self.cable.closed += 1


@pytest.fixture
def cable() -> Iterator[Cable]:
    """A cable whose blockades end with the test."""
    cable = Cable()
    yield cable
    cable.over = True
    cable.released.set()


def plug(cable: Cable, **options: Any) -> Camera:
    """A camera at the cable that retries at once."""
    return Camera(
        cable.open, emit=cable.emit, clock=cable.clock, **{"retry_in": lambda attempt: 0.001} | options
    )


@contextmanager
def running(cable: Cable, **options: Any) -> Iterator[Camera]:
    """Start it and close it, without waiting for pictures at the end."""
    with plug(cable, **options) as camera:
        try:
            yield camera
        finally:
            cable.over = True


def take(camera: Camera) -> Frame:
    """Wait for the next frame."""
    taken: list[Frame] = []
    until(lambda: taken.extend(frame for frame in [camera.newest(0)] if frame is not None) or taken)
    return taken[0]


def reach(camera: Camera, status: CameraStatus) -> None:
    """Wait until the camera says so."""
    until(lambda: (camera.newest(0), camera.status is status)[1])


def test_the_newest_frame_wins(cable: Cable) -> None:
    """Of the frames that came since the last look only the newest is given, and only once."""
    with running(cable) as camera:
        for index in range(5):
            cable.show(index)
        until(lambda: camera._seq == 4)
        assert take(camera).seq == 4
        assert camera.newest(0) is None
        assert camera.status is CameraStatus.OK
        assert camera.notice == ""
    assert cable.events == []


def test_waiting_ends_with_the_frame(cable: Cable) -> None:
    """`newest` waits for a frame, and returns as soon as one is there."""
    with running(cable) as camera:
        timer = threading.Timer(0.02, cable.show)
        timer.start()
        assert camera.newest(1.0) is not None
        timer.join()


def test_closing_ends_the_thread_and_gives_the_device_back(cable: Cable) -> None:
    """After `close` the thread is gone and the source closed; a second `close` does nothing."""
    camera = plug(cable)
    camera.start()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("camera-")] == [
        "camera-1"
    ]
    cable.show(0)
    take(camera)
    cable.given.put(CameraLostError("x"))
    camera.close()
    camera.close()
    until(lambda: not any(thread.name.startswith("camera-") for thread in threading.enumerate()))
    assert cable.opened == cable.closed


def test_no_camera_at_the_start_is_an_error(cable: Cable) -> None:
    """The first opening's NoCameraError reaches the caller of `start`, and no thread is left."""
    cable.openings.put(NoCameraError("there is none"))
    with pytest.raises(NoCameraError, match="there is none"):
        plug(cable).start()
    until(lambda: not any(thread.name.startswith("camera-") for thread in threading.enumerate()))


def test_a_daemon_waits_for_its_first_camera(cable: Cable) -> None:
    """With `wait_for_first` a missing camera is a loss like any other, and ends when one comes."""
    for _ in range(3):
        cable.openings.put(NoCameraError("there is none"))
    with running(cable, wait_for_first=True) as camera:
        until(lambda: (camera.newest(0), cable.told)[1])
        assert camera.notice == "camera lost, trying again"
        cable.show()
        take(camera)
        assert camera.newest(0) is None
    assert cable.told == ["camera_lost unplugged", "camera_back unplugged"]


def test_a_lost_camera_is_found_again(cable: Cable, caplog: pytest.LogCaptureFixture) -> None:
    """A read that fails is told and logged once, however often opening fails, and so is the return."""
    with caplog.at_level(logging.INFO), running(cable) as camera:
        cable.show(0)
        take(camera)
        for _ in range(5):
            cable.openings.put(NoCameraError("still gone"))
        cable.given.put(CameraLostError("the cable was pulled"))
        reach(camera, CameraStatus.LOST)
        assert camera.notice == "camera lost, trying again"
        until(lambda: cable.opened == 2)
        cable.clock.now += 7.25
        cable.show(1)
        assert take(camera).seq == 1  # counted on
        assert camera.newest(0) is None
    assert cable.events == [
        ("camera_lost", {"reason": "unplugged"}),
        ("camera_back", {"after": 7.25, "reason": "unplugged"}),
    ]
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "the cable was pulled" in caplog.text or "still gone" in caplog.text


def test_attempts_are_counted_until_a_frame_comes(cable: Cable) -> None:
    """The wait before an attempt is asked for with the number of failures since the last frame."""
    asked: list[int] = []

    def retry_in(attempt: int) -> float:
        asked.append(attempt)
        return 0.001

    with running(cable, retry_in=retry_in) as camera:
        cable.show(0)
        take(camera)
        for _ in range(3):
            cable.openings.put(NoCameraError("gone"))
        cable.given.put(CameraLostError("gone"))
        until(lambda: cable.opened == 2)
        cable.given.put(CameraLostError("opens, and gives nothing"))
        until(lambda: cable.opened == 3)
    assert asked[:5] == [0, 1, 2, 3, 4]


def test_a_stream_that_ends_is_a_loss(cable: Cable) -> None:
    """A live source that says it has ended is opened again."""

    class Ending(Plugged):
        def read(self) -> Frame | None:
            frame = super().read()
            return frame if self.seq < 2 else None

    camera = Camera(lambda: Ending(cable), emit=cable.emit, clock=cable.clock, retry_in=lambda attempt: 0.001)
    with camera:
        cable.show(0)
        take(camera)
        cable.show(1)
        reach(camera, CameraStatus.LOST)
        cable.show(2)
        take(camera)


def test_frames_that_are_not_wanted_are_not_decoded(cable: Cable) -> None:
    """With `interval` the frames in between are only grabbed; they count as signs of life."""
    decoded: list[int] = []

    class Grabbed(Plugged):
        def grab(self) -> None:
            self.held = super().read()

        def retrieve(self) -> Frame | None:
            assert self.held is not None
            decoded.append(self.held.seq)
            return self.held

    camera = Camera(
        lambda: Grabbed(cable), emit=cable.emit, clock=cable.clock, retry_in=lambda attempt: 0.001
    )
    camera.interval = 1.0
    with camera:
        for seq in range(21):  # ten a second
            cable.clock.now += 0.1
            cable.show(seq)
            until(lambda: camera._reader is not None and camera._reader.alive_at == cable.clock.now)
        until(lambda: camera.newest(0) is None)
        assert decoded == [0, 8, 16]
        cable.clock.now += 2.8
        camera.newest(0)
        assert cable.told == []  # the last sign of life was no decoded frame
        cable.over = True


def test_who_waits_gets_the_next_frame(cable: Cable) -> None:
    """However long the interval, a frame is decoded for whoever waits for it."""

    class Grabbed(Plugged):
        def grab(self) -> None:
            self.held = super().read()

        def retrieve(self) -> Frame | None:
            return self.held

    camera = Camera(lambda: Grabbed(cable), emit=cable.emit, retry_in=lambda attempt: 0.001)
    camera.interval = 1000.0
    enough = threading.Event()

    def show() -> None:
        while not enough.wait(0.01):
            cable.show(cable.given.qsize())

    shower = threading.Thread(target=show)
    with camera:
        shower.start()
        take(camera)
        assert camera.newest(5.0) is not None
        enough.set()
        shower.join()
        cable.over = True


def test_a_stall_is_told_without_the_readers_help(cable: Cable) -> None:
    """While `read` blocks, the loop's own thread notices that no frame comes for `stall_after`."""
    with running(cable, stall_after=3.0) as camera:
        cable.show(0)
        take(camera)
        cable.clock.now += 2.9
        assert camera.newest(0) is None
        assert cable.told == []
        cable.clock.now += 0.1
        camera.newest(0)
        assert cable.told == ["camera_lost stalled"]
        assert camera.notice == "camera gives no pictures, trying again"
        cable.show(1)
        take(camera)
        assert cable.told == ["camera_lost stalled", "camera_back stalled"]
        assert cable.opened == 1


def test_a_camera_that_opens_and_gives_nothing_is_told_after_its_patience(cable: Cable) -> None:
    """The first frame is waited for `open_after`, then said to be missing, and still waited for."""
    with running(cable, stall_after=3.0, open_after=6.0) as camera:
        cable.clock.now += 5.9
        camera.newest(0)
        assert cable.told == []
        cable.clock.now += 0.1
        camera.newest(0)
        assert cable.told == ["camera_lost stalled"]
        cable.show(0)
        assert take(camera).seq == 0


def test_a_blocked_reader_gets_one_more_try(cable: Cable) -> None:
    """A reader that does not come back is left behind; when a second one gets pictures, all is well again."""
    with running(cable, stall_after=3.0) as camera:
        cable.show(0)
        take(camera)
        cable.given.put(cable.released)
        until(cable.given.empty)
        cable.clock.now += 3.6
        camera.newest(0)
        until(lambda: cable.opened == 2)
        cable.show(5)
        assert take(camera).seq == 1
        assert cable.told == ["camera_lost stalled", "camera_back stalled"]
        for index in range(20):  # and so it stays, with the first reader still blocked
            cable.clock.now += 1
            cable.show(index)
            take(camera)


def test_a_reader_that_stays_blocked_ends_the_program(cable: Cable) -> None:
    """When the second try gives nothing either for `stall_after`, only a new process helps: exit code 75."""
    with running(cable, stall_after=3.0) as camera:
        cable.show(0)
        take(camera)
        cable.given.put(cable.released)
        until(cable.given.empty)
        for _ in range(1000):
            cable.openings.put(NoCameraError("busy: the blocked reader has it"))
        cable.clock.now += 3.6
        camera.newest(0)
        cable.clock.now += 2.9
        camera.newest(0)
        cable.clock.now += 0.1
        with pytest.raises(CameraStuckError) as caught:
            camera.newest(0)
        assert caught.value.exit_code == 75
    assert cable.told == ["camera_lost stalled"]


def test_a_reader_that_comes_back_in_time_saves_the_program(cable: Cable) -> None:
    """When the blocked reader lets go during the second try, it is a loss like any other."""
    with running(cable, stall_after=3.0) as camera:
        cable.show(0)
        take(camera)
        cable.given.put(cable.released)
        until(cable.given.empty)
        cable.clock.now += 3.6
        camera.newest(0)
        until(lambda: cable.opened == 2)
        cable.released.set()
        until(lambda: cable.closed == 1 and not any(t.name == "camera-1" for t in threading.enumerate()))
        cable.clock.now += 3.2
        assert camera.newest(0) is None  # not CameraStuckError
        cable.show(1)
        take(camera)


def test_an_opening_that_blocks_is_given_half_a_minute(cable: Cable) -> None:
    """A driver that never opens the device is stuck too, after 30 seconds and one more try."""
    cable.openings.put(cable.released)
    cable.openings.put(cable.released)
    with running(cable, stall_after=3.0, wait_for_first=True) as camera:
        until(lambda: cable.openings.qsize() == 1)
        cable.clock.now += 29.9
        assert camera.newest(0) is None
        cable.clock.now += 0.1
        assert camera.newest(0) is None
        assert cable.told == ["camera_lost stalled"]
        cable.clock.now += 3.0
        with pytest.raises(CameraStuckError):
            camera.newest(0)


def test_the_first_frame_is_given_ten_seconds(cable: Cable) -> None:
    """A camera that has opened and never gives a frame is tried once more after that, then it is stuck."""
    with running(cable, stall_after=3.0) as camera:
        cable.given.put(cable.released)
        cable.given.put(cable.released)
        until(lambda: cable.given.qsize() == 1)
        cable.clock.now += 9.9
        camera.newest(0)
        assert cable.opened == 1
        cable.clock.now += 0.6  # a reader may come back by itself
        camera.newest(0)
        until(lambda: cable.opened == 2)
        cable.clock.now += 3.0
        with pytest.raises(CameraStuckError):
            camera.newest(0)


def test_closing_does_not_wait_for_a_blocked_reader(cable: Cable) -> None:
    """`close` leaves a reader behind that the driver does not let go."""
    camera = plug(cable)
    camera.start()
    cable.given.put(cable.released)
    until(cable.given.empty)
    cable.clock.now += 1000.1
    camera.close(timeout=1000.0)
    assert any(thread.name == "camera-1" for thread in threading.enumerate())


def test_giving_up_is_an_error(cable: Cable) -> None:
    """A loss longer than `give_up` ends in CameraLostError that says why."""
    with running(cable, give_up=30.0, retry_in=lambda attempt: 60.0) as camera:
        cable.show(0)
        take(camera)
        cable.given.put(CameraLostError("the cable was pulled"))
        reach(camera, CameraStatus.LOST)
        cable.clock.now += 29.9
        assert camera.newest(0) is None
        cable.clock.now += 0.1
        with pytest.raises(CameraLostError, match="gone for 30 s: the cable was pulled"):
            camera.newest(0)


def test_other_errors_reach_the_loop(cable: Cable) -> None:
    """What is no lost or missing camera ends the thread, and is raised where frames are asked for."""
    with running(cable) as camera:
        cable.given.put(ZeroDivisionError("a mistake in the source"))
        with pytest.raises(ZeroDivisionError, match="a mistake in the source"):
            until(lambda: camera.newest(0))


def test_a_wrong_source_is_not_tried_again(cable: Cable) -> None:
    """A usage error at the first opening is raised by `start`, also when a daemon waits."""
    cable.openings.put(UsageError("no such thing"))
    with pytest.raises(UsageError):
        plug(cable).start()
    cable.openings.put(UsageError("no such thing"))
    with running(cable, wait_for_first=True) as camera, pytest.raises(UsageError):
        until(lambda: camera.newest(0))


def test_a_frozen_camera_is_opened_anew_once(cable: Cable) -> None:
    """Identical pictures are told once, cost one reconnect, stay a warning, and are given on."""
    with running(cable, frozen_after=20.0) as camera:
        cable.show(3)
        take(camera)
        for _ in range(300):
            cable.clock.now += 0.5
            cable.show(3)
            take(camera)
        assert camera.status is CameraStatus.FROZEN
        assert cable.told == ["camera_lost frozen"]
        assert cable.opened == 2
        cable.show(4)
        take(camera)
        camera.newest(0)
    assert cable.told == ["camera_lost frozen", "camera_back frozen"]


def test_opening_a_frozen_camera_anew_is_no_stall(cable: Cable) -> None:
    """While it is opened anew on purpose no frames are due."""
    with running(cable, frozen_after=20.0) as camera:
        cable.show(3)
        take(camera)
        cable.openings.put(cable.released)
        for _ in range(20):
            cable.clock.now += 1.0
            cable.show(3)
            take(camera)
        until(cable.openings.empty)
        cable.clock.now += 5.0
        camera.newest(0)
        assert camera.status is CameraStatus.FROZEN


def test_a_covered_camera_is_told(cable: Cable) -> None:
    """Black pictures are told after `black_after`, and given on."""
    with running(cable, black_after=2.0) as camera:
        for _ in range(6):
            cable.given.put(np.zeros((48, 64, 3), np.uint8))
            take(camera)
            cable.clock.now += 0.5
        camera.newest(0)
        assert cable.told == ["camera_lost black"]
        assert camera.notice == "camera is black or covered"


def test_a_new_resolution_is_survived(cable: Cable, caplog: pytest.LogCaptureFixture) -> None:
    """Pictures of another size in mid-stream are given on, with one log line."""
    with caplog.at_level(logging.INFO), running(cable) as camera:
        cable.show(0, (64, 48))
        take(camera)
        cable.show(1, (32, 24))
        assert take(camera).size == (32, 24)
        cable.show(2, (32, 24))
        take(camera)
    assert [record.message for record in caplog.records] == ["the camera's pictures are now 32x24"]


# The whole way, with a network camera that fails.


@pytest.fixture
def server() -> Iterator[MjpegServer]:
    """A network camera that works."""
    with MjpegServer() as server:
        yield server


def watch(server: MjpegServer, events: list[str], **options: Any) -> Camera:
    """A camera at the server's address, with real time but hasty."""
    from smartselfie.sources import SourceOpener

    def emit(event: str, /, **fields: object) -> None:
        events.append(f"{event} {fields['reason']}")

    options = {"stall_after": 0.3, "black_after": 0.2, "frozen_after": 0.3} | options
    opener = SourceOpener(server.url, timeout=options["stall_after"] + 0.1)
    return Camera(opener, emit=emit, retry_in=lambda attempt: 0.02, **options)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.STALL, "stalled"),
        (Fault.HALF, "stalled"),
        (Fault.GARBAGE, "stalled"),
        (Fault.FROZEN, "frozen"),
        (Fault.BLACK, "black"),
    ],
    ids=lambda value: value.value if isinstance(value, Fault) else "",
)
def test_a_network_fault_is_told_and_survived(server: MjpegServer, fault: Fault, reason: str) -> None:
    """Each fault of a network camera gets its own reason, and ends when the camera works again."""
    events: list[str] = []
    with watch(server, events) as camera:
        take(camera)
        server.fault = fault
        until(lambda: (camera.newest(0), events)[1])
        server.fault = Fault.NONE
        until(lambda: (camera.newest(0), camera.status is CameraStatus.OK)[1])
        take(camera)
    assert events[:2] == [f"camera_lost {reason}", f"camera_back {reason}"]


def test_a_restarted_server_is_found_again(server: MjpegServer) -> None:
    """A server that is killed and comes back is connected to again; frames count on."""
    events: list[str] = []
    with watch(server, events) as camera:
        last = take(camera)
        server.stop()
        until(lambda: (camera.newest(0), events)[1])
        server.start()
        frame = take(camera)
        assert frame.seq > last.seq
        assert frame.at > last.at
    assert events[0] == "camera_lost unplugged"


def test_streams_that_end_are_read_on(server: MjpegServer) -> None:
    """A server that closes after each picture still gives a picture each time."""
    server.fault = Fault.END
    with watch(server, [], stall_after=5.0) as camera:
        for _ in range(3):
            take(camera)
    assert server.connections >= 3
