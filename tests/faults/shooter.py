"""A program that shoots without pause until it is killed, for the tests that kill it."""

from collections.abc import Container
from itertools import count
from pathlib import Path

import numpy as np
import PIL.Image

from smartselfie.cli import main
from smartselfie.outputs.events import Events, EventsFile
from smartselfie.pictures.files import read_metadata
from smartselfie.saving.saver import FolderSaver
from tests.saver_helpers import make_shot


def shoot(folder: Path, events: Path, format: str) -> None:
    """Save shots to `folder` for ever, each announced in the file `events`; ratings change meanwhile."""
    noise = np.random.default_rng(0).integers(0, 255, (96, 128, 3), dtype=np.uint8)
    announce = Events()
    announce.listen(EventsFile(events).event)  # in the saver's thread: what is reported is on the disk
    saver = FolderSaver(
        folder,
        emit=announce,
        format=format,
        name="{counter}-{date}",
        save_overlay=True,
        model_version="1",
    )
    for number in count():
        saver.save(make_shot(number % 1000, image=noise, annotated=noise))


def run_program(folder: Path, events: Path, source: Path, config: Path) -> None:
    """Be `smartselfie run` on a folder of pictures."""
    files = ["--config", str(config), "--source", str(source), "--events", str(events)]
    main(["run", "--headless", "--quiet", *files, "--set", f"saver.folder={folder}"])


def check(folder: Path, known: Container[Path] = ()) -> list[Path]:
    """Decode every picture but those `known`, fail if one is broken; returns all of them."""
    pictures = [path for path in folder.iterdir() if not path.name.startswith(".")]
    for path in pictures:
        if path in known:
            continue
        with PIL.Image.open(path) as picture:
            picture.load()
        assert read_metadata(path).ours, path
    return pictures
