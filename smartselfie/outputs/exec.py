"""A command that is run for each event: without a shell, with a time-out."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from smartselfie.errors import OutputError, RefusedError
from smartselfie.outputs.delivering import Delivering, DeliverySettings, delivering
from smartselfie.outputs.delivery_queue import Delivery
from smartselfie.outputs.placeholders import fill
from smartselfie.schema.fields import setting
from smartselfie.schema.values import Texts
from smartselfie.seams import Surroundings

TRY_AGAIN = 75
"""The exit code (EX_TEMPFAIL) by which a command asks to be run again later."""


class Settings(DeliverySettings):
    """The settings of exec: a command is run for each event."""

    kind: Literal["exec"] = "exec"
    run: Texts = setting(
        ...,
        "The command and its arguments, without a shell; {file} {event} {date} {time} {score} {camera} are "
        "filled in, and the whole event is its standard input as JSON. Exit code 75 asks for another try.",
        example=["cp", "{file}", "/media/stick"],
    )


def build(settings: Settings, *, around: Surroundings) -> Delivering:
    """Make the output."""
    return delivering(
        Exec(settings.run, timeout=settings.timeout), settings, around, to="\0".join(settings.run)
    )


def check(settings: Settings) -> str:
    """Say what would be run. Raises `OutputError` when there is no such command."""
    return f"exec {_program(settings.run)}"


class Exec:
    """A `Sender` that runs a command with the event on its standard input; its output is thrown away.

    `SMARTSELFIE_DELIVERY` in its environment is the delivery's key, the same when it is run again.
    """

    def __init__(self, run: Sequence[str], *, timeout: float = 10.0) -> None:
        self._run, self._timeout = tuple(run), timeout

    def __call__(self, delivery: Delivery) -> None:
        """Run it to its end; when it takes too long it is killed, with what it has started."""
        self._start(delivery.event, delivery.key)

    def test(self) -> str:
        """Run it for an event `test`, whose file is not there."""
        self._start({"event": "test", "file": "test.jpg"}, "test")
        return f"{Path(self._run[0]).name} ended well"

    def close(self) -> None:
        """Nothing to give back."""

    def _start(self, event: Mapping[str, object], key: str) -> None:
        program = _program(self._run)
        name = Path(program).name
        try:
            process = subprocess.Popen(
                [program, *(fill(each, event) for each in self._run[1:])],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "SMARTSELFIE_DELIVERY": key, "SMARTSELFIE_EVENT": str(event.get("event"))},
                start_new_session=True,
            )
        except OSError as error:
            raise OutputError(f"{name} cannot be run: {error.strerror}") from error
        try:
            process.communicate(json.dumps(event).encode(), self._timeout)
        except subprocess.TimeoutExpired as error:
            raise RefusedError(f"{name} has not ended within {self._timeout:g} s", again=True) from error
        finally:
            if process.poll() is None:
                _kill(process)
        if process.returncode == TRY_AGAIN:
            raise OutputError(f"{name} asks for another try")
        if process.returncode:
            raise RefusedError(f"{name} ended with {process.returncode}", again=True)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1.0)  # longer only for one that hangs in the kernel


def _program(run: Sequence[str]) -> str:
    if not run:
        raise OutputError("exec: run is empty", remedy="name a command")
    found = shutil.which(run[0])
    if found is None:
        raise OutputError(f"exec: there is no command {run[0]}", remedy="install it, or write its whole path")
    return found
