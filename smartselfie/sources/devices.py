"""Which cameras the machine has: their device files, their stable names, and why one does not open."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from pathlib import Path

CHOICES = (
    "choose another with --source: a number, /dev/videoN, a video file, a folder, an http or rtsp URL, demo"
)
"""Ends the messages of cameras that cannot be used."""

V4L = 81
"""The major number of Linux' video devices."""
_DEV = Path("/dev")
_SYS = Path("/sys/class/video4linux")
_NO_WEBCAM = re.compile(r"bcm2835|unicam|rp1-cfe|pispbe|rpi")
"""How a Pi names its codecs, scalers and raw sensors: they look like cameras and give no pictures."""


def cameras(dev: Path = _DEV, names: Path = _SYS) -> list[str | int]:
    """Return what `auto` tries, in order: device files on Linux, the first indices elsewhere."""
    if sys.platform != "linux":
        return [0, 1, 2]
    numbers = sorted(int(path.name[5:]) for path in dev.glob("video*") if path.name[5:].isdecimal())
    return [str(dev / f"video{n}") for n in numbers if not _NO_WEBCAM.match(_name(names / f"video{n}"))]


def _name(entry: Path) -> str:
    try:
        return (entry / "name").read_text(encoding="utf-8")
    except OSError:  # a driver without an entry; opening it tells
        return ""


def stable_name(device: str, dev: Path = _DEV) -> str:
    """Return the name below /dev/v4l/by-id, which survives replugging; `device` where there is none."""
    real = os.path.realpath(device)
    for link in sorted((dev / "v4l" / "by-id").glob("*")):
        if os.path.realpath(link) == real:
            return str(link)
    return device


def users(device: str, proc: Path = Path("/proc")) -> list[str]:
    """Return the programs that hold the device open, as "name (pid)", as far as we may see them."""
    real = os.path.realpath(device)
    holders = []
    for process in proc.glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            held = any(os.path.realpath(link) == real for link in (process / "fd").iterdir())
            if held:
                name = (process / "comm").read_text(encoding="utf-8").strip()
                holders.append(f"{name} (pid {process.name})")
        except OSError:  # another user's process, or one that has just ended
            continue
    return sorted(holders)


def why_not(device: str | int) -> str:
    """Say in words why a camera that did not open may have refused."""
    if isinstance(device, int):
        hint = "; allow it under Privacy & Security > Camera" if sys.platform == "darwin" else ""
        return f"camera {device} does not open: none there, or another program uses it{hint}"
    if not Path(device).exists():
        there = ", ".join(map(str, cameras())) or "none"
        return f"there is no camera {device} (cameras here: {there})"
    try:
        os.close(os.open(device, os.O_RDWR | os.O_NONBLOCK))
    except PermissionError:
        return f"no permission to use {device}: run 'sudo usermod -aG video $USER' and log in again"
    except OSError as error:
        if error.errno != errno.EBUSY:
            return f"{device} does not open: {error.strerror}"
    what = Path(device).stat()
    if stat.S_ISCHR(what.st_mode) and sys.platform == "linux" and os.major(what.st_rdev) != V4L:
        return f"{device} is no camera"
    holders = users(device)
    if holders:
        more = f" and {len(holders) - 3} more" if len(holders) > 3 else ""
        return f"{device} is in use by {', '.join(holders[:3])}{more}"
    return f"{device} does not open as a camera, or another program uses it"
