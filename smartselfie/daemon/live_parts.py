"""What a change of settings means to the parts that run: one object a part, each knows what it follows."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from smartselfie.capture.pace import Pace
from smartselfie.daemon.parts import build_moment, build_rules, smallest_wanted
from smartselfie.outputs.near_misses import NearMissKeeper
from smartselfie.pipeline import Analysis, Loop
from smartselfie.records import View
from smartselfie.saving.saver import FolderSaver
from smartselfie.saving.storage import Limits
from smartselfie.seams import Emit
from smartselfie.settings import Settings

if TYPE_CHECKING:
    from smartselfie.viewing.window import Window

MOMENT_RULES = {"trigger.repeat", "trigger.threshold", "trigger.release"}
"""What of the trigger the choice of the moment depends on."""


class LivePart(Protocol):
    """A running part that follows settings."""

    def apply(self, settings: Settings, changed: Collection[str]) -> None:
        """Put settings into effect; `changed` are the keys whose values differ, such as "trigger.hold"."""
        ...


class LiveAnalysis:
    """The detector, the tracker and the trigger."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def apply(self, settings: Settings, changed: Collection[str]) -> None:
        """Take the trigger's rules over; nobody's count starts anew."""
        self._analysis.trigger.rules = build_rules(settings.trigger)
        self._analysis.tracker.leave_after = settings.trigger.leave_after
        self._analysis.detector.smallest = smallest_wanted(settings.trigger.min_face)


class LiveMoment:
    """The choice of the frame that is kept."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def apply(self, settings: Settings, changed: Collection[str]) -> None:
        """Choose frames with a new moment when it is about the moment; what waits in the old one is taken."""
        if any(key.split(".")[0] == "moment" or key in MOMENT_RULES for key in changed):
            self._loop.replace_moment(build_moment(settings))


class LivePace:
    """The pace of a live camera."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    def apply(self, settings: Settings, changed: Collection[str]) -> None:
        """Take the rates and the budget over."""
        for name, value in pace_values(settings).items():
            setattr(self._pace, name, value)


class LiveSaver:
    """The thread that writes the pictures."""

    def __init__(self, saver: FolderSaver) -> None:
        self._saver = saver

    def apply(self, settings: Settings, changed: Collection[str]) -> None:
        """Write pictures so from now on."""
        self._saver.change(**saver_values(settings))


class LiveWindow:
    """The window on the screen."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def apply(self, settings: Settings, changed: Collection[str]) -> None:
        """Take over what has changed; else what the keys did stays."""
        for name in ("mirror", "overlay", "fullscreen"):
            if f"window.{name}" in changed:
                setattr(self._window.controls, name, getattr(settings.window, name))


class LiveNearMisses:
    """A viewer that keeps the best frames that did not fire, as many as the settings say; 0: none.

    Owns a saver of its own while there are any to keep. A disk that does not keep up costs near misses, never
    a moment of the loop.
    """

    def __init__(self, settings: Settings, emit: Emit) -> None:
        self._emit = emit
        self._stack = ExitStack()
        self._kept = 0
        self._saver: FolderSaver | None = None
        self._keeper: NearMissKeeper | None = None
        self._open(settings)

    @property
    def kept(self) -> int:
        """How many are kept now."""
        return self._kept

    def __call__(self, view: View) -> None:
        """Look at the newest frame."""
        if self._keeper is not None:
            self._keeper(view)

    def apply(self, settings: Settings, changed: Collection[str]) -> None:
        """Keep more or fewer, begin or stop; the trigger's settings are noted in each picture."""
        if "storage.near_misses" in changed:
            self.close()
            self._open(settings)
        elif self._saver is not None:
            self._saver.change(trigger=noted(settings))

    def _open(self, settings: Settings) -> None:
        self._kept = settings.storage.near_misses
        if not self._kept:
            return
        self._saver = self._stack.enter_context(
            FolderSaver(
                Path(settings.saver.folder) / "near_misses",
                emit=self._emit,
                event="near_miss",
                keep=self._kept,
                trigger=noted(settings),
                thread_name="near-misses",
                patience=0.0,
            )
        )
        self._keeper = NearMissKeeper(self._saver)

    def close(self) -> None:
        """Write what waits and stop; harmless when repeated."""
        self._stack.close()
        self._saver = self._keeper = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def pace_values(settings: Settings) -> dict[str, Any]:
    """Return what a `Pace` is made of."""
    performance = settings.performance
    return {
        "max_fps": performance.max_fps,
        "idle_fps": performance.idle_fps,
        "cpu_budget": performance.cpu_budget,
    }


def saver_values(settings: Settings) -> dict[str, Any]:
    """Return what a `FolderSaver` is made of, and what it can change."""
    saver, storage = settings.saver, settings.storage
    return {
        "format": saver.format,
        "quality": saver.quality,
        "name": saver.name,
        "save_overlay": saver.save_overlay,
        "trigger": noted(settings),
        "limits": Limits(storage.max_size, storage.min_free, storage.max_age, storage.when_full),
    }


def noted(settings: Settings) -> dict[str, object]:
    """Return the trigger's settings as they are noted in each picture."""
    return settings.trigger.model_dump(mode="json")
