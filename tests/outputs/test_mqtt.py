"""The camera as Home Assistant's device, on a real broker."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from smartselfie.errors import OutputError
from smartselfie.outputs import OUTPUTS
from smartselfie.outputs.mqtt import MqttOutput
from smartselfie.outputs.thread import OutputThread
from smartselfie.records import Arm, Change, Command, Decision, Frame, Shutter, State, View
from smartselfie.schema.values import Hold
from smartselfie.seams import Surroundings
from tests.outputs.servers import Process, broker
from tests.pictures.shots import save_shot
from tests.waiting import until

VALUES: dict[str, object] = {
    "trigger.threshold": 0.9,
    "trigger.hold": Hold(frames=10),
    "trigger.cooldown": 2.0,
    "trigger.policy": "any",
}


class Home:
    """Home Assistant's side: it hears everything and says what it is told to."""

    def __init__(self, port: int, **more: Any) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.client = Client(CallbackAPIVersion.VERSION2)
        if "user" in more:
            self.client.username_pw_set(more["user"], more["password"])
        self.client.on_connect = lambda client, *_: client.subscribe("#", 2)
        ready = threading.Event()
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.on_message = lambda client, data, message: self.heard.append(
            (message.topic, message.payload)
        )
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert ready.wait(10)

    def of(self, topic: str) -> list[bytes]:
        """Every payload of a topic."""
        return [payload for name, payload in list(self.heard) if name == topic]

    def last(self, topic: str) -> Any:
        """The newest, as JSON."""
        payloads = self.of(topic)
        return json.loads(payloads[-1]) if payloads else {}

    def say(self, topic: str, payload: str, *, retain: bool = False) -> None:
        """Publish."""
        self.client.publish(topic, payload, 1, retain).wait_for_publish(10)

    def close(self) -> None:
        """Leave."""
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    """A broker."""
    with broker(tmp_path / "broker") as process:
        yield process


@pytest.fixture
def home(server: Process) -> Iterator[Home]:
    """Somebody who hears all."""
    client = Home(server.port)
    yield client
    client.close()


class Running:
    """An output in its thread, and what it sent to the loop."""

    def __init__(self, port: int, folder: Path, **settings: Any) -> None:
        self.sent: list[Command] = []
        folder.mkdir(exist_ok=True)
        around = Surroundings(self.sent.append, folder, "demo", "mqtt-1", lambda key: VALUES.get(key))
        given = {
            "kind": "mqtt",
            "broker": f"mqtt://127.0.0.1:{port}",
            "camera": "hall",
            "preview": None,
            **settings,
        }
        model = OUTPUTS.settings("mqtt").model_validate(given)
        self.output = OUTPUTS.build(model, around=around)
        assert isinstance(self.output, MqttOutput)
        self.thread = OutputThread(self.output, "mqtt-1")
        self.thread.begin()

    def show(
        self, *, state: State = State.WATCHING, why: str = "nobody", notices: tuple[str, ...] = ()
    ) -> None:
        """Show a view."""
        frame = Frame(np.full((48, 64, 3), 90, np.uint8), 1, 1.0)
        view = View(frame, (), Decision(state, 0.0, False, why), threshold=0.9, fps=24.0, notices=notices)
        self.output.view(view)


@contextmanager
def running(port: int, folder: Path, **settings: Any) -> Iterator[Running]:
    """One that runs."""
    what = Running(port, folder, **settings)
    yield what
    what.thread.close()


CONFIG = "homeassistant/device/smartselfie_hall/config"


def test_device_state_shot_and_availability(server: Process, home: Home, tmp_path: Path) -> None:
    """Discovery and states are retained, a shot comes once with its picture, and the end says offline."""
    with running(server.port, tmp_path / "p", preview=0.2) as camera:
        until(lambda: home.of(CONFIG) and home.of("smartselfie/hall/availability"))
        camera.show(why="happy 0.52 < 0.90", state=State.DISARMED)
        file = save_shot(tmp_path / "p" / "a.jpg")
        faces = [{"scores": {"happy": 0.93}}]
        camera.thread.hear({"event": "shot", "file": str(file), "by": "smile", "faces": faces, "time": "t"})
        camera.thread.hear({"event": "camera_lost", "reason": "unplugged"})
        until(lambda: home.of("smartselfie/hall/shot") and home.of("smartselfie/hall/preview"))
        until(lambda: home.last("smartselfie/hall/state").get("camera_lost") == "ON")
        camera.show(state=State.WATCHING)
        until(lambda: home.last("smartselfie/hall/state")["camera_lost"] == "OFF")
    state = json.loads(home.of("smartselfie/hall/state")[1])
    assert state | {"temperature": 0, "disk_free": 0} == {
        "camera_lost": "OFF", "disk_full": "OFF", "state": "disarmed", "why": "happy 0.52 < 0.90",
        "armed": "OFF",
        "threshold": 0.9, "hold": 10, "cooldown": 2.0, "policy": "any", "faces": 0, "shots": 0, "fps": 24.0,
        "disk_free": 0, "temperature": 0,
    }  # fmt: skip
    (shot,) = home.of("smartselfie/hall/shot")
    assert json.loads(shot) | {"id": ""} == {
        "event_type": "smile", "id": "", "file": "a.jpg", "time": "t", "score": 0.93, "faces": faces
    }  # fmt: skip
    assert home.of("smartselfie/hall/picture") == [file.read_bytes()]
    assert home.of("smartselfie/hall/preview")[0][:2] == b"\xff\xd8"
    until(lambda: home.of("smartselfie/hall/availability")[-1] == b"offline")
    later = Home(server.port)  # what the broker keeps for whoever comes later
    until(lambda: later.of("smartselfie/hall/availability") == [b"offline"] and later.of(CONFIG))
    assert later.of("smartselfie/hall/picture") == [file.read_bytes()]
    assert not later.of("smartselfie/hall/shot")
    later.close()


