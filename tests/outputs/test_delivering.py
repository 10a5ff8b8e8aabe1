"""What leaves the machine waits on the disk, and a far side that hangs holds up nobody."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartselfie.errors import OutputError, RefusedError
from smartselfie.outputs.delivering import Delivering
from smartselfie.outputs.delivery_queue import Delivery, DeliveryQueue
from smartselfie.outputs.missed import missed_shots
from smartselfie.outputs.pace import Pace
from smartselfie.outputs.thread import OutputThread
from tests.pictures.shots import save_shot
from tests.waiting import until


class FarSide:
    """A `Sender` that raises what it is told to, in turn, or hangs; it remembers what arrived."""

    def __init__(self, *troubles: Exception | None) -> None:
        self.troubles = list(troubles)
        self.arrived: list[Delivery] = []
        self.tried: list[str] = []
        self.free = threading.Event()
        self.free.set()

    def __call__(self, delivery: Delivery) -> None:
        self.tried.append(delivery.key)
        self.free.wait(20)
        if self.troubles and (trouble := self.troubles.pop(0)) is not None:
            raise trouble
        self.arrived.append(delivery)

    @property
    def names(self) -> list[object]:
        return [each.event["event"] for each in self.arrived]

    def test(self) -> str:
        return "reached"

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> None:
    """The log of the package reaches the test."""
    logging.getLogger("smartselfie").propagate = True
    caplog.set_level(logging.INFO, "smartselfie")


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[DeliveryQueue]:
    """A queue on the disk."""
    queue = DeliveryQueue(tmp_path / ".outputs" / "toy.queue")
    yield queue
    queue.close()


def make(far_side: FarSide, queue: DeliveryQueue, **options: object) -> Delivering:
    """An output that tries again at once."""
    quick = Pace(pauses=(0.001, 0.002))
    return Delivering(far_side, queue, "toy", pace=quick, linger=0.2, **options)  # type: ignore[arg-type]


def test_all_arrive_in_order(queue: DeliveryQueue) -> None:
    """Nothing is left, and the end waits for what goes well."""
    far_side = FarSide()
    output = make(far_side, queue)
    for number in range(5):
        output.event({"event": str(number)})
    output.close()
    assert far_side.names == ["0", "1", "2", "3", "4"]
    assert output.report() == {
        "waiting": 0,
        "dead": 0,
        "delivered": 5,
        "given_up": 0,
        "dead_letters": [],
        "trouble": "",
    }


def test_a_far_side_that_is_away_is_tried_again(
    queue: DeliveryQueue, caplog: pytest.LogCaptureFixture
) -> None:
    """With the same key, until it is back; the outage is said once, and its end."""
    far_side = FarSide(*[OutputError("nobody there")] * 8)
    output = make(far_side, queue)
    output.event({"event": "a"})
    output.event({"event": "b"})
    until(lambda: far_side.names == ["a", "b"])
    output.close()
    assert len(set(far_side.tried[:9])) == 1
    said = [record.message for record in caplog.records]
    assert said == ["output toy: nobody there; trying again", "output toy works again"]


def test_what_is_refused_is_a_dead_letter(queue: DeliveryQueue, caplog: pytest.LogCaptureFixture) -> None:
    """The next one goes on; people can read which and why, and have it tried again."""
    far_side = FarSide(RefusedError("too large"))
    output = make(far_side, queue)
    output.event({"event": "shot", "file": "/pictures/a.jpg"})
    output.event({"event": "b"})
    until(lambda: far_side.names == ["b"] and output.report()["delivered"] == 1)
    (letter,) = output.report()["dead_letters"]  # type: ignore[misc, attr-defined]
    assert (letter["what"], letter["why"]) == ("shot a.jpg", "too large")
    assert "output toy: given up: shot a.jpg: too large" in caplog.messages
    assert output.revive() == 1
    until(lambda: far_side.names == ["b", "shot"])
    output.close()
    assert output.report()["dead"] == 0


def test_one_that_fails_again_and_again_is_given_up(queue: DeliveryQueue) -> None:
    """A far side that answers "not now" to the same one five times blocks the others no longer."""
    far_side = FarSide(*[RefusedError("broken", again=True)] * 4, ValueError("a fault"))
    output = make(far_side, queue)
    output.event({"event": "a"})
    output.event({"event": "b"})
    until(lambda: far_side.names == ["b"])
    output.close()
    assert output.report()["dead"] == 1


def test_what_is_too_old_is_a_dead_letter(queue: DeliveryQueue) -> None:
    """It waits for as long as was asked for, and no longer."""
    now = [0.0]
    far_side = FarSide(*[OutputError("away")] * 3)
    far_side.free.clear()
    output = make(far_side, queue, keep=60.0, now=lambda: now[0])
    output.event({"event": "a"})
    until(lambda: far_side.tried)
    now[0] = 61
    far_side.free.set()
    until(lambda: output.report()["dead"] == 1)
    output.close()


def test_a_far_side_that_never_answers_holds_up_nobody(queue: DeliveryQueue) -> None:
    """Events are taken, the end comes, and the next run delivers: the hanging one with the same key."""
    far_side = FarSide()
    far_side.free.clear()
    thread = OutputThread(make(far_side, queue), "toy")
    thread.hear({"event": "0"})
    until(lambda: far_side.tried)
    for number in range(1, 50):
        thread.hear({"event": str(number)})
    until(lambda: queue.counts()["waiting"] == 50)
    thread.close()
    assert not any(each.name == "output-toy" and each.is_alive() for each in threading.enumerate())
    again = FarSide()
    output = make(again, DeliveryQueue(queue.path))
    output.begin()
    until(lambda: len(again.arrived) == 50)
    output.close()
    assert again.tried[0] == far_side.tried[0]
    far_side.free.set()


def test_the_rest_waits_on_the_disk_at_the_end(
    queue: DeliveryQueue, caplog: pytest.LogCaptureFixture
) -> None:
    """A far side that is away at the end costs no time, and what waits is said."""
    output = make(FarSide(*[OutputError("away")] * 1000), queue)
    output.event({"event": "a"})
    until(lambda: output.report()["trouble"])
    output.close()
    assert "output toy: 1 wait on the disk for the next start" in caplog.messages


def test_a_disk_that_is_gone_is_no_loss(tmp_path: Path) -> None:
    """What the queue cannot take stays with the thread, which tries again."""
    folder = tmp_path / "stick"
    far_side = FarSide()
    output = make(far_side, DeliveryQueue(folder / ".outputs" / "toy.queue"))
    thread = OutputThread(output, "toy", pauses=(0.01, 0.01))
    thread.hear({"event": "a"})
    until(lambda: thread.trouble)
    folder.mkdir()
    until(lambda: far_side.names == ["a"])
    thread.close()
    assert thread.lost == 0


def test_a_picture_saved_just_before_a_kill_is_delivered(queue: DeliveryQueue, tmp_path: Path) -> None:
    """Its event never reached the queue, but its file is there: its event comes from that, once."""
    old = save_shot(tmp_path / "old.jpg")
    assert list(missed_shots(queue, tmp_path)) == []  # whatever was there before the output is left alone
    known = save_shot(tmp_path / "known.jpg")
    queue.put({"event": "shot", "file": str(known)}, now=time.time())
    missed = save_shot(tmp_path / "missed.jpg")
    (tmp_path / "foreign.jpg").write_bytes(b"not ours")
    assert old.exists()
    far_side = FarSide()
    output = make(far_side, queue, missed=lambda queue: missed_shots(queue, tmp_path))
    output.begin()
    until(lambda: len(far_side.arrived) == 2)
    output.close()
    assert [each.file for each in far_side.arrived] == [known, missed]
    assert far_side.arrived[1].event["by"] == "smile"
    assert list(missed_shots(queue, tmp_path)) == []
