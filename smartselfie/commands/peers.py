"""Other programs' ways of taking a picture at a smile, to be measured beside ours on the same clips.

What they are: the loop that most hobby projects share (a cascade, the mini-Xception, ten frames), the `fer`
package's crop around the same network, and any detector with any network under the same ten frames. All of
them look at the nearest face, count while *happy* is its largest class, and take the next picture after a
frame in which it is not; they get the reset that many of them forget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from smartselfie.classifiers.litert import LiteRtClassifier, default_model
from smartselfie.deciding.face_input import crop_face
from smartselfie.detectors.cascades import find_cascade
from smartselfie.errors import UsageError
from smartselfie.records import Box, Decision, Face, Frame, Image, Look, Meter, State
from smartselfie.seams import Classifier, Detector

FRAMES = 10
"""Happy frames in a row."""
CASCADE = "haarcascade_frontalface_default.xml"
USUAL_MARGIN = (20, 40)
"""Pixels around the box, across and down (face_classification's `emotion_offsets`)."""
FER_MARGIN = (10, 10)
"""... as the package fer has it."""
FER_SMALLEST = 50
"""Pixels of the smallest face that fer looks for."""

Find = Callable[[Image], list[Face]]
Cut = Callable[[Image, Face, tuple[int, int]], Image]


@dataclass(slots=True)
class Peer:
    """A whole program in two functions and a network; plays like `pipeline.Analysis`."""

    find: Find
    cut: Cut
    classify: Classifier
    _count: int = 0
    _rests: bool = False

    def __call__(self, frame: Frame) -> tuple[tuple[Face, ...], Decision]:
        """Return the faces of a frame, the nearest scored, and whether a picture is taken."""
        faces = sorted(self.find(frame.image), key=lambda face: -face.box.area)
        if not faces:
            self._count, self._rests = 0, False
            return (), Decision(State.WATCHING, 0.0, False, "no face")
        crop = self.cut(frame.image, faces[0], self.classify.input_size)
        (scores,) = self.classify(crop[np.newaxis])
        happy = scores.shows
        self._count = self._count + 1 if happy else 0
        self._rests = self._rests and happy
        fire = self._count >= FRAMES and not self._rests
        self._rests |= fire
        face = Face(faces[0].box, 1, scores)
        meter = Meter(1, min(1.0, self._count / FRAMES), happy, True)
        state = State.RESTING if self._rests else State.HOLDING if happy else State.WATCHING
        return (face,), Decision(state, meter.progress, fire, scores.top, (1,) * fire, (meter,))


class PlainCascade:
    """OpenCV's cascade over the whole picture in every frame."""

    def __init__(self, step: float = 1.3, neighbours: int = 5, smallest: int = 0) -> None:
        self._cascade = cv2.CascadeClassifier(str(find_cascade(CASCADE)))
        self._step, self._neighbours, self._smallest = step, neighbours, smallest

    def __call__(self, image: Image) -> list[Face]:
        """Return the faces of a (H, W, 3) BGR picture."""
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        smallest = (self._smallest, self._smallest)
        found = self._cascade.detectMultiScale(gray, self._step, self._neighbours, minSize=smallest)
        return [Face(Box(*(int(value) for value in box))) for box in found]


def with_margin(margin: tuple[int, int]) -> Cut:
    """Return a way to cut: the box and so many pixels around it, stretched to the network's size."""

    def cut(image: Image, face: Face, size: tuple[int, int]) -> Image:
        across, down = margin
        left, top = max(0, face.box.x - across), max(0, face.box.y - down)
        part = image[
            top : max(top + 1, face.box.bottom + down), left : max(left + 1, face.box.right + across)
        ]
        if part.size == 0:
            return np.zeros((size[1], size[0]), np.uint8)
        return np.asarray(cv2.resize(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), size), np.uint8)

    return cut


def as_ours(image: Image, face: Face, size: tuple[int, int]) -> Image:
    """Cut as this program does, upright where there are landmarks."""
    return crop_face(image, face.box, size, landmarks=face.landmarks)


def build_peer(name: str, files: Mapping[str, Path], detector: Callable[[str], Detector]) -> Peer:
    """Make the peer of a name: usual, fer, or DETECTOR+NETWORK.

    DETECTOR is `cascade` or a kind of ours (`detector` makes it), NETWORK is `ours` or one of `files`.
    Raises UsageError for a name that is none, or one whose file was not given.
    """
    if name in ("usual", "fer"):
        network = _network("mini_xception", files)
        if name == "usual":
            return Peer(PlainCascade(), with_margin(USUAL_MARGIN), network)
        return Peer(PlainCascade(1.1, 5, FER_SMALLEST), with_margin(FER_MARGIN), network)
    finder, plus, which = name.partition("+")
    if not plus:
        raise UsageError(f"--against {name}: expected usual, fer, or DETECTOR+NETWORK")
    network = _network(which, files)
    cut = as_ours if which == "ours" else with_margin(USUAL_MARGIN)
    if finder == "cascade":
        return Peer(PlainCascade(), cut, network)
    return Peer(_everywhere(detector(finder)), cut, network)


def _everywhere(detector: Detector) -> Find:
    return lambda image: detector(image, Look())


def _network(name: str, files: Mapping[str, Path]) -> Classifier:
    if name == "ours":
        return LiteRtClassifier(default_model())
    if name not in files:
        raise UsageError(f"its network is not here: give it with --file {name}=FILE.tflite")
    return LiteRtClassifier(files[name], scaling="-1..1")


def read_files(given: Sequence[str]) -> dict[str, Path]:
    """Read NAME=FILE options. Raises UsageError."""
    files = {}
    for each in given:
        name, equals, path = each.partition("=")
        if not equals or not Path(path).is_file():
            raise UsageError(f"--file {each}: expected NAME=FILE of a file that exists")
        files[name] = Path(path)
    return files
