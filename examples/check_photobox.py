"""Install the example package beside smartselfie and run it: `python examples/check_photobox.py`.

What it brings must be found, listed, checked and run by a smartselfie that knows nothing of it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent
GIVEN = ("detector.kind=seat", "classifier.kind=brightness", "outputs=[{kind: counter, file: count.txt}]")


def run(*words: str, folder: Path) -> str:
    """Run a command that must succeed; returns what it said."""
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    """Install, check, run, look at what came of it, take away."""
    package = HERE / "smartselfie-photobox"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cv2.imwrite(str(folder / "me.jpg"), np.full((480, 640, 3), 250, np.uint8))
        run("pip", "install", "--quiet", "--no-deps", "--no-build-isolation", str(package), folder=folder)
        try:
            sets = [word for setting in GIVEN for word in ("--set", setting)]
            found = run("smartselfie", "check", "--set", "source.use=picture:me.jpg", *sets, folder=folder)
            run("smartselfie", "run", "--headless", "--source", "picture:me.jpg", *sets, folder=folder)
            run("smartselfie", "init", folder=folder)
        finally:
            run("pip", "uninstall", "--quiet", "--yes", "smartselfie-photobox", folder=folder)
        assert "seat, smallest face 240 pixels" in found, found
        assert (folder / "count.txt").read_text() == "1\n"
        written = " ".join((folder / "config.yaml").read_text().replace("#", " ").split())
        assert "brightness: Bright pictures are happy" in written
    print("the example package works")


if __name__ == "__main__":
    main()
