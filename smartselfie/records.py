"""The values that flow through the pipeline. Frozen, and without any I/O."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from pathlib import Path

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""A picture: (H, W, 3) uint8 in BGR order, or (H, W) uint8 gray where a docstring says so."""

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER2013's class order, everywhere; a network may have others."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source."""

    image: Image
    """(H, W, 3) uint8 BGR, never mirrored, already rotated."""
    seq: int
    """Counts from 0 within one opening of the source; gaps are frames that nobody took."""
    at: float
    """Monotonic seconds; for a recording its media time."""
    take_still: Callable[[], Image] | None = field(default=None, repr=False)
    """Returns the full-resolution picture of this very frame, where the camera can give one."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]

    def still(self) -> Image:
        """The best picture there is of this frame: the camera's full-resolution still, else `image`."""
        return self.take_still() if self.take_still is not None else self.image


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the frame; may reach over its border."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column right of the box."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row below the box."""
        return self.y + self.height

    @property
    def area(self) -> int:
        """Pixels inside."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """The middle, as (x, y)."""
        return self.x + self.width / 2, self.y + self.height / 2

    def iou(self, other: Box) -> float:
        """Intersection over union, 0..1."""
        across = min(self.right, other.right) - max(self.x, other.x)
        down = min(self.bottom, other.bottom) - max(self.y, other.y)
        if across <= 0 or down <= 0:
            return 0.0
        shared = across * down
        return shared / (self.area + other.area - shared)


@dataclass(frozen=True, slots=True)
class Look:
    """Where the detector is to search in the next frame."""

    share: float = 1.0
    """How much of a search of the whole picture is due; a detector may spread it over frames as it likes."""
    around: tuple[Box, ...] = ()
    """Where known faces should be by now, in pixels of the frame."""
    resting: tuple[Box, ...] = ()
    """Where those should be that need no search this time; what is found on them is no other face."""

    @property
    def full(self) -> bool:
        """The whole picture is to be searched now."""
        return self.share >= 1


@dataclass(frozen=True, slots=True)
class Scores(Mapping[str, float]):
    """Probabilities that sum to 1, in the order of `classes`; a mapping from class name."""

    probabilities: tuple[float, ...]
    smiling: float | None = None
    """Probability that people would call it a smile now, whatever the mouth says.

    None where the network has no such output."""
    covered: float | None = None
    """Probability that the mouth cannot be seen, by the same output."""
    classes: tuple[str, ...] = CLASSES
    """What the network tells apart: FER2013's seven, or a network's own."""
    expression: tuple[str, ...] = ("happy",)
    """What a picture is wanted of (`trigger.expression`)."""

    def __post_init__(self) -> None:
        if len(self.probabilities) != len(self.classes) or abs(sum(self.probabilities) - 1) > 1e-3:
            raise ValueError(
                f"need {len(self.classes)} probabilities that sum to 1, got {self.probabilities}"
            )

    def __getitem__(self, name: str) -> float:
        try:
            return self.probabilities[self.classes.index(name)]
        except ValueError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.classes)

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def happy(self) -> float:
        """P(happy); 0 where the network has no such class."""
        return self.probabilities[self.classes.index("happy")] if "happy" in self.classes else 0.0

    @property
    def wanted(self) -> float:
        """Probability that the face shows what a picture is wanted of, 0..1."""
        shares = zip(self.classes, self.probabilities, strict=True)
        return min(1.0, sum(share for name, share in shares if name in self.expression))

    @property
    def shows(self) -> bool:
        """Whether what is wanted is the largest class, or among several wanted ones one of them is."""
        return self.top in self.expression

    @property
    def top(self) -> str:
        """The largest class."""
        return self.classes[self.probabilities.index(max(self.probabilities))]


Point = tuple[float, float]
"""(x, y) in pixels of the frame."""
Landmarks = tuple[Point, Point, Point, Point, Point]
"""Eye left in the picture, other eye, nose, left and right corner of the mouth."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a frame: found by a detector, named by the tracker, scored by the classifier."""

    box: Box
    track: int = 0
    """An id that is stable while the face stays; counts from 1. 0 until the tracker has seen it."""
    scores: Scores | None = None
    """None until the classifier has seen it."""
    landmarks: Landmarks | None = None
    """None where the detector has none."""
    score: float | None = None
    """How sure the detector is that it is a face, 0..1; None where it does not say."""
    covered: float | None = None
    """Probability that the mouth is hidden, by a mask or a hand; None where the detector does not say."""
    predicted: bool = False
    """Not searched in this frame: its box is where the tracker expects it."""
    smiling: float | None = None
    """Probability that people would call this a smile now; None where the network has no such output."""
    mouth_motion: float | None = None
    """How much the mouth changed within the last tenth of a second; see `deciding.face_patch`."""

    @property
    def roll(self) -> float:
        """Radians by which the head leans to its own left: eyes and mouth fall to the right; 0 when unknown.

        The mean over the line through the eyes, that through the mouth, and that from one to the other: in
        profile the first two are short.
        """
        if self.landmarks is None:
            return 0.0
        (ax, ay), (bx, by), _, (cx, cy), (dx, dy) = self.landmarks
        down = (cx + dx - ax - bx) / 2, (cy + dy - ay - by) / 2
        return math.atan2(by - ay + dy - cy - down[0], bx - ax + dx - cx + down[1])

    @property
    def smile(self) -> float:
        """Score for smiling: the network's own output where it has one, else P(happy); 0 without scores.

        Where other expressions are wanted, theirs."""
        if self.smiling is not None:
            return self.smiling
        return self.scores.wanted if self.scores is not None else 0.0

    @property
    def seems(self) -> str:
        """What it looks like instead: "" where nothing stands against a smile, else the largest class."""
        if self.smiling is not None or self.scores is None or self.scores.shows:
            return ""
        return self.scores.top

    def scored(self, scores: Scores) -> Face:
        """Return the face with its scores, which tell of a hidden mouth where the detector does not."""
        covered = scores.covered if self.covered is None else self.covered
        smiling = scores.smiling if scores.expression == ("happy",) else None
        return replace(self, scores=scores, smiling=smiling, covered=covered)


