"""Kills programs that shoot, at random moments, and looks at what they leave."""

import json
import multiprocessing
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smartselfie.atomic import PREFIX
from smartselfie.saving.folder import PictureFolder
from tests.faults.program import QUICK, write_smiles
from tests.faults.shooter import check, run_program, shoot


def kill_shooters(tmp_path: Path, *, kills: int, format: str, seed: int) -> int:
    """Start and SIGKILL as many shooters on one folder, check it after each; returns the pictures there."""
    return _kill(tmp_path, shoot, (format,), kills, seed)


def kill_programs(tmp_path: Path, *, kills: int, seed: int) -> int:
    """The same with the whole program, which takes a picture of every frame of a folder."""
    source = write_smiles(tmp_path / "source", 50)
    for copy in range(50, 2000):  # so many that it never comes to the end before it is killed
        (source / f"{copy:04}.jpg").hardlink_to(source / f"{copy % 50:04}.jpg")
    config = tmp_path / "config.yaml"
    config.write_text(QUICK.replace("repeat: 200ms", "repeat: 1ms"))
    return _kill(tmp_path, run_program, (source, config), kills, seed)


def _kill(
    tmp_path: Path, target: Callable[..., None], arguments: tuple[object, ...], kills: int, seed: int
) -> int:
    moments = random.Random(seed)
    context = multiprocessing.get_context("forkserver")  # imports once, so that many programs are cheap
    context.set_forkserver_preload(["tests.faults.shooter", "smartselfie.daemon.app"])
    folder, reported, pictures = tmp_path / "pictures", set[str](), set[Path]()
    for number in range(kills):
        events = tmp_path / f"events-{number}"
        shooter = context.Process(target=target, args=(folder, events, *arguments), daemon=True)
        shooter.start()
        wait_for_shots(shooter, events, 1 + number % 3)
        shooter.join(moments.uniform(0, 0.02))  # it does not end by itself: this picks the moment
        shooter.kill()
        shooter.join()
        assert shooter.exitcode == -9
        reported |= {shot["file"] for shot in shots(events)}
        pictures = set(check(folder, known=pictures))
        assert {path for path in reported if not Path(path).exists()} == set()
    after = PictureFolder(folder)
    after.prepare()
    assert [name for name in after.names() if name.startswith(PREFIX)] == []
    after.release()
    return len(check(folder))


def shots(path: Path) -> list[dict[str, Any]]:
    """The shots among the events that were written to their end."""
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [event for event in map(json.loads, lines) if event["event"] == "shot"]


def wait_for_shots(process: multiprocessing.process.BaseProcess, path: Path, count: int) -> None:
    """Wait until the process has reported so many."""
    for _ in range(10_000):
        if len(shots(path)) >= count:
            return
        process.join(0.005)
        assert process.exitcode is None, "the shooter ended by itself"
    raise AssertionError("the shooter reports nothing")
