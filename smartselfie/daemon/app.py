"""The composition root: settings to running parts, one stack of them, and who is told of what."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from smartselfie._version import __version__
from smartselfie.capture.camera import Camera
from smartselfie.capture.frames import live_frames, recorded_frames
from smartselfie.capture.pace import Pace
from smartselfie.daemon.live_parts import (
    LiveAnalysis,
    LiveMoment,
    LiveNearMisses,
    LivePace,
    LivePart,
    LiveSaver,
    LiveWindow,
    pace_values,
    saver_values,
)
from smartselfie.daemon.live_settings import LiveSettings
from smartselfie.daemon.malloc_trim import heap_trimmer
from smartselfie.daemon.page_keeper import PageKeeper
from smartselfie.daemon.parts import build_analysis, build_moment
from smartselfie.daemon.signals import Signals
from smartselfie.daemon.watchdog import open_watchdog
from smartselfie.errors import BusyError
from smartselfie.outputs import OUTPUTS
from smartselfie.outputs.events import Events, EventsFile
from smartselfie.outputs.health import Health, runtime_folder
from smartselfie.outputs.thread import OutputThread
from smartselfie.pipeline import Loop
from smartselfie.records import Command, Frame, Image, View
from smartselfie.redact import redact
from smartselfie.saving.saver import FolderSaver
from smartselfie.seams import Classifier, Output, Source, Surroundings
from smartselfie.settings import Settings, is_ours
from smartselfie.sources import SourceOpener, open_from
from smartselfie.viewing.newest import Newest

if TYPE_CHECKING:
    from smartselfie.viewing.window import Window

log = logging.getLogger(__name__)

ALL_EVENTS = 100_000
"""Events that may wait for the events file: a recording played as fast as it goes loses no line."""


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
    """The running program. It owns its parts, from its constructor to `close` (or the end of `with`).

    A part that cannot be made closes those made before it. Raises what that part raises.
    """

    def __init__(self, settings: Settings, options: RunOptions) -> None:
        self.options = options
        self.events = Events()
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
        self.outputs: list[OutputThread] = []
        self.listed: Sequence[OutputThread] = ()
        """Those of the settings and the command line, whose state people ask for."""
        self.parts: list[LivePart] = []
        """Those that follow settings while they run."""
        self._wake = threading.Event()
        self._source_name = redact(str(settings.source.use))
        self._started = False
        with ExitStack() as self._stack:
            signals = self._stack.enter_context(Signals())
            self._open_outputs()
            self._stack.callback(self._say_stopped)
            opener = open_from(settings.source)
            self.live = opener.live
            analysis = build_analysis(settings)
            self.saver = self._stack.enter_context(self._make_saver(analysis.classifier))
            self.pace = Pace(**pace_values(settings))
            self.window = self._open_window()
            self.realtime = options.realtime or (opener.kind == "demo" and self._is_watched())
            self.camera = self._stack.enter_context(self._make_camera(opener)) if self.live else None
            self.source = None if self.live else self._open_recording(opener)
            near_misses = self._stack.enter_context(LiveNearMisses(settings, self.events))
            self.loop = Loop(
                analysis,
                build_moment(settings),
                self.saver,
                viewers=[self.views.put, near_misses],
                ticks=[self.live_settings.watch],
                commands=self.commands,
                change=lambda command: self.live_settings.change(command.values),
                reload=self._reload,
                notices=self._notices,
                annotate=self._annotate,
                blocked=lambda: self.saver.full,
                live=self.live,
            )
            self.parts += [LiveAnalysis(analysis), LiveMoment(self.loop), LiveSaver(self.saver)]
            self.parts += [LivePace(self.pace), near_misses]
            self._show()
            self._open_web()
            self._open_pins()
            self._open_health()
            signals.obey()  # before the event, so that `stopped` follows it whatever happens
            self.loop.ticks.append(signals)
            self._say_started()
            self._stack = self._stack.pop_all()

    @property
    def settings(self) -> Settings:
        """The settings in effect."""
        return self.live_settings.current

    def __enter__(self) -> App:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop every part, the last first. Harmless when repeated."""
        self._stack.close()

    def run(self) -> None:
        """Work until the source ends or somebody asks to quit."""
        self.loop.run(self._frames())

    def send(self, command: Command) -> None:
        """Hand a command to the loop, from any thread. Raises `BusyError` rather than wait."""
        try:
            self.commands.put_nowait(command)
        except queue.Full as error:
            raise BusyError("the camera is busy", remedy="try again") from error
        self._wake.set()

    # --- who is told

    def _open_outputs(self) -> None:
        """Open those of the settings and the command line: first, so that they hear of all that follows."""
        settings = self.settings
        if self.options.events is not None:
            self._tell(EventsFile(self.options.events), "events", size=ALL_EVENTS)
        folder, value = Path(settings.saver.folder), lambda key: self.settings.value(key)
        for number, output in enumerate(settings.outputs, 1):
            name = getattr(output, "name", None) or f"{output.kind}-{number}"
            around = Surroundings(self.send, folder, self._source_name, name, value, self._reports)
            self._tell(OUTPUTS.build(output, around=around), name, only=output.only)
        self.listed = tuple(self.outputs)
        for thread in self.outputs:  # all end at the same time: one that hangs costs the others nothing
            self._stack.callback(thread.stop)

    def _tell(self, output: Output, name: str, *, only: Iterable[str] = (), size: int = 1000) -> OutputThread:
        """Give an output its thread and every event."""
        thread = self._stack.enter_context(OutputThread(output, name, only=tuple(only), size=size))
        self.events.listen(thread.hear)
        self.outputs.append(thread)
        return thread

    def _reports(self) -> list[dict[str, object]]:
        """How every output that people have listed is."""
        return [output.report() for output in self.listed]

    def _show(self) -> None:
        """Have the loop show its views to the window and to the outputs that look at them."""
        if (window := self.window) is not None:
            self.loop.viewers.append(window.show)
            self.loop.ticks.append(window.poll)
            self.parts.append(LiveWindow(window))
        self.loop.viewers += [output for output in self.outputs if output.wants_views]

    def _open_pins(self) -> None:
        gpio = self.settings.gpio
        if gpio.led is gpio.buzzer is gpio.shutter is gpio.arm is None:
            return
        from smartselfie.outputs.gpio import Gpio

        pins = Gpio(led=gpio.led, buzzer=gpio.buzzer, shutter=gpio.shutter, arm=gpio.arm, send=self.send)
        self.loop.viewers.append(self._tell(pins, "gpio"))

    def _open_health(self) -> None:
        """Let others know how it goes; a recording that is played through is nobody's daemon."""
        camera = self.camera
        if self.live or self.realtime:
            health = Health(
                runtime_folder(),
                source=self._source_name,
                store=self.saver,
                camera=None if camera is None else lambda: (camera.status.value, camera.notice),
                outputs=self._reports,
            )
            self.loop.viewers.append(self._tell(health, "health"))
            if (trimmer := heap_trimmer()) is not None:
                self.loop.ticks.append(trimmer)
        if (watchdog := open_watchdog()) is not None:
            self.loop.viewers.append(watchdog)
            self._stack.callback(watchdog.close)

    def _say_started(self) -> None:
        self._started = True
        self.events("started", version=__version__, source=self._source_name, folder=str(self.saver.folder))
        for output in self.outputs:
            output.begin()

    def _say_stopped(self) -> None:
        if self._started:
            self.events("stopped", pictures=self.saver.saved)

    # --- parts

    def _make_saver(self, classifier: Classifier) -> FolderSaver:
        described = classifier.description
        return FolderSaver(
            Path(self.settings.saver.folder),
            emit=self.events,
            model_version=described.label if described is not None else "",
            **saver_values(self.settings),
        )

    def _make_camera(self, opener: SourceOpener) -> Camera:
        source = self.settings.source
        return Camera(
            opener,
            stall_after=source.stall_after,
            open_after=source.open_after,
            frozen_after=source.frozen_after,
            black_after=source.black_after,
            give_up=source.give_up,
            wait_for_first=self.options.wait,
            emit=self.events,
        )

    def _open_recording(self, opener: SourceOpener) -> Source:
        if opener.kind == "demo":
            from smartselfie.sources.demo import DemoSource

            source: Source = DemoSource(opener.size, opener.fps, loop=self.realtime)
        else:
            source = opener()
        self._stack.callback(source.close)
        return source

    def _open_window(self) -> Window | None:
        settings = self.settings.window
        if settings.show is False:
            return None
        from smartselfie.viewing.window import Window, display_problem

        problem = display_problem()
        if problem is not None:
            log.info("no window: %s; running headless", problem)
            return None
        return self._stack.enter_context(
            Window(mirror=settings.mirror, overlay=settings.overlay, fullscreen=settings.fullscreen)
        )

    def _open_web(self) -> None:
        if not self.settings.web.enabled:
            return
        from smartselfie.daemon.page import open_page

        keeper = PageKeeper(
            lambda: open_page(
                lambda: self.settings,
                config=self.options.config,
                views=self.views,
                send=self.send,
                events=self.events,
            )
        )
        if keeper.server is not None and keeper.server.generated is not None:
            self.live_settings.take_file()
        self._stack.enter_context(keeper)
        self.loop.ticks.append(keeper)

    def _is_watched(self) -> bool:
        return self.window is not None or self.settings.web.enabled

    # --- what goes round the loop

    def _frames(self) -> Iterator[Frame | None]:
        if self.camera is not None:
            return live_frames(self.camera, self.pace, self._wake, lambda: len(self.loop.faces))
        assert self.source is not None
        return recorded_frames(self.source, self._wake, realtime=self.realtime)

    def _notices(self) -> tuple[str, ...]:
        camera = self.camera.notice if self.camera is not None else ""
        pace = self.pace.notice if self.live else None
        return (*filter(None, (camera, pace)), *self.saver.notices)

    def _annotate(self, view: View, image: Image) -> Image | None:
        if not self.settings.saver.save_overlay:
            return None
        from smartselfie.viewing.overlay import annotate

        return annotate(view, image)

    def _reload(self) -> None:
        """Read the settings again, and open anew what a rotated log may have moved away."""
        for output in self.outputs:
            if isinstance(output.output, EventsFile):
                output.do(output.output.reopen)
        self.live_settings.reload()

    def _apply(self, new: Settings, changed: list[str]) -> None:
        """Put changed settings into effect where that is possible while running."""
        for part in self.parts:
            part.apply(new, changed)


def default_config() -> Path | None:
    """Return ./config.yaml if it is one of ours, else the user's own, else None."""
    here = Path("config.yaml")
    if here.is_file():
        if is_ours(here):
            return here
        log.warning(
            "%s belongs to another program and is passed over; --config takes it all the same",
            here.absolute(),
        )
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    own = platformdirs.user_config_path("smartselfie", appauthor=False)
    for path in (home / "smartselfie" / "config.yaml", own / "config.yaml"):
        if path.is_file():
            return path
    return None
