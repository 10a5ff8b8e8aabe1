"""The folder of the pictures fills up, turns read-only, vanishes and comes back under the real program."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import PIL.Image
import pytest

from tests.faults.kill import kill_programs
from tests.faults.program import QUICK, Program, smiling_picture
from tests.mjpeg_server import MjpegServer
from tests.saving.test_disks import namespace


@pytest.fixture(scope="module")
def camera() -> Iterator[MjpegServer]:
    """A camera before which somebody smiles all the time."""
    with MjpegServer(smiling_picture, size=(320, 240), fps=20) as server:
        yield server


class OnDisk(Program):
    """The program with its pictures on a disk of 2 MB of its own."""

    def __init__(self, folder: Path, camera: MjpegServer) -> None:
        self.disk = folder / "disk"
        self.disk.mkdir()
        mount = f"mount -t tmpfs -o size=2m none '{self.disk}' && exec \"$@\""
        config = QUICK.replace("folder: pictures", f"quality: 30, folder: {self.disk}/pictures")
        prefix = [*namespace(), "sh", "-c", mount, "sh"]
        super().__init__(folder, "--source", camera.url, config=config, prefix=prefix)

    @property
    def seen(self) -> Path:
        """The disk, as the program sees it."""
        return Path(f"/proc/{self.pid}/root{self.disk}")

    def remount(self, how: str) -> None:
        """Make the disk read-only, or writable again."""
        enter = ["nsenter", "--target", str(self.pid), "--mount"]
        if "--map-root-user" in namespace():
            enter.insert(1, "--user")
        subprocess.run([*enter, "mount", "-o", f"remount,{how}", str(self.disk)], check=True)

    def check_disk(self) -> None:
        """Fail unless every picture is whole and every one that was reported is there."""
        reported = {Path(event["file"]).name for event in self.named("shot")}  # first: more come meanwhile
        there = [path for path in (self.seen / "pictures").iterdir() if not path.name.startswith(".")]
        for path in there:
            with PIL.Image.open(path) as picture:
                picture.load()
        assert reported <= {path.name for path in there}


@pytest.fixture(scope="module")
def running(camera: MjpegServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnDisk]:
    """The program, which outlives what its disk does."""
    with OnDisk(tmp_path_factory.mktemp("disk"), camera) as program:
        yield program


def outage(program: Program, since: int) -> None:
    """Wait until pictures wait while the camera goes on."""
    program.wait_for("save_failed", since)
    shots = program.status()["shots"]
    program.wait_until(lambda: program.status()["shots"] > shots + 2 and program.status()["outage"])


def recovery(program: Program) -> None:
    """Wait until everything that was taken during an outage is written."""
    taken = program.status()["shots"]
    program.wait_for("shot", count=taken)
    program.wait_until(lambda: program.status()["outage"] == "")
    assert program.status()["lost"] == 0


def fill(path: Path) -> None:
    """Write a file until its disk is full."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1000)):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 (how far it gets is what is wanted)


def test_a_full_disk_loses_nothing(running: OnDisk) -> None:
    """On 2 MB without room pictures wait while the camera goes on, and are written once there is room."""
    running.wait_for("shot", len(running.events))
    since = len(running.events)
    filler = running.seen / "filler"
    fill(filler)
    running.wait_for("disk_full", since)
    outage(running, since)
    filler.unlink()
    recovery(running)
    running.check_disk()


def test_a_disk_that_turns_read_only_loses_nothing(running: OnDisk) -> None:
    """Remounted read-only, as after errors, and mended: what was taken meanwhile is written."""
    running.wait_for("shot", len(running.events))
    since = len(running.events)
    running.remount("ro")
    outage(running, since)
    running.remount("rw")
    recovery(running)
    running.check_disk()


def test_a_folder_that_vanishes_and_comes_back_loses_nothing(tmp_path: Path, camera: MjpegServer) -> None:
    """Moved away with what holds it: no other is made in its place; moved back, what waits is written."""
    config = QUICK.replace("folder: pictures", "folder: stick/pictures")
    (tmp_path / "stick").mkdir()
    with Program(tmp_path, "--source", camera.url, config=config) as program:
        program.pictures = tmp_path / "stick" / "pictures"
        program.wait_for("shot")
        since = len(program.events)
        (tmp_path / "stick").rename(tmp_path / "pulled")
        outage(program, since)
        assert not (tmp_path / "stick").exists()
        (tmp_path / "pulled").rename(tmp_path / "stick")
        recovery(program)
        assert program.end() == 0
        assert program.check_pictures() == len(program.named("shot"))


def test_a_limit_of_storage_stops_the_taking(tmp_path: Path, camera: MjpegServer) -> None:
    """At max_size with `stop` no more are taken, which is said; with more room they are again."""
    config = QUICK.replace("min_free: 0", "min_free: 0, max_size: 100kB")
    with Program(tmp_path, "--source", camera.url, config=config) as program:
        program.wait_for("disk_full")
        program.wait_for_words("no picture taken: storage full")
        since = len(program.events)
        program.config.write_text(config.replace("100kB", "10MB"))
        program.wait_for("config_reloaded", since)
        program.wait_for("shot", since, count=3)
        assert program.end() == 0
        assert program.check_pictures() == len(program.named("shot"))


def test_a_killed_program_leaves_only_whole_pictures(tmp_path: Path) -> None:
    """The whole program, killed at five random moments while it shoots without pause."""
    assert kill_programs(tmp_path, kills=5, seed=3) >= 5


@pytest.mark.slow
def test_three_hundred_kills_of_the_program(tmp_path: Path) -> None:
    """The same three hundred times: not one broken, not one reported picture missing."""
    pictures = kill_programs(tmp_path, kills=300, seed=4)
    print(f"\n300 kills, {pictures} pictures, all whole")
