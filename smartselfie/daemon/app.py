"""The composition root: settings to parts, one `with` stack, and what a change of settings means to each."""

from __future__ import annotations

import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from smartselfie._version import __version__
from smartselfie.capture.camera import Camera
from smartselfie.capture.frames import live_frames, recorded_frames
from smartselfie.capture.pace import Pace
from smartselfie.daemon.live_settings import LiveSettings
from smartselfie.daemon.malloc_trim import heap_trimmer
from smartselfie.daemon.parts import build_analysis, build_moment, build_rules, smallest_wanted
from smartselfie.daemon.watchdog import open_watchdog
from smartselfie.errors import BusyError, WebError
from smartselfie.outputs.events import Events
from smartselfie.outputs.health import Health, runtime_folder
from smartselfie.outputs.near_misses import NearMissKeeper
from smartselfie.pipeline import Loop
from smartselfie.records import Command, Frame, Image, Quit, Reload, View
from smartselfie.saving.saver import FolderSaver
from smartselfie.saving.storage import Limits
from smartselfie.seams import Source, Viewer
from smartselfie.settings import Settings
from smartselfie.sources import SourceOpener, without_password
from smartselfie.viewing.newest import Newest

if TYPE_CHECKING:
    from smartselfie.viewing.window import Window

log = logging.getLogger(__name__)


