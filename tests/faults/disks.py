"""Real disks that fill up, turn read-only and are pulled: run inside a mount namespace of its own.

`python -m tests.faults.disks SCENARIO FOLDER` prints one JSON object of what was seen.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from smartselfie.saving.saver import FolderSaver
from tests.faults.shooter import check
from tests.saver_helpers import Ear, make_shot

NOISE = np.random.default_rng(0).integers(0, 255, (192, 256, 3), dtype=np.uint8)


def mount(disk: Path, files: int = 10_000) -> None:
    """Put a disk of 2 MB there that takes so many files."""
    options = f"size=2m,nr_inodes={files}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(disk)], check=True)


def fill(disk: Path, saver: FolderSaver, ear: Ear) -> None:
    """Shoot until the disk is full and some more, then make room."""
    (disk / "other").write_bytes(bytes(1_500_000))
    number = 0
    while not ear.named("disk_full"):
        saver.save(make_shot(number, image=NOISE))
        number += 1
    for more in range(5):
        saver.save(make_shot(number + more, image=NOISE))
    saver.flush(20)
    waiting = saver.notices
    check(saver.folder)
    (disk / "other").unlink()
    subprocess.run(["mount", "-o", "remount,nr_inodes=10000", str(disk)], check=True)
    saver.resume()
    ear.wait_for("shot", number + 5)
    print(json.dumps({"waiting": waiting, "pictures": len(check(saver.folder)), "shots": number + 5}))


def protect(disk: Path, saver: FolderSaver, ear: Ear) -> None:
    """The disk turns read-only, as one does after errors, and is mended."""
    saver.save(make_shot(0))
    saver.flush(20)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    saver.save(make_shot(1))
    ear.wait_for("save_failed")
    saver.flush(20)
    waiting = saver.notices
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    saver.resume()
    ear.wait_for("shot", 2)
    print(json.dumps({"waiting": waiting, "pictures": len(check(saver.folder)), "shots": 2}))


def pull(disk: Path, saver: FolderSaver, ear: Ear) -> None:
    """The stick is pulled and its place is an empty folder of the disk below; another stick is plugged in."""
    saver.save(make_shot(0))
    saver.flush(20)
    subprocess.run(["umount", "--lazy", str(disk)], check=True)
    saver.save(make_shot(1))
    ear.wait_for("save_failed")
    saver.flush(20)
    waiting, below = saver.notices, [each.name for each in disk.iterdir()]
    mount(disk)
    saver.resume()
    ear.wait_for("shot", 2)
    print(json.dumps({"waiting": waiting, "below": below, "pictures": len(check(saver.folder)), "shots": 2}))


def main() -> None:
    """Run one scenario on a disk mounted at the folder given."""
    scenario, disk = sys.argv[1], Path(sys.argv[2])
    mount(disk, 8 if scenario == "crowd" else 10_000)
    ear = Ear()
    with FolderSaver(disk / "pictures", emit=ear, retry=(60, 60)) as saver:
        {"fill": fill, "crowd": fill, "protect": protect, "pull": pull}[scenario](disk, saver, ear)


if __name__ == "__main__":
    main()
