"""Deliveries on the disk: ordered, bounded, there after a SIGKILL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from smartselfie.errors import OutputError
from smartselfie.outputs.delivery_queue import DeliveryQueue


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The queue's file; its folder is not there yet."""
    return tmp_path / ".outputs" / "toy.queue"


def put(queue: DeliveryQueue, *names: str) -> None:
    """Add events."""
    for name in names:
        queue.put({"event": name}, now=1.0)


def test_order_and_keys_stay(path: Path) -> None:
    """What was put first comes first, with the same key after the file was opened again."""
    queue = DeliveryQueue(path)
    put(queue, "a", "b")
    first = queue.first()
    queue.close()
    queue = DeliveryQueue(path)
    assert queue.first() == first
    assert first is not None
    queue.done(first)
    second = queue.first()
    assert second is not None
    assert second.event == {"event": "b"}
    assert second.key != first.key
    assert queue.counts() == {"waiting": 1, "dead": 0, "delivered": 1, "given_up": 0}
    queue.close()


def test_the_oldest_give_way(path: Path) -> None:
    """A full queue makes its oldest a dead letter, and says which."""
    queue = DeliveryQueue(path, waiting=2)
    put(queue, "a", "b")
    (gone,) = queue.put({"event": "c"}, now=5.0)
    assert gone.event == {"event": "a"}
    (letter,) = queue.dead()
    assert (letter.delivery, letter.why, letter.died) == (gone, "more than 2 were waiting", 5.0)
    assert queue.counts()["waiting"] == 2
    queue.close()


def test_dead_letters_are_bounded_revived_and_forgotten(path: Path) -> None:
    """They can wait again, behind the rest and as new ones; the oldest are forgotten."""
    queue = DeliveryQueue(path, dead=2)
    put(queue, "a", "b", "c", "d")
    for at in range(3):
        first = queue.first()
        assert first is not None
        queue.bury(first, "no", now=at)
    assert [letter.delivery.event["event"] for letter in queue.dead()] == ["c", "b"]
    assert queue.revive(now=9.0) == 2
    order = []
    while (first := queue.first()) is not None:
        order.append((first.event["event"], first.tries))
        queue.done(first)
    assert order == [("d", 0), ("b", 0), ("c", 0)]
    assert queue.forget_dead() == 0
    queue.close()


def test_one_program_delivers(path: Path) -> None:
    """A second one may look and revive, but not deliver."""
    one, two = DeliveryQueue(path), DeliveryQueue(path)
    put(one, "a")
    assert one.own()
    assert not two.own()
    assert two.first() is not None
    one.close()
    assert two.own()
    two.close()


def test_a_damaged_file_is_put_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The queue goes on with a new one, and says what was lost."""
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    queue = DeliveryQueue(path)
    with pytest.raises(OutputError, match="damaged"):
        put(queue, "a")
    put(queue, "b")
    assert queue.counts()["waiting"] == 1
    assert path.with_suffix(".damaged").exists()
    queue.close()


def test_a_folder_that_is_gone_is_not_made(tmp_path: Path) -> None:
    """No queue appears in place of a disk that was pulled."""
    queue = DeliveryQueue(tmp_path / "stick" / ".outputs" / "toy.queue")
    with pytest.raises(OutputError, match="No such file"):
        put(queue, "a")
    assert not (tmp_path / "stick").exists()


def test_nothing_is_lost_by_sigkill(path: Path, tmp_path: Path) -> None:
    """Whatever `put` returned for is there after the process was killed, once and in its order."""
    program = (
        "import sys; from pathlib import Path; from smartselfie.outputs.delivery_queue import DeliveryQueue\n"
        "queue = DeliveryQueue(Path(sys.argv[1]))\n"
        "for number in range(100_000):\n"
        "    queue.put({'event': 'shot', 'number': number}, now=0.0); print(number, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(25)]
    process.send_signal(signal.SIGKILL)
    said += [int(line) for line in process.stdout.read().splitlines()]
    process.wait()
    process.stdout.close()
    queue, found = DeliveryQueue(path), []
    while (first := queue.first()) is not None:
        found.append(first.event["number"])
        queue.done(first)
    queue.close()
    assert found[: len(said)] == said
    assert len(found) <= len(said) + 1