SIGNALS: dict[int, Command] = {signal.SIGINT: Quit(), signal.SIGTERM: Quit()}
if hasattr(signal, "SIGHUP"):
    SIGNALS[signal.SIGHUP] = Reload()


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line asks for besides settings."""

    config: Path | None = None
    overrides: tuple[str, ...] = ()
    events: str | None = None
    realtime: bool = False
    safe: bool = False
    wait: bool = False
    """Start without a camera and wait for one."""


class App:
    """The running program: owns its parts from `with` to the end of it."""

    def __init__(self, settings: Settings, options: RunOptions) -> None:
        self.options = options
        self.events = Events(options.events)
        self.live_settings = LiveSettings(
            settings,
            options.config,
            options.overrides,
            apply=self._apply,
            emit=self.events,
            clock=time.monotonic,
        )
        self.commands: queue.Queue[Command] = queue.Queue(100)
        self.views: Newest[View] = Newest()
        self._wake = threading.Event()
        self._stack = ExitStack()
        self._started = False

    @property
    def settings(self) -> Settings:
        """The settings in effect."""
        return self.live_settings.current

    def __enter__(self) -> App:
        with self._stack:  # a part that fails closes those before it
            self._open()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def run(self) -> None:
        """Work until the source ends or somebody asks to quit."""
        self.loop.run(self._frames())

    def send(self, command: Command) -> None:
        """Hand a command to the loop, from any thread. Raises `BusyError` rather than wait."""
        try:
            self.commands.put_nowait(command)
        except queue.Full as error:
            raise BusyError("the camera is busy; try again") from error
        self._wake.set()

    # --- parts

    def _open(self) -> None:
        settings, stack = self.settings, self._stack
        for number in SIGNALS:
            stack.callback(signal.signal, number, signal.getsignal(number))
        stack.callback(self.events.close)
        stack.callback(self._say_stopped)
        opener = SourceOpener(
            str(settings.source.use),
            settings.source.size,
            settings.source.fps,
            settings.source.rotate,
            timeout=settings.source.stall_after + 0.25,  # the camera's watch speaks first
        )
        self.live = opener.live
        self.pace = Pace(
            max_fps=settings.performance.max_fps,
            idle_fps=settings.performance.idle_fps,
            cpu_budget=settings.performance.cpu_budget,
        )
        analysis = build_analysis(settings)
        self.saver = stack.enter_context(self._make_saver(analysis.classifier))
        viewers: list[Viewer] = [self._put_view, self.live_settings.watch]
        self.window: Window | None = None
        shown = self._open_window(viewers)
        self.camera: Camera | None = None
        self.source: Source | None = None
        self._realtime = self.options.realtime
        if self.live:
            self.camera = stack.enter_context(self._make_camera(opener))
        else:
            self._realtime |= settings.source.use == "demo" and (shown or settings.web.enabled)
            self.source = self._open_recording(opener)
            stack.callback(self.source.close)
        self.loop = Loop(
            analysis,
            build_moment(settings),
            self.saver,
            viewers=viewers,
            commands=self.commands,
            change=lambda command: self.live_settings.change(command.values),
            reload=self.live_settings.reload,
            notices=self._notices,
            annotate=self._annotate,
            blocked=lambda: self.saver.full,
            live=self.live,
        )
        if settings.storage.near_misses:
            self._keep_near_misses(settings)
        if settings.web.enabled:
            self._open_web()
        self._open_pins()
        self._open_health()
        self._obey_signals()  # before the event, so that `stopped` follows it whatever happens
        self._started = True
        self.events(
            "started",
            version=__version__,
            source=without_password(str(settings.source.use)),
            folder=str(self.saver.folder),
        )

    def _say_stopped(self) -> None:
        if self._started:
            self.events("stopped", pictures=self.saver.saved)

    def _make_saver(self, classifier: object) -> FolderSaver:
        settings = self.settings
        description = getattr(classifier, "description", None)
        return FolderSaver(
            Path(settings.saver.folder),
            emit=self.events,
            format=settings.saver.format,
            quality=settings.saver.quality,
            name=settings.saver.name,
            save_overlay=settings.saver.save_overlay,
            trigger=_noted(settings),
            model_version=description.label if description is not None else "",
            limits=_limits(settings),
        )

    def _make_camera(self, opener: SourceOpener) -> Camera:
        source = self.settings.source
        return Camera(
            opener,
            stall_after=source.stall_after,
            frozen_after=source.frozen_after,
            black_after=source.black_after,
            give_up=source.give_up,
            wait_for_first=self.options.wait,
            emit=self.events,
        )

    def _open_recording(self, opener: SourceOpener) -> Source:
        if self.settings.source.use != "demo":
            return opener()
        from smartselfie.sources.demo import DemoSource

        return DemoSource(opener.size, opener.fps, loop=self._realtime)

    def _open_window(self, viewers: list[Viewer]) -> bool:
        settings = self.settings.window
        if settings.show is False:
            return False
        from smartselfie.viewing.window import Window, display_problem

        problem = display_problem()
        if problem is not None:
            log.info("no window: %s; running headless", problem)
            return False
        window = self.window = self._stack.enter_context(
            Window(mirror=settings.mirror, overlay=settings.overlay, fullscreen=settings.fullscreen)
        )

        def show(view: View) -> Iterable[Command]:
            window.show(view)
            return window.poll()

        viewers.append(show)
        return True

    def _keep_near_misses(self, settings: Settings) -> None:
        keeper = FolderSaver(
            Path(settings.saver.folder) / "near_misses",
            emit=self.events,
            event="near_miss",
            keep=settings.storage.near_misses,
            trigger=_noted(settings),
            thread_name="near-misses",
        )
        self.loop.viewers.append(NearMissKeeper(self._stack.enter_context(keeper)))

    def _open_web(self) -> None:
        from smartselfie.daemon.page import open_page

        server = open_page(
            lambda: self.settings,
            config=self.options.config,
            views=self.views,
            send=self.send,
            events=self.events,
        )
        if server.generated is not None:
            self.live_settings.take_file()
        self._stack.enter_context(server)

        def check(view: View) -> Iterable[Command]:
            if server.failure is not None:
                raise WebError(f"the web server ended: {server.failure}") from server.failure
            return ()

        self.loop.viewers.append(check)

    def _open_pins(self) -> None:
        gpio = self.settings.gpio
        if gpio.led is gpio.buzzer is gpio.shutter is gpio.arm is None:
            return
        from smartselfie.outputs.gpio import Gpio

        pins = Gpio(led=gpio.led, buzzer=gpio.buzzer, shutter=gpio.shutter, arm=gpio.arm, send=self.send)
        self.loop.viewers.append(self._stack.enter_context(pins))

    def _open_health(self) -> None:
        """Let others know how it goes; a recording that is played through is nobody's daemon."""
        camera = self.camera
        if self.live or self._realtime:
            health = Health(
                runtime_folder(),
                source=without_password(str(self.settings.source.use)),
                store=self.saver,
                camera=None if camera is None else lambda: (camera.status.value, camera.notice),
            )
            self.events.listen(health.hear)
            self.loop.viewers.append(self._stack.enter_context(health))
            if (trimming := heap_trimmer()) is not None:
                self.loop.viewers.append(trimming)
        if (watchdog := open_watchdog()) is not None:
            self.loop.viewers.append(watchdog)
            self._stack.callback(watchdog.close)

    # --- frames

    def _frames(self) -> Iterator[Frame | None]:
        if self.camera is not None:
            return live_frames(self.camera, self.pace, self._wake, lambda: len(self.loop.faces))
        assert self.source is not None
        return recorded_frames(self.source, self._wake, realtime=self._realtime)

    # --- what goes round the loop

    def _put_view(self, view: View) -> Iterable[Command]:
        self.views.put(view)
        return ()

    def _notices(self) -> tuple[str, ...]:
        camera = self.camera.notice if self.camera is not None else ""
        pace = self.pace.notice if self.live else None
        return (*filter(None, (camera, pace)), *self.saver.notices)

    def _annotate(self, view: View, image: Image) -> Image | None:
        if not self.settings.saver.save_overlay:
            return None
        from smartselfie.viewing.overlay import annotate

        return annotate(view, image)

    def _obey_signals(self) -> None:
        """SIGINT and SIGTERM end the loop, SIGHUP reads the settings again, until everything is closed.

        A second Ctrl-C does not keep what is queued from being written.
        """
        asked: list[Command] = []  # no lock may be taken in a handler, the loop may hold it

        def obey(view: View) -> Iterable[Command]:
            while asked:
                yield asked.pop(0)

        def note(number: int, stack: object) -> None:
            asked.append(SIGNALS[number])

        for number in SIGNALS:
            signal.signal(number, note)
        self.loop.viewers.append(obey)

    # --- changes while running

    def _apply(self, new: Settings, changed: list[str]) -> None:
        """Put changed settings into effect where that is possible while running."""
        analysis = self.loop.analysis
        analysis.trigger.rules = build_rules(new.trigger)
        analysis.tracker.leave_after = new.trigger.leave_after
        analysis.detector.smallest = smallest_wanted(new.trigger.min_face)
        if self.window is not None:
            for name in ("mirror", "overlay", "fullscreen"):
                if f"window.{name}" in changed:  # else what the keys did stays
                    setattr(self.window.controls, name, getattr(new.window, name))
        if any(key.split(".")[0] == "moment" or key == "trigger.repeat" for key in changed):
            self.loop.replace_moment(build_moment(new))
        self.saver.change(
            format=new.saver.format,
            quality=new.saver.quality,
            name=new.saver.name,
            save_overlay=new.saver.save_overlay,
            trigger=_noted(new),
            limits=_limits(new),
        )
        self.pace.max_fps = new.performance.max_fps
        self.pace.idle_fps = new.performance.idle_fps
        self.pace.cpu_budget = new.performance.cpu_budget


def _noted(settings: Settings) -> dict[str, object]:
    """The trigger's settings as they are noted in each picture."""
    return settings.trigger.model_dump(mode="json")


def _limits(settings: Settings) -> Limits:
    storage = settings.storage
    return Limits(storage.max_size, storage.min_free, storage.max_age, storage.when_full)


def default_config() -> Path | None:
    """Return ./config.yaml, else the user's own, else None."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for path in (Path("config.yaml"), home / "smartselfie" / "config.yaml"):
        if path.is_file():
            return path
    return None
