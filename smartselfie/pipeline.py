"""The seams between the parts, and the loop that carries each frame through them."""

from __future__ import annotations

import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from smartselfie.face_input import crop_faces
from smartselfie.moment import Moment, Pick
from smartselfie.motion import Motion
from smartselfie.records import (
    Arm,
    Box,
    Change,
    Command,
    Decision,
    Face,
    Frame,
    Image,
    Look,
    Quit,
    Reload,
    Scores,
    Shot,
    Shutter,
    State,
    View,
)
from smartselfie.tracking import Tracker
from smartselfie.trigger import Trigger

log = logging.getLogger(__name__)

FPS_FRAMES = 30
"""Frames over which the frame rate is taken."""


class Source(Protocol):
    """Where frames come from. Opened by its constructor; used by one thread."""

    live: bool
    """Frames come when they come and the newest wins (a camera); False: a recording, every frame counts."""

    def read(self) -> Frame | None:
        """Return the next frame, None at the end of a recording; may block.

        Raises `CameraLostError` when a live source gives no more frames, `SourceError` when a recording
        breaks off.
        """
        ...

    def close(self) -> None:
        """Give the device back; harmless when repeated."""
        ...


class Detector(Protocol):
    """Finds faces."""

    smallest: float
    """Smallest face to look for, as a share of the picture's shorter side; may be changed at any time."""

    def __call__(self, image: Image, look: Look) -> list[Box]:
        """Return the faces of a (H, W, 3) BGR picture, in its pixels, searched where `look` says."""
        ...


class Classifier(Protocol):
    """Scores expressions."""

    input_size: tuple[int, int]
    """Width and height of the crops it wants."""

    def __call__(self, crops: Image) -> list[Scores]:
        """Return the scores of (N, H, W) uint8 gray crops; N may be 0."""
        ...


class Saver(Protocol):
    """Keeps pictures."""

    def save(self, shot: Shot) -> None:
        """Take the shot over; may wait, never drops. The `shot` event says that the file is in place."""
        ...

    def close(self, timeout: float = 10.0) -> None:
        """Write what is queued and stop; what could not be written is named."""
        ...


class Emit(Protocol):
    """Announces an event, from any thread."""

    def __call__(self, event: str, /, **fields: object) -> None:
        """Write one event; `fields` must be JSON-able."""
        ...


class Viewer(Protocol):
    """Looks at what happens, and may ask for something: a window, lamps and buttons, a health file."""

    def __call__(self, view: View) -> Iterable[Command]:
        """Take the newest view, in the loop's thread; must be quick. Returns what is asked for."""
        ...


class Analysis:
    """Detector, tracker, classifier and trigger, one after the other."""

    def __init__(
        self, detector: Detector, tracker: Tracker, classifier: Classifier, trigger: Trigger
    ) -> None:
        self.detector = detector
        self.tracker = tracker
        self.classifier = classifier
        self.trigger = trigger
        self._motion = Motion()

    def __call__(self, frame: Frame) -> tuple[tuple[Face, ...], Decision]:
        """Return the frame's scored faces and what the trigger says of them."""
        moved = self._motion(frame.image, self.tracker.boxes)
        boxes = self.detector(frame.image, self.tracker.look(frame.at, moved=moved))
        faces = self.tracker.update(boxes, at=frame.at)
        crops = crop_faces(frame.image, [face.box for face in faces], self.classifier.input_size)
        scores = self.classifier(crops)
        scored = tuple(replace(face, scores=score) for face, score in zip(faces, scores, strict=True))
        return scored, self.trigger.update(scored, at=frame.at, size=frame.size)