class State(Enum):
    """What the trigger is doing."""

    WATCHING = "watching"
    HOLDING = "holding"
    COUNTDOWN = "countdown"
    RESTING = "resting"
    DISARMED = "disarmed"


@dataclass(frozen=True, slots=True)
class Meter:
    """How one face stands with the trigger."""

    track: int
    progress: float
    """0..1 of the hold."""
    smiles: bool
    takes_part: bool
    why: str = ""
    """Why it does not smile or take part, in words; empty when it does."""
    rests: bool = False
    """Its picture was taken, and the next may not be yet."""
    notice: str = ""
    """What to tell it while it takes part, in words: "talking", "mouth covered"; empty when nothing."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the trigger says of one frame."""

    state: State
    progress: float
    """0..1: how much of the hold (of the countdown, while that runs) is done."""
    fire: bool
    why: str
    """In words why it fired or not, such as "happy 0.52 < 0.60" or "2 of 3 faces smile"."""
    fired_by: tuple[int, ...] = ()
    """The tracks whose smiles fired it; empty unless `fire`."""
    meters: tuple[Meter, ...] = ()
    countdown: float | None = None
    """Seconds left, while counting down."""
    awaited: int = 0
    """So many more faces must smile: some have held, and wait for them."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A picture that was taken."""

    image: Image
    """(H, W, 3) uint8 BGR: the clean frame at full resolution, nothing drawn on it."""
    faces: tuple[Face, ...]
    """With boxes in pixels of the frame that was analysed (`size`)."""
    size: tuple[int, int]
    """Width and height of the analysed frame."""
    taken: datetime
    """Wall-clock time of the frame, with its UTC offset."""
    seq: int
    at: float
    """When it was decided, in the frame's time."""
    picked_at: float
    """The time of the frame that was kept."""
    by: str = "smile"
    """What asked for it: smile, key, button or web."""
    alternative: int = 0
    """0 for the best frame of the moment; 1, 2 for its alternatives."""
    annotated: Image | None = None
    """The same picture with the overlay, when it is to be saved too."""
    path: Path | None = None
    """The file it became; None before that."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a person looks at: the newest frame and all that is known of it."""

    frame: Frame
    faces: tuple[Face, ...]
    decision: Decision
    threshold: float
    """Score from which a frame shows a smile."""
    fps: float
    """Analysed frames a second, lately."""
    shots: int = 0
    """Pictures taken since the start."""
    last_shot: Shot | None = None
    notices: tuple[str, ...] = ()
    """What is wrong or unusual, in words: "camera lost, retrying", "disk full" ..."""
    certainty: float | None = None
    """How sure the model of the last second must be; None where frames are counted."""


Event = dict[str, object]
"""What happened, JSON-able: `event` names it; a shot has `file`, the path of its picture."""


@dataclass(frozen=True, slots=True)
class Shutter:
    """Command: take a picture now."""

    by: str
    """Who asks: key, button or web."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Command: let the trigger fire, or not; None toggles."""

    on: bool | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Command: change settings while running; keys are dotted (`trigger.threshold`)."""

    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reload:
    """Command: read config.yaml again."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Command: end the program."""


Command = Shutter | Arm | Change | Reload | Quit
