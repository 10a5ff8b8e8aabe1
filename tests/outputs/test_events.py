"""Events as JSON lines: whole lines, whoever reads them."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from smartselfie.errors import UsageError
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


def test_a_reader_that_goes_away_ends_the_lines(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A closed pipe is one warning, and no error."""
    logging.getLogger("smartselfie").propagate = True
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    file = EventsFile(path)
    os.close(reader)
    file.event({"event": "a"})
    file.event({"event": "b"})
    file.close()
    assert caplog.text.count("cannot be written any more") == 1


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
