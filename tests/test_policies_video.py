"""Policies on real faces: clips side by side, shifted in time, through detector, tracker and network."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from smartselfie import settings as s
from smartselfie.daemon.parts import build_analysis, build_rules, read_evidence
from smartselfie.records import Frame, Image
from smartselfie.replaying.scores import Recording, ScoredFrame
from smartselfie.replaying.shots import shots as shots_of
from tests.shared import shared_path

FPS = 25
SECONDS = 3.6
TILE = (320, 360)
STARTS = (0.65, 1.55, 2.4)
"""When the first, second and third person begins to smile; all of them still do at the end."""
SLACK = 0.3
"""Seconds by which labels may be early or the network late."""

Tile = Callable[[float], Image]
"""What a person shows at a second of the composite."""


def clip(name: str, centre: float) -> list[tuple[float, Image]]:
    """A clip's frames with their times, cropped to a tile's shape around `centre` (a share of the width)."""
    capture = cv2.VideoCapture(str(shared_path(f"videos/{name}")))
    frames = []
    while True:
        ok, image = capture.read()
        if not ok:
            break
        height, width = image.shape[:2]
        wide = min(width, round(height * TILE[0] / TILE[1]))
        left = round(min(max(0, centre * width - wide / 2), width - wide))
        cut = cv2.resize(image[:, left : left + wide], TILE, interpolation=cv2.INTER_AREA)
        frames.append((capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, cut))
    capture.release()
    return frames


def playing(frames: list[tuple[float, Image]], shift: float, first: float, last: float) -> Tile:
    """Show a clip's second `t + shift` at `t`; it stands still before its `first` and after its `last`."""
    times = np.array([at for at, _ in frames])

    def at(seconds: float) -> Image:
        return frames[int(np.argmin(abs(times - min(max(seconds + shift, first), last))))][1]

    return at


def record(*tiles: Tile, background: Tile | None = None) -> Recording:
    """Set the tiles side by side, with a small face in a corner, and score every frame."""
    settings = s.load(None, ["detector.search_size=640", "trigger.min_face=0.05"])
    analyse = build_analysis(settings)
    frames = []
    size = (TILE[0] * len(tiles) + TILE[0] // 2, TILE[1])
    for seq in range(round(SECONDS * FPS)):
        at = seq / FPS
        image = np.full((size[1], size[0], 3), 128, np.uint8)
        for index, tile in enumerate(tiles):
            image[:, index * TILE[0] : (index + 1) * TILE[0]] = tile(at)
        if background is not None:
            small = cv2.resize(
                background(at), (TILE[0] * 4 // 10, TILE[1] * 4 // 10), interpolation=cv2.INTER_AREA
            )
            image[20 : 20 + small.shape[0], size[0] - 150 : size[0] - 150 + small.shape[1]] = small
        faces, _ = analyse(Frame(image, seq, at))
        frames.append(ScoredFrame(at, faces))
    return Recording("composite", size, frames)


@pytest.fixture(scope="module")
def people() -> tuple[Tile, Tile, Tile, Tile]:
    """Three who begin to smile one after the other, and one who never does."""
    first = clip("pf_single_face.mp4", 0.5)
    second = clip("lp_d0.mp4", 0.5)
    third = clip("pf_noface_face.mov", 0.5)
    return (
        playing(first, 0.0, 0.0, 2.1),
        playing(second, 0.85 - STARTS[1], 0.1, 2.4),
        playing(third, 4.3 - STARTS[2], 4.0, 6.0),
        playing(second, 0.0, 0.0, 0.3),
    )


@pytest.fixture(scope="module")
def together(people: tuple[Tile, Tile, Tile, Tile]) -> Recording:
    """The three, and a small face behind them that never smiles."""
    return record(*people[:3], background=people[3])


@pytest.fixture(scope="module")
def with_a_grump(people: tuple[Tile, Tile, Tile, Tile]) -> Recording:
    """Two who smile beside one who does not."""
    return record(people[0], people[1], people[3])


def shots(recording: Recording, *overrides: str) -> list[float]:
    """When the trigger fires with the defaults, changed."""
    return shots_of(
        recording,
        build_rules(s.load(None, ["trigger.rule=frames", "trigger.min_relative=0.5", *overrides]).trigger),
        read_evidence(None),
    )


def within(at: float, start: float) -> bool:
    """Whether a shot follows a smile that begins at `start` by one hold and no more than a second."""
    hold = 10 / FPS
    return start + hold - SLACK <= at <= start + hold + 1.0


def test_every_face_is_seen(together: Recording) -> None:
    """The composite is what the other tests take it for: four faces in nearly every frame."""
    counts = [len(frame.faces) for frame in together.frames]
    assert sorted(counts)[len(counts) // 4] >= 4


def test_any_fires_at_the_first_smile(together: Recording) -> None:
    """With `any` the first smile is a picture, before anybody else smiles."""
    first = shots(together)[0]
    assert within(first, STARTS[0])
    assert first < STARTS[1] + SLACK


def test_two_of_three_fire_at_the_second_smile(together: Recording) -> None:
    """With a count of 2 the picture comes when two have smiled for the hold, before the third does."""
    first = shots(together, "trigger.policy=2")[0]
    assert within(first, STARTS[1])
    assert first < STARTS[2] + SLACK


def test_all_fires_when_all_smile(together: Recording) -> None:
    """With `all` it waits for the last one, and a small face in the background does not block."""
    first = shots(together, "trigger.policy=all")[0]
    assert within(first, STARTS[2])


def test_the_background_blocks_when_it_is_asked_to(together: Recording) -> None:
    """With everybody counted, the small face that never smiles keeps `all` from firing."""
    assert shots(together, "trigger.policy=all", "trigger.min_relative=0", "trigger.min_face=0") == []


def test_all_does_not_fire_while_one_does_not_smile(with_a_grump: Recording) -> None:
    """One face of three without a smile is enough; two are still two."""
    assert shots(with_a_grump, "trigger.policy=all") == []
    assert len(shots(with_a_grump, "trigger.policy=2")) == 1
    assert shots(with_a_grump, "trigger.policy=3") == []
