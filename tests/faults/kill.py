"""Kills programs that shoot, at random moments, and looks at what they leave."""

import json
import multiprocessing
import random
from pathlib import Path

from smartselfie.atomic import PREFIX
from smartselfie.picture_folder import PictureFolder
from tests.faults.shooter import check, shoot


def kill_shooters(tmp_path: Path, *, kills: int, format: str, seed: int) -> int:
    """Start and SIGKILL as many shooters on one folder, check it after each; returns the pictures there."""
    moments = random.Random(seed)
    context = multiprocessing.get_context("forkserver")  # imports once, so that many programs are cheap
    context.set_forkserver_preload(["tests.faults.shooter"])
    folder, reported, pictures = tmp_path / "pictures", set[str](), set[Path]()
    for number in range(kills):
        events = tmp_path / f"events-{number}"
        shooter = context.Process(target=shoot, args=(folder, events, format), daemon=True)
        shooter.start()
        wait_for_lines(shooter, events, 1 + number % 3)
        shooter.join(moments.uniform(0, 0.02))  # it does not end by itself: this picks the moment
        shooter.kill()
        shooter.join()
        assert shooter.exitcode == -9
        reported |= {json.loads(line)["file"] for line in complete_lines(events)}
        pictures = set(check(folder, known=pictures))
        assert {path for path in reported if not Path(path).exists()} == set()
    after = PictureFolder(folder)
    after.prepare()
    assert [name for name in after.names() if name.startswith(PREFIX)] == []
    after.release()
    return len(check(folder))


def complete_lines(path: Path) -> list[str]:
    """The lines that were written to their end."""
    return path.read_text().split("\n")[:-1] if path.exists() else []


def wait_for_lines(process: multiprocessing.process.BaseProcess, path: Path, count: int) -> None:
    """Wait until the process has reported so much."""
    for _ in range(10_000):
        if len(complete_lines(path)) >= count:
            return
        process.join(0.005)
        assert process.exitcode is None, "the shooter ended by itself"
    raise AssertionError("the shooter reports nothing")