def test_commands_reach_the_loop(server: Process, home: Home, tmp_path: Path) -> None:
    """As the page's do, to be checked there. What was retained or makes no sense does nothing."""
    home.say("smartselfie/hall/shutter/set", "PRESS", retain=True)
    with running(server.port, tmp_path / "p") as camera:
        until(lambda: home.of(CONFIG))
        for topic, payload in (
            ("shutter", "PRESS"), ("shutter", "open the door"), ("armed", "OFF"), ("armed", "maybe"),
            ("threshold", "0.7"), ("threshold", "nan"), ("threshold", "high"), ("hold", "12"),
            ("cooldown", "3.5"),
            ("policy", "all"), ("policy", "2"), ("web.password", "x"), ("saver.folder", "/tmp"),
        ):  # fmt: skip
            home.say(f"smartselfie/hall/{topic}/set", payload)
        until(lambda: len(camera.sent) == 7)
        assert camera.sent == [
            Shutter("mqtt"), Arm(False), Change({"trigger.threshold": 0.7}), Change({"trigger.hold": 12}),
            Change({"trigger.cooldown": 3.5}), Change({"trigger.policy": "all"}),
            Change({"trigger.policy": 2}),
        ]  # fmt: skip
    with running(server.port, tmp_path / "p", commands=False) as deaf:
        until(lambda: home.of("smartselfie/hall/availability")[-1] == b"online")
        home.say("smartselfie/hall/shutter/set", "PRESS")
        assert deaf.sent == []


def test_it_is_all_published_again_when_home_assistant_is_back(
    server: Process, home: Home, tmp_path: Path
) -> None:
    """Home Assistant says `online` after its restart; a test of ours takes the device away again."""
    with running(server.port, tmp_path / "p") as camera:
        until(lambda: home.of(CONFIG))
        camera.show()
        until(lambda: home.of("smartselfie/hall/state"))
        before = len(home.of(CONFIG)), len(home.of("smartselfie/hall/state"))
        home.say("homeassistant/status", "offline")
        home.say("homeassistant/status", "online")
        until(lambda: len(home.of(CONFIG)) > before[0] and len(home.of("smartselfie/hall/state")) > before[1])
        assert isinstance(camera.output, MqttOutput)
        camera.output.remove()
        until(lambda: home.of(CONFIG)[-1] == b"")


def test_shots_wait_for_a_broker_that_is_killed(tmp_path: Path, home: Home, server: Process) -> None:
    """The will says offline, nothing is lost, and each arrives once, in its order."""
    with running(server.port, tmp_path / "p") as camera:
        until(lambda: home.of(CONFIG))
        server.kill()
        until(lambda: camera.thread.report()["trouble"])
        for number in range(5):
            camera.thread.hear(
                {"event": "shot", "by": "smile", "file": "", "number": number, "time": str(number)}
            )
        until(lambda: camera.thread.report()["waiting"] == 5)
        server.start()
        until(lambda: camera.thread.report()["delivered"] == 5, 40)
        until(lambda: len(home.of("smartselfie/hall/shot")) == 5, 40)
    assert [json.loads(each)["time"] for each in home.of("smartselfie/hall/shot")] == [
        "0",
        "1",
        "2",
        "3",
        "4",
    ]


def test_a_broker_that_never_answers_holds_up_nobody(tmp_path: Path) -> None:
    """It takes the connection and says nothing: views go on, the end comes."""
    import socket

    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        with running(deaf.getsockname()[1], tmp_path / "p", preview=0.2) as camera:
            camera.thread.hear({"event": "shot", "file": "", "by": "smile"})
            for _ in range(50):
                camera.show()
            until(lambda: camera.thread.report()["waiting"] == 1)
        assert not camera.thread._thread.is_alive()


def test_a_password_is_needed_and_not_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The right one gets in; a wrong one is named in one line, without it."""
    folder = tmp_path / "broker"
    folder.mkdir()
    (folder / "passwords").write_text("hall:secret12\n")
    __import__("subprocess").run(["mosquitto_passwd", "-U", str(folder / "passwords")], check=True)
    (folder / "passwords").chmod(0o644)
    with broker(folder, "allow_anonymous false", f"password_file {folder / 'passwords'}") as server:
        good = OUTPUTS.settings("mqtt").model_validate(
            {"kind": "mqtt", "broker": f"mqtt://hall:secret12@127.0.0.1:{server.port}", "camera": "hall"}
        )
        around = Surroundings(lambda command: None, tmp_path, "demo", "mqtt-1")
        output = OUTPUTS.build(good, around=around)
        assert isinstance(output, MqttOutput)
        assert output.test() == f"127.0.0.1:{server.port} took a message"
        bad = OUTPUTS.build(good.model_copy(update={"password": "wrong999", "timeout": 2.0}), around=around)
        assert isinstance(bad, MqttOutput)
        with pytest.raises(OutputError, match="refuses: user or password is wrong") as caught:
            bad.test()
        assert "wrong999" not in str(caught.value) + caplog.text
