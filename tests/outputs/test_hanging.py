"""The whole program beside far sides that hang or refuse: pictures and end come all the same."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartselfie.commands.run import RunOptions, run
from smartselfie.outputs.delivery_queue import FOLDER, DeliveryQueue
from smartselfie.schema.kinds import KindEntry
from smartselfie.sources import SOURCES
from tests.outputs.receiver import Receiver, receiver

TOY = ["source.use=toy", "window.show=false", "detector.kind=toy", "classifier.kind=toy"]


@pytest.fixture(autouse=True)
def toys() -> Iterator[None]:
    """A source, a detector and a classifier that take one picture."""
    from contextlib import ExitStack

    from smartselfie.classifiers import CLASSIFIERS
    from smartselfie.detectors import DETECTORS

    with ExitStack() as stack:
        for name, family in {"source": SOURCES, "detector": DETECTORS, "classifier": CLASSIFIERS}.items():
            stack.enter_context(family.registered("toy", KindEntry(f"tests.toys.{name}", "for play.")))
        yield


@pytest.fixture
def there() -> Iterator[Receiver]:
    """A receiver."""
    with receiver() as what:
        yield what


def start(folder: Path, *outputs: dict[str, object]) -> int:
    """Run the program on the toy source; it returns when the source ends."""
    return run(RunOptions(overrides=(*TOY, f"saver.folder={folder}", f"outputs={json.dumps(outputs)}")))


def test_a_run_ends_while_its_far_sides_hang(tmp_path: Path, there: Receiver) -> None:
    """The picture is saved and the end comes though nobody ever answers; the deliveries wait on the disk."""
    there.answers = ["hang"]
    hooks: list[dict[str, object]] = [
        {"kind": "webhook", "url": f"{there.url}/{number}", "only": []} for number in range(3)
    ]
    hooks.append({"kind": "exec", "run": [sys.executable, "-c", "import time; time.sleep(30)"]})
    assert start(tmp_path / "p", *hooks) == 0
    assert not there.free.is_set()  # they hang still
    assert len(list((tmp_path / "p").glob("*.jpg"))) == 1
    waiting = []
    for path in (tmp_path / "p" / FOLDER).glob("*.queue"):
        queue = DeliveryQueue(path)
        waiting.append(queue.counts()["waiting"])
        queue.close()
    assert sorted(waiting) == [1, 3, 3, 3]  # started, shot, stopped; exec only the shot


def test_the_next_run_delivers_what_waited(tmp_path: Path, there: Receiver) -> None:
    """In its order, each with one key, before what is new."""
    hook = {"kind": "webhook", "url": there.url}
    there.answers = [503]
    assert start(tmp_path / "p", hook) == 0
    first = json.loads(there.got[0][2])
    assert {headers["webhook-id"] for _, headers, _ in there.got} == {first["id"]}
    there.got.clear()
    there.answers = [200]
    assert start(tmp_path / "p", hook) == 0
    assert [json.loads(body)["data"]["event"] for _, _, body in there.got] == ["shot", "shot"]
    assert json.loads(there.got[0][2])["id"] == first["id"]
