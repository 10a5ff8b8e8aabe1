"""Check that everything a Raspberry Pi needs at run time comes as a wheel: nothing is compiled there.

Asks the package registry for the requirements of setup.cfg as Raspberry Pi OS Trixie would: aarch64,
Python 3.13, glibc 2.41. Prints what would be installed; exit code 1 when something has no wheel.
"""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
from pathlib import Path

PYTHON, GLIBC = "3.13", 41
EXTRAS = ("web", "pi")
SETUP = Path(__file__).resolve().parent.parent / "setup.cfg"


def requirements(setup: Path) -> list[str]:
    """Return what is needed at run time, the extras of a Pi included."""
    parser = configparser.ConfigParser()
    parser.read(setup, encoding="utf-8")
    found = parser["options"]["install_requires"].split("\n")
    for extra in EXTRAS:
        found += parser["options.extras_require"][extra].replace(";", "\n").split("\n")
    return [line.strip() for line in found if line.strip()]


def main() -> int:
    """Ask, print, return the exit code."""
    platforms = [f"--platform=manylinux_2_{minor}_aarch64" for minor in range(17, GLIBC + 1)]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", f"--python-version={PYTHON}"]
    command += [*platforms, "--platform=manylinux2014_aarch64", "--target=unused", "--report=-"]
    done = subprocess.run([*command, *requirements(SETUP)], capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        print("\n".join(errors or [done.stderr]), file=sys.stderr)
        print(f"check_wheels: not all is there for aarch64, Python {PYTHON}", file=sys.stderr)
        return 1
    found = json.loads(done.stdout)["install"]
    for each in sorted(found, key=lambda each: each["metadata"]["name"].lower()):
        print(f"{each['metadata']['name']} {each['metadata']['version']}")
    print(f"{len(found)} packages, all as wheels for aarch64, Python {PYTHON}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
