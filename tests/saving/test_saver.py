"""The saver: shots become files, in order, and none is lost silently."""

import errno
import gc
import json
import shutil
import threading
import weakref
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from smartselfie.errors import ConfigError, SaveError
from smartselfie.pictures.files import read_metadata
from smartselfie.records import Shot
from smartselfie.saving.folder import PictureFolder
from smartselfie.saving.saver import FolderSaver
from smartselfie.saving.storage import Limits
from tests.saver_helpers import Ear, make_shot

SHORT = (0.01, 0.02)


class FaultyFolder(PictureFolder):
    """A folder whose disk answers with an error while `fault` is set, and waits while `gate` is closed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.fault: tuple[int, str] | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.tries = 0
        self.released = 0

    def write(self, name: str, data: bytes) -> Path:
        self.tries += 1
        assert self.gate.wait(20)
        if self.fault is not None:
            raise OSError(*self.fault)
        return super().write(name, data)

    def release(self) -> None:
        self.released += 1
        super().release()


FULL = (errno.ENOSPC, "No space left on device")


@pytest.fixture
def ear() -> Ear:
    """What is announced."""
    return Ear()


@pytest.fixture
def folder(tmp_path: Path) -> FaultyFolder:
    """Where pictures go."""
    return FaultyFolder(tmp_path / "pictures")


def names(folder: PictureFolder) -> list[str]:
    """The files that are there."""
    return sorted(each.name for each in folder.path.iterdir())


def test_a_shot_becomes_a_file_and_an_event(folder: FaultyFolder, ear: Ear) -> None:
    """The picture is in place, named by its time, when the event says so."""
    with FolderSaver(folder, emit=ear, model_version="7", trigger={"threshold": 0.6}) as saver:
        saver.save(make_shot())
        (event,) = ear.wait_for("shot")
        path = folder.path / "selfie-20261120-183012-417.jpg"
        assert event == {
            "event": "shot",
            "at": 0.07,
            "picked_at": 0.0,
            "seq": 0,
            "file": str(path),
            "time": "2026-11-20T18:30:12.417+02:00",
            "by": "smile",
            "alternative": 0,
            "faces": [
                {
                    "track": 3,
                    "box": [10, 8, 20, 24],
                    "scores": {
                        "angry": 0.0,
                        "disgust": 0.0,
                        "fear": 0.0,
                        "happy": 0.92,
                        "sad": 0.0,
                        "surprise": 0.0,
                        "neutral": 0.08,
                    },
                }
            ],
        }
        json.dumps(event)
    details = read_metadata(path).details
    assert (details["model"], details["trigger"]) == ("7", {"threshold": 0.6})


def test_the_event_comes_after_the_file(folder: FaultyFolder) -> None:
    """At the moment of the event the file is complete under its name."""
    sizes: list[tuple[int, int]] = []

    def emit(event: str, /, **fields: object) -> None:
        with PIL.Image.open(str(fields["file"])) as picture:
            picture.load()
            sizes.append(picture.size)

    with FolderSaver(folder, emit=emit) as saver:
        saver.save(make_shot())
    assert sizes == [(64, 48)]


def test_shots_are_written_in_order(folder: FaultyFolder, ear: Ear) -> None:
    """Every shot that was handed over is written, in that order, before close returns."""
    with FolderSaver(folder, emit=ear) as saver:
        for number in range(20):
            saver.save(make_shot(number))
    assert [each["seq"] for each in ear.named("shot")] == list(range(20))
    assert len(names(folder)) == saver.saved == 20


def test_the_overlay_is_a_second_file(folder: FaultyFolder, ear: Ear) -> None:
    """With `save_overlay` the annotated picture lies beside the clean one, and only there."""
    shot = make_shot(annotated=np.full((48, 64, 3), 255, np.uint8))
    with FolderSaver(folder, emit=ear, save_overlay=True, format="png") as saver:
        saver.save(shot)
    assert names(folder) == ["selfie-20261120-183012-417-overlay.jpg", "selfie-20261120-183012-417.png"]
    with (
        PIL.Image.open(folder.path / names(folder)[0]) as overlay,
        PIL.Image.open(folder.path / names(folder)[1]) as clean,
    ):
        assert overlay.getpixel((5, 5)) == (255, 255, 255)
        assert clean.getpixel((5, 5)) == (40, 40, 40)
    assert len(ear.named("shot")) == 1


def test_the_newest_shot_is_known_with_its_file(folder: FaultyFolder, ear: Ear) -> None:
    """`last_shot` is the newest written shot with its path."""
    with FolderSaver(folder, emit=ear) as saver:
        assert saver.last_shot is None
        saver.save(make_shot(1))
        saver.save(make_shot(2))
        assert saver.flush(20)
        assert saver.last_shot is not None
        assert (saver.last_shot.seq, saver.last_shot.path) == (
            2,
            folder.path / "selfie-20261120-183014-417.jpg",
        )


def test_the_same_millisecond_gives_two_files(folder: FaultyFolder, ear: Ear) -> None:
    """Two pictures of one instant do not overwrite each other, nor the ones of an earlier run."""
    for _ in range(2):
        with FolderSaver(folder, emit=ear) as saver:
            saver.save(make_shot())
            saver.save(make_shot())
    assert len(names(folder)) == 4


def test_the_loop_waits_for_a_slow_disk(folder: FaultyFolder, ear: Ear) -> None:
    """With the queue full, `save` waits instead of dropping; it goes on when the disk does."""
    folder.gate.clear()
    with FolderSaver(folder, emit=ear, queue_size=2) as saver:
        for number in range(2):
            saver.save(make_shot(number))
        done = threading.Event()

        def shoot() -> None:
            saver.save(make_shot(2))
            saver.save(make_shot(3))
            done.set()

        thread = threading.Thread(target=shoot)
        thread.start()
        assert not done.is_set()
        folder.gate.set()
        assert done.wait(20)
        thread.join(20)
    assert [each["seq"] for each in ear.named("shot")] == [0, 1, 2, 3]


def test_a_full_disk_keeps_pictures_until_there_is_room(
    folder: FaultyFolder, ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    """What does not fit waits in memory, is said once, and is written in order once there is room."""
    with FolderSaver(folder, emit=ear, retry=SHORT) as saver:
        folder.fault = FULL
        for number in range(5):
            saver.save(make_shot(number))
        assert saver.flush(20)
        ear.wait_for("disk_full")
        assert saver.full == ""
        assert saver.notices == ("disk full (No space left on device): 5 pictures waiting",)
        assert names(folder) == []
        folder.fault = None
        ear.wait_for("shot", 5)
        assert saver.flush(20)
        assert (saver.notices, saver.full, saver.lost) == ((), "", 0)
    assert [each["seq"] for each in ear.named("shot")] == [0, 1, 2, 3, 4]
    assert len(ear.named("save_failed")) == len(ear.named("disk_full")) == 1
    assert [each.levelname for each in caplog.records] == ["ERROR", "WARNING"]


def test_a_disk_that_cannot_be_written_is_let_go(folder: FaultyFolder, ear: Ear) -> None:
    """After an error other than want of space the folder is released: its disk can be mounted anew."""
    with FolderSaver(folder, emit=ear, retry=(60, 60)) as saver:
        folder.fault = (errno.EROFS, "Read-only file system")
        saver.save(make_shot())
        (event,) = ear.wait_for("save_failed")
        assert event["reason"] == "Read-only file system"
        assert saver.full == ""
        assert saver.notices == ("pictures cannot be written (Read-only file system): 1 picture waiting",)
        assert saver.flush(20)
        assert folder.released == 1
        folder.fault = None
        saver.resume()
        ear.wait_for("shot")
    assert not ear.named("disk_full")


def test_attempts_become_rarer(folder: FaultyFolder, ear: Ear) -> None:
    """The pause between two attempts doubles up to its bound."""
    now = [0.0]
    with FolderSaver(folder, emit=ear, retry=(1, 5), monotonic=lambda: now[0]) as saver:
        folder.fault = FULL
        saver.save(make_shot())
        pauses = []
        for _ in range(5):
            assert saver.flush(20)
            pauses.append(saver._outbox.seconds_to_wait())
            now[0] += pauses[-1]
            tries = folder.tries
            saver.save(make_shot())
            assert saver.flush(20)
            assert folder.tries == tries + 1
        folder.fault = None
    assert pauses == [1, 2, 4, 5, 5]


def test_waiting_pictures_hold_no_frames(folder: FaultyFolder, ear: Ear) -> None:
    """While a picture waits, its frame's memory is given back: only the encoded bytes are kept."""
    with FolderSaver(folder, emit=ear, retry=(60, 60)) as saver:
        folder.fault = FULL
        shots = [make_shot(number) for number in range(3)]
        frames = [weakref.ref(shot.image) for shot in shots]
        while shots:
            saver.save(shots.pop(0))
        assert saver.flush(20)
        gc.collect()
        assert all(frame() is None for frame in frames)
        folder.fault = None
    assert len(names(folder)) == 3


