"""Events as JSON lines: whole lines, whoever reads them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from smartselfie.errors import OutputError, UsageError
from smartselfie.outputs.events import Events, EventsFile
from smartselfie.outputs.thread import OutputThread


def test_each_event_is_a_line_at_once(tmp_path: Path) -> None:
    """A line is in the file when `event` returns; the file is added to, never emptied."""
    path = tmp_path / "events"
    path.write_text("old\n")
    file = EventsFile(path)
    file.event({"event": "shot", "at": 1.5})
    assert path.read_text() == 'old\n{"event": "shot", "at": 1.5}\n'
    file.close()


def test_a_file_that_cannot_be_opened_is_wrong_usage(tmp_path: Path) -> None:
    """The message names the option and the file."""
    with pytest.raises(UsageError, match=r"--events .*nowhere"):
        EventsFile(tmp_path / "nowhere" / "events")


def test_a_reader_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    """A pipe by name may find another reader: until then its events wait, and the file knows why."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    file = EventsFile(path)
    os.close(reader)
    for _ in range(2):
        with pytest.raises(OutputError, match="nobody reads this pipe"):
            file.event({"event": "a"})
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    file.event({"event": "b"})
    assert json.loads(os.read(reader, 1000)) == {"event": "b"}
    os.close(reader)
    file.close()


def test_a_pipe_without_a_reader_holds_nobody_up(tmp_path: Path) -> None:
    """Opening it comes back at once, and whoever reads later gets what waited."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    file = EventsFile(path)
    with pytest.raises(OutputError):
        file.event({"event": "a"})
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    file.event({"event": "a"})
    assert json.loads(os.read(reader, 1000)) == {"event": "a"}
    os.close(reader)
    file.close()


@pytest.mark.parametrize("how", ["rotated", "removed", "asked"])
def test_a_file_that_was_moved_is_opened_anew(tmp_path: Path, how: str) -> None:
    """After a rotation the lines go where the name leads, whether a new file was made or not."""
    path = tmp_path / "events.jsonl"
    file = EventsFile(path)
    file.event({"event": "a"})
    path.rename(tmp_path / "events.jsonl.1")
    if how == "rotated":
        path.touch()
    elif how == "asked":
        file.reopen()
    file.event({"event": "b"})
    file.close()
    assert json.loads(path.read_text()) == {"event": "b"}
    assert json.loads((tmp_path / "events.jsonl.1").read_text()) == {"event": "a"}


def test_secrets_never_reach_an_event() -> None:
    """Texts of an event are redacted before anybody hears them."""
    announce, heard = Events(), []
    announce.listen(heard.append)
    announce("started", source="rtsp://me:pa/ss@cam/a?pwd=x", errors=["http://u:v@h/ no"])
    assert heard == [{"event": "started", "source": "rtsp://cam/a?pwd=***", "errors": ["http://h/ no"]}]


def test_a_reader_that_stops_reading_stops_nobody(tmp_path: Path) -> None:
    """A full pipe holds its own thread up, not those who announce."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    announce = Events()
    thread = OutputThread(EventsFile(path), "events", size=10)
    announce.listen(thread.hear)
    for number in range(2000):
        announce("shot", number=number, padding="x" * 100)
    assert thread.lost > 0
    os.close(reader)  # lets the blocked write go
    thread.close()


def test_standard_output_is_for_events_alone() -> None:
    """With - the lines come out of standard output, also when the program ends at once."""
    code = (
        "from smartselfie.outputs.events import EventsFile\n"
        "file = EventsFile('-'); file.event({'event': 'a'}); file.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"event": "a"}
