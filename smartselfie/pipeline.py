"""The way of the data as code: the analysis of a frame, and the loop that carries frames through it."""

from __future__ import annotations

import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from smartselfie.deciding.face_input import crop_faces
from smartselfie.deciding.face_patch import MouthMotion, face_patch
from smartselfie.deciding.moment import Moment, Pick
from smartselfie.deciding.motion import Cuts, Motion
from smartselfie.deciding.tracking import Tracker
from smartselfie.deciding.trigger import Trigger
from smartselfie.records import (
    Arm,
    Change,
    Command,
    Decision,
    Face,
    Frame,
    Image,
    Look,
    Quit,
    Reload,
    Shot,
    Shutter,
    State,
    View,
)
from smartselfie.seams import Classifier, Detector, Saver, Tick, Viewer

log = logging.getLogger(__name__)

FPS_FRAMES = 30
"""Frames over which the frame rate is taken."""


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
        self._cuts = Cuts()
        self._mouths = MouthMotion()

    def __call__(self, frame: Frame) -> tuple[tuple[Face, ...], Decision]:
        """Return the frame's scored faces and what the trigger says of them."""
        faces = self.score(frame, self.follow(frame, self.detector(frame.image, self.look(frame))))
        return faces, self.decide(frame, faces)

    def look(self, frame: Frame) -> Look:
        """Where faces are to be searched in a frame."""
        moved = not self.tracker.saves_searches or self._motion(frame.image, self.tracker.boxes)
        return self.tracker.look(frame.at, moved=moved)

    def follow(self, frame: Frame, found: Sequence[Face]) -> list[Face]:
        """Say which face is which, and how their mouths move."""
        patches = [face_patch(frame.image, face) for face in found]
        cut = self._cuts(frame.image)
        faces = self.tracker.update(found, at=frame.at, patches=patches, cut=cut)
        return self._mouths(faces[: len(found)], patches, frame.at) + faces[len(found) :]

    def score(self, frame: Frame, faces: Sequence[Face]) -> tuple[Face, ...]:
        """Score the expressions of all faces."""
        crops = crop_faces(frame.image, faces, self.classifier.input_size)
        scores = self.classifier(crops)
        return tuple(face.scored(score) for face, score in zip(faces, scores, strict=True))

    def decide(self, frame: Frame, faces: Sequence[Face]) -> Decision:
        """Ask the trigger."""
        return self.trigger.update(faces, at=frame.at, size=frame.size)


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
        ticks: Sequence[Tick] = (),
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
        self.ticks = list(ticks)
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
                    viewer(view)
                for tick in self.ticks:
                    for command in tick():
                        self._carry_out(command)
                if self._stopping:
                    break
        finally:
            self.replace_moment(None)

    def replace_moment(self, moment: Moment | None) -> None:
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
            rules.smile_level,
            self._fps(),
            self._shots,
            self._last_shot,
            self._notices(),
            rules.certainty if rules.rule == "evidence" else None,
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
            image=pick.still,
            faces=pick.faces,
            size=pick.frame.size,
            taken=taken,
            seq=pick.frame.seq,
            at=pick.decided,
            picked_at=pick.frame.at,
            by=pick.by,
            alternative=pick.alternative,
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