def test_an_outage_takes_no_attempt_for_every_shot(folder: FaultyFolder, ear: Ear) -> None:
    """While the next attempt is not due, further shots are only encoded and kept."""
    with FolderSaver(folder, emit=ear, retry=(60, 60)) as saver:
        folder.fault = FULL
        for number in range(6):
            saver.save(make_shot(number))
        assert saver.flush(20)
        assert folder.tries == 1
        folder.fault = None
    assert len(names(folder)) == 6


def test_a_full_buffer_says_what_is_lost(
    folder: FaultyFolder, ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    """Pictures beyond the buffer are lost, each named in log and event; earlier ones are kept."""
    with FolderSaver(folder, emit=ear, retry=(60, 60)) as probe:
        probe.save(make_shot())
    size = (folder.path / names(folder)[0]).stat().st_size
    shutil.rmtree(folder.path)
    with FolderSaver(folder, emit=ear, retry=(60, 60), buffer_bytes=int(2.5 * size)) as saver:
        folder.fault = FULL
        for number in range(4):
            saver.save(make_shot(number))
        assert saver.flush(20)
        assert (saver.lost, saver.notices[1]) == (2, "2 pictures lost")
        folder.fault = None
    assert [each["lost"] for each in ear.named("save_failed") if "lost" in each] == [
        ["the picture of 2026-11-20 18:30:14.417"],
        ["the picture of 2026-11-20 18:30:15.417"],
    ]
    assert "lost: the picture of 2026-11-20 18:30:14.417: disk full (No space left" in caplog.text
    assert len(names(folder)) == 2


def test_closing_tries_once_more_and_names_what_is_lost(folder: FaultyFolder, ear: Ear) -> None:
    """At the end of the program what waits gets one more attempt; what still does not fit is named."""
    saver = FolderSaver(folder, emit=ear, retry=(60, 60))
    folder.fault = FULL
    saver.save(make_shot(0))
    saver.save(make_shot(1))
    saver.close()
    assert ear.events[-1]["lost"] == [
        "the picture of 2026-11-20 18:30:12.417",
        "the picture of 2026-11-20 18:30:13.417",
    ]
    assert saver.lost == 2
    saver.close()
    with pytest.raises(SaveError, match="closed"):
        saver.save(make_shot())


def test_closing_does_not_wait_for_ever(folder: FaultyFolder, ear: Ear) -> None:
    """A disk that blocks is left after the timeout, and what it did not take is named."""
    saver = FolderSaver(folder, emit=ear)
    folder.gate.clear()
    saver.save(make_shot(0))
    saver.save(make_shot(1))
    saver.close(timeout=0.05)
    lost = ear.events[-1]["lost"]
    folder.gate.set()
    saver.close()
    assert "the picture of 2026-11-20 18:30:12.417" in lost
    assert "the picture of 2026-11-20 18:30:13.417" in lost


def test_a_folder_that_cannot_be_used_at_start_is_an_outage(tmp_path: Path, ear: Ear) -> None:
    """The program starts without its folder, says so, and writes when it is there."""
    blocker = tmp_path / "pictures"
    blocker.write_text("a file")
    with FolderSaver(blocker, emit=ear, retry=SHORT) as saver:
        assert len(ear.named("save_failed")) == 1
        saver.save(make_shot())
        blocker.unlink()
        ear.wait_for("shot")
    assert [each.name for each in blocker.iterdir()] == ["selfie-20261120-183012-417.jpg"]


def test_a_removed_folder_does_not_lose_pictures(folder: FaultyFolder, ear: Ear) -> None:
    """The folder is removed with all that leads to it, comes back, and every picture is there."""
    parent = folder.path.parent
    with FolderSaver(folder, emit=ear, retry=SHORT) as saver:
        saver.save(make_shot(0))
        assert saver.flush(20)
        away = parent.rename(parent.with_name("away"))
        saver.save(make_shot(1))
        ear.wait_for("save_failed")
        assert not parent.exists()
        away.rename(parent)
        ear.wait_for("shot", 2)
    assert len(names(folder)) == 2


def test_a_second_saver_is_refused(folder: FaultyFolder, ear: Ear) -> None:
    """Two programs do not write to one folder: the second ends with an error that names it."""
    with (
        FolderSaver(folder, emit=ear),
        pytest.raises(SaveError, match=r"pictures: another smartselfie writes pictures there"),
    ):
        FolderSaver(folder.path, emit=ear)
    FolderSaver(folder.path, emit=ear).close()


def test_settings_change_while_running(folder: FaultyFolder, ear: Ear) -> None:
    """Format, name, quality, trigger and overlay apply to the next shot; a bad value changes nothing."""
    with FolderSaver(folder, emit=ear) as saver:
        saver.change(format="png", name="a-{counter}", trigger={"hold": 4})
        saver.save(make_shot())
        assert saver.flush(20)
        with pytest.raises(ConfigError, match="'/' is not allowed"):
            saver.change(format="jpg", name="../a")
        with pytest.raises(ValueError, match="need 1 <= quality <= 100, got 0"):
            saver.change(quality=0)
        with pytest.raises(ValueError, match="need jpg or png, got 'gif'"):
            saver.change(format="gif")
        saver.save(make_shot())
    assert names(folder) == ["a-0001.png", "a-0002.png"]
    assert read_metadata(folder.path / "a-0002.png").details["trigger"] == {"hold": 4}


def test_limits_stop_and_resume(folder: FaultyFolder, ear: Ear) -> None:
    """A limit that is reached forbids more pictures; wider limits let the waiting one through at once."""
    with FolderSaver(folder, emit=ear, limits=Limits(max_size=10), retry=(60, 60)) as saver:
        saver.save(make_shot())
        ear.wait_for("disk_full")
        assert saver.full == "storage full (pictures take 0 bytes of the 10 bytes they may)"
        saver.change(limits=Limits())
        ear.wait_for("shot")
        assert saver.flush(20)
        assert saver.full == ""


def test_a_limit_is_said_before_a_picture_is_taken(folder: FaultyFolder, ear: Ear) -> None:
    """A folder that is over its limit at the start is announced as full at once; no picture has failed."""
    with FolderSaver(folder, emit=ear) as saver:
        saver.save(make_shot())
    with FolderSaver(folder, emit=ear, limits=Limits(max_size=10)) as saver:
        (event,) = ear.wait_for("disk_full")
        assert str(event["reason"]).endswith("of the 10 bytes they may")
        assert saver.full
    assert not ear.named("save_failed")


def test_the_oldest_make_room(folder: FaultyFolder, ear: Ear) -> None:
    """With `remove_oldest` shooting goes on within `max_size`."""
    with FolderSaver(folder, emit=ear) as saver:
        saver.save(make_shot(0))
        assert saver.flush(20)
        size = (folder.path / names(folder)[0]).stat().st_size
        saver.change(limits=Limits(max_size=int(3.5 * size), when_full="remove_oldest"))
        for number in range(1, 6):
            saver.save(make_shot(number))
    assert [name[-8:-4] for name in names(folder)] == ["-417"] * 3
    assert names(folder)[0] == "selfie-20261120-183015-417.jpg"
    assert len(ear.named("shot")) == 6


def test_a_folder_may_keep_only_the_newest(folder: FaultyFolder, ear: Ear) -> None:
    """`keep` bounds the number of pictures; `event` gives them a name of their own."""
    with FolderSaver(folder, emit=ear, keep=2, event="near_miss", thread_name="near misses") as saver:
        for number in range(5):
            saver.save(make_shot(number))
    assert names(folder) == ["selfie-20261120-183015-417.jpg", "selfie-20261120-183016-417.jpg"]
    assert len(ear.named("near_miss")) == 5


def test_a_failure_of_the_thread_is_raised_in_the_loop(folder: FaultyFolder, ear: Ear) -> None:
    """What is no disk error is raised by the next `save`, and its picture is named as lost."""
    saver = FolderSaver(folder, emit=ear)
    shot = make_shot()
    saver.save(Shot(np.zeros((1, 70000, 3), np.uint8), (), (1, 1), shot.taken, 0, 0, 0))
    ear.wait_for("save_failed")
    with pytest.raises(ValueError, match="70000x1"):
        saver.save(shot)
    with pytest.raises(SaveError, match="the saver has stopped"):
        saver.save(shot)
    assert ear.events[-1]["lost"] == ["the picture of 2026-11-20 18:30:12.417"]
    saver.close()


def test_a_failure_nobody_saw_is_raised_at_the_end(folder: FaultyFolder) -> None:
    """An event listener that fails, even with an OSError, is not taken for the disk: close raises it."""

    def emit(event: str, /, **fields: object) -> None:
        if event == "shot":
            raise BrokenPipeError("the listener is gone")

    saver = FolderSaver(folder, emit=emit)
    saver.save(make_shot())
    with pytest.raises(BrokenPipeError):
        saver.close()
    assert names(folder) == ["selfie-20261120-183012-417.jpg"]


def test_no_thread_outlives_its_saver(folder: FaultyFolder, ear: Ear) -> None:
    """After close the thread is gone and the folder is free."""
    with FolderSaver(folder, emit=ear):
        assert "saver" in [each.name for each in threading.enumerate()]
    assert "saver" not in [each.name for each in threading.enumerate()]
    assert PictureFolder(folder.path).prepare()


def test_a_disk_that_hangs_does_not_hold_the_loop_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the queue stays full for longer than its patience, the shot is named as lost."""
    answer = threading.Event()
    write = PictureFolder.write

    def hang(folder: PictureFolder, name: str, data: bytes) -> Path:
        answer.wait(30)
        return write(folder, name, data)

    monkeypatch.setattr(PictureFolder, "write", hang)
    ear = Ear()
    with FolderSaver(tmp_path / "pictures", emit=ear, queue_size=1, patience=0.05) as saver:
        for number in range(4):
            saver.save(make_shot(number))
        lost = [each for each in ear.named("save_failed") if each.get("lost")]
        answer.set()
    assert lost
    assert "has not answered" in str(lost[0]["reason"])
