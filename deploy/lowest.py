"""Print the oldest version of every dependency that setup.cfg allows, as pip's constraints.

pip install -c <(python deploy/lowest.py) '.[web]'
"""

from __future__ import annotations

import configparser
import re
from pathlib import Path

SETUP = Path(__file__).resolve().parent.parent / "setup.cfg"
TOOLS = ("test", "lint")
"""Extras that only tell how good the program is; the newest will do."""


def lowest() -> dict[str, str]:
    """Return the lower bound of each dependency by its name. Raises ValueError for one without a bound."""
    setup = configparser.ConfigParser()
    setup.read(SETUP)
    lines = setup["options"]["install_requires"].split("\n")
    for extra, wanted in setup["options.extras_require"].items():
        if extra not in TOOLS:
            lines += re.split(r"[;\n]", wanted)
    bounds = {}
    for line in filter(None, map(str.strip, lines)):
        match = re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?>=([\w.]+)(?:,<\S+)?", line)
        if match is None:
            raise ValueError(f"{line}: needs a lower bound, such as name>=1.2")
        bounds[match[1]] = match[2]
    return bounds


if __name__ == "__main__":
    for name, version in lowest().items():
        print(f"{name}=={version}.*" if version.count(".") < 2 else f"{name}=={version}")
