"""Whether a window can be opened here.

Asked before OpenCV is: its Qt does not raise where there is no display, it ends the process.
"""

from __future__ import annotations

import ctypes
import os
import re
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

PATIENCE = 0.5
"""Seconds that a display server has to answer."""
XCB = "libxcb.so.1"


def display_problem(
    environ: Mapping[str, str] | None = None, platform: str = sys.platform, patience: float = PATIENCE
) -> str | None:
    """Return in one line why no window can be opened, None when one can.

    On Linux and the BSDs this connects to the X server (or, for an OpenCV that can speak it, finds the
    Wayland socket) as a window would, and disconnects; elsewhere there always is a display. `patience` is
    how many seconds the server has to answer.
    """
    if platform in ("darwin", "win32"):
        return None
    environ = os.environ if environ is None else environ
    if environ.get("QT_QPA_PLATFORM", "").startswith(("offscreen", "minimal", "vnc")):
        return None
    display = environ.get("DISPLAY", "")
    if display:
        return _x_problem(display, patience)
    wayland = environ.get("WAYLAND_DISPLAY", "")
    if not wayland:
        return "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    if not (Path(environ.get("XDG_RUNTIME_DIR", "/run")) / wayland).exists():
        return f"the display WAYLAND_DISPLAY={wayland} does not answer"
    plugins = Path(environ.get("QT_QPA_PLATFORM_PLUGIN_PATH", "/")) / "platforms"
    if plugins.is_dir() and not any(plugins.glob("libqwayland*")):
        return "this OpenCV cannot open windows on Wayland without XWayland (DISPLAY is not set)"
    return None


def _x_problem(display: str, patience: float) -> str | None:
    parts = re.fullmatch(r"(?:(?P<host>[^:/]*)(?:/unix)?):(?P<number>\d+)(?:\.\d+)?", display)
    if parts is None and not display.startswith("/"):  # a path is XQuartz's, libxcb knows what to do
        return f"DISPLAY={display} is not the name of a display, such as :0"
    if parts is not None and not _listens(parts["host"], int(parts["number"]), patience):
        return f"the display DISPLAY={display} does not answer"
    try:
        xcb = ctypes.CDLL(XCB)
    except OSError:
        return f"{XCB} is missing: install it with  sudo apt-get install libxcb1"
    answers: list[bool] = []
    # libxcb waits for ever for a server that accepts and says nothing: that thread is left behind.
    probe = threading.Thread(
        target=lambda: answers.append(_accepts(xcb, display)), name="display-probe", daemon=True
    )
    probe.start()
    probe.join(patience)
    if not answers:
        return f"the display DISPLAY={display} does not answer"
    return None if answers[0] else f"the display DISPLAY={display} refuses this user"


def _accepts(xcb: ctypes.CDLL, display: str) -> bool:
    """Whether the X server lets this user in: what a window's own connection will be told."""
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(display.encode(), None)
    refused = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not refused


def _listens(host: str, number: int, patience: float) -> bool:
    """Whether somebody accepts connections there."""
    addresses: list[tuple[socket.AddressFamily, str | tuple[str, int]]] = [
        (socket.AF_INET, (host or "127.0.0.1", 6000 + number))
    ]
    if host in ("", "unix") and hasattr(socket, "AF_UNIX"):
        path = f"/tmp/.X11-unix/X{number}"
        addresses = [(socket.AF_UNIX, path), (socket.AF_UNIX, "\0" + path), *addresses]
    for family, address in addresses:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(patience)
            try:
                probe.connect(address)
            except OSError:
                continue
            return True
    return False
