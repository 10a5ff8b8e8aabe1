"""Real servers on loopback, started for a test: a broker, and an object store that speaks S3."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

MOSQUITTO = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")


def free_port(below: int = 50_000) -> int:
    """A port that nobody has, and ten thousand above it another (SeaweedFS takes both)."""
    while True:
        with closing(socket.socket()) as one, closing(socket.socket()) as two:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1]) % 30_000 + 12_000
            with suppress(OSError):
                two.bind(("127.0.0.1", port))
                with closing(socket.socket()) as three:
                    three.bind(("127.0.0.1", port + 10_000))
                    if port < below:
                        return port


@dataclass
class Process:
    """A server that runs on a port, can be killed and started again."""

    command: Sequence[str]
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self, patience: float = 30.0) -> None:
        """Start it and wait until it takes connections."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command, cwd=self.folder, stdout=log, stderr=log)
        end = time.monotonic() + patience
        while time.monotonic() < end:
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", self.port), 1)):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        pytest.fail(f"{self.command[0]} does not run:\n{(self.folder / 'log').read_text()[-2000:]}")

    def kill(self) -> None:
        """End it without a warning."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@contextmanager
def broker(folder: Path, *lines: str, port: int | None = None) -> Iterator[Process]:
    """Mosquitto on loopback, with more lines of its configuration."""
    if MOSQUITTO is None:
        pytest.fail("mosquitto is missing: apt-get install mosquitto")
    folder.mkdir(exist_ok=True)
    port = port or free_port()
    config = folder / "mosquitto.conf"
    anonymous = [] if any(line.startswith("allow_anonymous") for line in lines) else ["allow_anonymous true"]
    user = ["user root"] if os.getuid() == 0 else []  # else it becomes one who may not read the test's folder
    config.write_text("\n".join([*user, f"listener {port} 127.0.0.1", *anonymous, *lines, ""]))
    server = Process([MOSQUITTO, "-c", str(config)], port, folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


KEY, SECRET = "camera", "not-so-secret"


@contextmanager
def s3(folder: Path) -> Iterator[Process]:
    """SeaweedFS' S3 on loopback, in an empty folder, for one user."""
    weed = shutil.which("weed") or str(Path(__import__("sys").executable).with_name("weed"))
    folder.mkdir()
    identity = {
        "name": KEY,
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    ports = {name: free_port() for name in ("s3", "master", "volume", "filer")}
    command = [weed, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3"]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    command += ["-s3.config=s3.json", "-master.volumeSizeLimitMB=64", "-volume.max=8"]
    server = Process(command, ports["s3"], folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
