"""`python -m smartselfie` and the installed program: it can be stopped from its first moment on."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Run the command line. A signal during its imports ends the process at once: nothing is open yet."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, stack: os._exit(0))
    from smartselfie.cli import main as command_line

    try:
        command_line()
    finally:  # all is written; one more Ctrl-C while the interpreter takes itself down changes nothing
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    main()