class Loop:
    """Carries frames through the analysis to the saver and the viewers, and obeys commands.

    `change` and `reload` apply settings (they are the composition root's business); `notices` says what else
    people should know, `blocked` why no picture may be taken ("" when it may). `clock` gives monotonic
    seconds, `now` the wall-clock time with its offset.
    """

    def __init__(
        self,
        analysis: Analysis,
        moment: Moment | None,
        saver: Saver,
        *,
        viewers: Sequence[Viewer] = (),
        commands: queue.Queue[Command] | None = None,
        change: Callable[[Change], None] = lambda command: None,
        reload: Callable[[], None] = lambda: None,
        notices: Callable[[], tuple[str, ...]] = tuple,
        annotate: Callable[[View, Image], Image | None] | None = None,
        blocked: Callable[[], str] = str,
        live: bool = False,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self.analysis = analysis
        self.moment = moment
        self.saver = saver
        self.viewers = list(viewers)
        self.commands = commands if commands is not None else queue.Queue()
        self.annotate = annotate
        self._change, self._reload, self._notices = change, reload, notices
        self._blocked, self._live, self._clock, self._now = blocked, live, clock, now
        self._times: deque[float] = deque(maxlen=FPS_FRAMES)
        self._newest: Frame | None = None
        self._faces: tuple[Face, ...] = ()
        self._decision = Decision(State.WATCHING, 0.0, False, "starting")
        self._shots = 0
        self._last_shot: Shot | None = None
        self._stopping = False
        self._manual: list[Shutter] = []

    def run(self, frames: Iterable[Frame | None]) -> None:
        """Work until the frames end or somebody asks to quit; None among the frames is a tick without one.

        A shot that was decided is saved however the frames end.
        """
        try:
            for frame in frames:
                self._obey()
                if frame is not None:
                    self._see(frame)
                elif self.moment is not None and self._live:
                    self._take_all(self.moment.expire(self._clock()))
                view = self.view()
                for viewer in self.viewers:
                    for command in viewer(view):
                        self._carry_out(command)
                if self._stopping:
                    break
        finally:
            self.choose_anew(None)

    def choose_anew(self, moment: Moment | None) -> None:
        """Choose frames with another `moment` from now on; what waits in the old one is taken."""
        if self.moment is not None:
            self._take_all(self.moment.flush())
        self.moment = moment

    def _see(self, frame: Frame) -> None:
        self._newest = frame
        self._times.append(self._clock())
        self._faces, self._decision = self.analysis(frame)
        self._take_all(self._picks(frame))

    @property
    def faces(self) -> tuple[Face, ...]:
        """The faces of the newest frame."""
        return self._faces

    def view(self) -> View:
        """Return what is to be seen now."""
        frame = self._newest or Frame(np.zeros((480, 640, 3), np.uint8), 0, 0.0)
        rules = self.analysis.trigger.rules
        return View(
            frame,
            self._faces,
            self._decision,
            rules.threshold,
            self._fps(),
            self._shots,
            self._last_shot,
            self._notices(),
        )

    def _picks(self, frame: Frame) -> Iterable[Pick]:
        for shutter in self._manual:
            yield Pick(frame, frame.still(), self._faces, decided=frame.at, by=shutter.by)
        self._manual.clear()
        if self.moment is not None:
            yield from self.moment.update(frame, self._faces, self._decision)
        elif self._decision.fire:
            yield Pick(frame, frame.still(), self._faces, decided=frame.at, why=self._decision.why)

    def _take_all(self, picks: Iterable[Pick]) -> None:
        for pick in picks:
            self._take(pick)

    def _take(self, pick: Pick) -> None:
        if reason := self._blocked():
            log.warning("no picture taken: %s", reason)
            return
        taken = self._now()
        if self._live:
            taken -= timedelta(seconds=self._clock() - pick.frame.at)
        shot = Shot(
            pick.still,
            pick.faces,
            pick.frame.size,
            taken,
            pick.frame.seq,
            pick.decided,
            pick.frame.at,
            pick.by,
            pick.alternative,
        )
        if self.annotate is not None:
            view = replace(self.view(), frame=pick.frame, faces=pick.faces, last_shot=None)
            shot = replace(shot, annotated=self.annotate(view, pick.still))
        if not pick.alternative:
            self._shots += 1
            self._last_shot = shot
            log.info("picture %d: %s", self._shots, pick.why or pick.by)
        self.saver.save(shot)

    def _obey(self) -> None:
        while True:
            try:
                command = self.commands.get_nowait()
            except queue.Empty:
                return
            self._carry_out(command)

    def _carry_out(self, command: Command) -> None:
        match command:
            case Shutter():
                self._manual.append(command)
            case Arm(on):
                trigger = self.analysis.trigger
                trigger.arm(not trigger.armed if on is None else on)
            case Change():
                self._change(command)
            case Reload():
                self._reload()
            case Quit():
                self._stopping = True

    def _fps(self) -> float:
        if len(self._times) < 2 or self._times[-1] <= self._times[0]:
            return 0.0
        return (len(self._times) - 1) / (self._times[-1] - self._times[0])
