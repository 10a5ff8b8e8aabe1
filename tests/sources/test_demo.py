"""The demo source: its script, its frames, and what the real detector and networks make of them."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from smartselfie.classifiers.litert import LiteRtClassifier, default_model
from smartselfie.deciding.face_input import crop_faces
from smartselfie.deciding.rules import Rules
from smartselfie.deciding.spread_search import SpreadSearchTracker
from smartselfie.deciding.trigger import Trigger
from smartselfie.detectors.cascades import find_cascade
from smartselfie.detectors.haar import HaarDetector
from smartselfie.errors import ModelError
from smartselfie.pipeline import Analysis
from smartselfie.records import Box, Face, Image
from smartselfie.sources.demo import HALF, SCRIPT, Actor, DemoScript, DemoSource, draw_scene, smiling
from smartselfie.sources.scene.face import draw_face
from smartselfie.sources.scene.people import PEOPLE
from tests.shared import ROOT, missing, shared_path

PINNED = ROOT / "tests" / "data" / "pinned.tflite"
PEER = "peers/mini_xception_fer2013_quantized.tflite"
EVERYBODY = range(len(PEOPLE))
SMALL = (640, 360)


def portrait(person: int = 0, *, smile: float = 0.0, size: float = 0.4) -> Image:
    """One still face in the middle."""
    return draw_scene(DemoScript((Actor(smile=smile, size=size, person=person),), 1.0), (1280, 720), 0.0)


@lru_cache(maxsize=1)
def load_cascade() -> cv2.CascadeClassifier:
    """The frontal cascade; reading it takes longer than using it."""
    return cv2.CascadeClassifier(str(find_cascade("haarcascade_frontalface_default.xml")))


def find(image: Image) -> list[Box]:
    """What the frontal cascade finds in one plain search, 320 pixels wide."""
    share = image.shape[1] / 320
    small = cv2.resize(image, None, fx=1 / share, fy=1 / share, interpolation=cv2.INTER_AREA)
    boxes = load_cascade().detectMultiScale(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), 1.1, 5)
    return [Box(*(round(float(value) * share) for value in box)) for box in boxes]


def happy(classifier: LiteRtClassifier, image: Image) -> float:
    """P(happy) of the only face in a picture."""
    (box,) = find(image)
    return classifier(crop_faces(image, [Face(box)], classifier.input_size))[0].happy


def shots(model: Path, script: DemoScript, *, fps: float = 15.0, **rules: object) -> list[int]:
    """The frames at which the trigger fires when the script is played through the real parts."""
    analysis = Analysis(
        HaarDetector(find_cascade("haarcascade_frontalface_default.xml")),
        SpreadSearchTracker(),
        LiteRtClassifier(model),
        Trigger(Rules(**{"rule": "frames", **rules})),  # type: ignore[arg-type]
    )
    source, fired = DemoSource(SMALL, fps, script), []
    while (frame := source.read()) is not None:
        if analysis(frame)[1].fire:
            fired.append(frame.seq)
    return fired


def once_each(fired: list[int], script: DemoScript, fps: float) -> bool:
    """Whether there is one shot in every smile of the script, and none besides."""
    inside = [sum(start <= seq / fps <= end for seq in fired) for start, end, _ in script.smiles]
    return inside == [1] * len(script.smiles) and len(fired) == len(inside)


def test_same_script_same_frames() -> None:
    """Two sources of one script give the same pictures, bit by bit."""
    one, two = DemoSource(SMALL), DemoSource(SMALL)
    for _ in range(75):
        a, b = one.read(), two.read()
        assert a is not None
        assert b is not None
        assert np.array_equal(a.image, b.image)


def test_frames_follow_the_clock_of_the_script() -> None:
    """Frame n is n / fps seconds into the script, and its number is n."""
    source = DemoSource(SMALL, 10.0, DemoScript((Actor(),), 0.5))
    frames = [source.read() for _ in range(6)]
    assert [(frame.seq, frame.at) for frame in frames if frame] == [(n, n / 10) for n in range(5)]
    assert frames[5] is None


def test_frames_are_not_shared() -> None:
    """Whoever draws on a frame does not spoil the next one."""
    script = DemoScript((Actor(),), 1.0)
    first = draw_scene(script, SMALL, 0.0)
    first[:] = 0
    assert draw_scene(script, SMALL, 0.0).mean() > 50


def test_loop_starts_over_and_time_goes_on() -> None:
    """A looping source repeats its pictures, while number and time keep rising."""
    source = DemoSource(SMALL, 10.0, DemoScript((Actor(x=((0, 0.3), (0.4, 0.7))),), 0.4), loop=True)
    frames = [source.read() for _ in range(6)]
    assert [frame.seq for frame in frames if frame] == list(range(6))
    assert frames[4] is not None
    assert frames[0] is not None
    assert frames[4].at == pytest.approx(0.4)
    assert np.array_equal(frames[4].image, frames[0].image)


def test_closed_source_gives_nothing() -> None:
    """After close, which may be repeated, there are no frames."""
    source = DemoSource(SMALL)
    source.close()
    source.close()
    assert source.read() is None


@pytest.mark.parametrize("size", [(320, 240), (1920, 1080), (480, 640)])
def test_any_size(size: tuple[int, int]) -> None:
    """Frames have the size that was asked for, and a face in it."""
    frame = DemoSource(size).read()
    assert frame is not None
    assert frame.size == size
    assert len(find(frame.image)) == 1


def test_bad_size_is_refused() -> None:
    """A size of nothing is refused with the rule and the value."""
    with pytest.raises(ValueError, match="at least 16x16"):
        DemoSource((0, 720))


def test_smiles_are_where_the_script_puts_them() -> None:
    """The windows cover each full smile of the script, and not the half one."""
    windows = [(window.start, window.end) for window in SCRIPT.smiles]
    assert len(windows) == 3
    for (start, end), (first, last) in zip(windows, [(2.0, 4.6), (9.0, 11.2), (19.6, 23.4)], strict=True):
        assert first < start < first + 0.35
        assert last - 0.35 < end < last


def test_smiles_of_several_actors_are_in_order() -> None:
    """Windows say whose they are and come by their start; a lasting smile ends with the script."""
    script = DemoScript((Actor(smile=smiling((3, 5))), Actor(smile=smiling((1, 2))), Actor(smile=1.0)), 6.0)
    assert [window.actor for window in script.smiles] == [2, 1, 0]
    assert script.smiles[0][:2] == (0.0, 6.0)


def test_a_smile_comes_and_goes_steadily() -> None:
    """Between neutral and beaming a smile only rises, then only falls."""
    actor = Actor(smile=smiling((1, 3)))
    levels = [actor.pose(at / 20).smile for at in range(81)]  # type: ignore[union-attr]
    top = levels.index(1.0)
    assert all(a <= b for a, b in pairwise(levels[: top + 1]))
    assert all(a >= b for a, b in pairwise(levels[top:]))


def test_overlapping_smiles_are_refused() -> None:
    """Smiles that run into each other are a mistake in the script."""
    with pytest.raises(ValueError, match="in order"):
        smiling((1, 3), (2, 4))


def test_absent_actors_are_not_drawn() -> None:
    """While absent nobody stands there: the room is empty."""
    script = DemoScript((Actor(absent=((1, 2),)),), 3.0)
    assert not find(draw_scene(script, (1280, 720), 1.5))
    assert len(find(draw_scene(script, (1280, 720), 2.0))) == 1


def test_a_blink_shuts_and_opens_the_eyes() -> None:
    """The lids are shut at the blink and open a moment before and after."""
    actor = Actor(blinks=(1.0,))
    assert [round(actor.pose(at).shut, 2) for at in (0.8, 1.0, 1.2)] == [0, 1, 0]  # type: ignore[union-attr]


def test_shut_eyes_show_no_white() -> None:
    """A blink is to be seen: between the lids nothing is left of the eye."""
    whites = []
    for shut in (0.0, 0.5, 1.0):
        eyes = draw_face(PEOPLE[0], 0.0, shut)[212:244, 284:334, :3]
        whites.append(int((eyes.min(axis=2) > 190).sum()))
    assert whites[0] > 50
    assert whites[1:] == [0, 0]


def test_who_is_near_covers_who_is_far() -> None:
    """The order in which actors are named does not matter: the larger stands in front."""
    near, far = Actor(x=0.5, size=0.4), Actor(x=0.55, size=0.2, person=1)
    pictures = [draw_scene(DemoScript(order, 1.0), SMALL, 0.5) for order in ((near, far), (far, near))]
    assert np.array_equal(*pictures)


def test_clothes_reach_the_edge_of_the_picture() -> None:
    """A small person has a body down to the lower border, not a bust that floats."""
    script = DemoScript((Actor(size=0.2, y=0.3),), 1.0)
    empty = DemoScript((), 1.0)
    changed = np.abs(draw_scene(script, SMALL, 0.0).astype(int) - draw_scene(empty, SMALL, 0.0)).max(axis=2)
    assert (changed[-1] > 20).sum() > 50


@pytest.mark.parametrize("person", EVERYBODY)
def test_the_cascade_finds_every_face(person: int) -> None:
    """One face, and only one, at every level of the smile, near and far."""
    for smile in (0.0, HALF, 0.5, 0.75, 1.0):
        for size in (0.4, 0.2):
            (box,) = find(portrait(person, smile=smile, size=size))
            assert abs(box.centre[0] - 640) < 0.15 * box.width
            assert box.height == pytest.approx(size * 720, rel=0.25)


def test_the_cascade_finds_five_people_at_once() -> None:
    """Everybody in a group is found, those at the back too."""
    actors = [Actor(x=x, y=y, size=size, person=index) for index, (x, y, size) in enumerate(
        [(0.18, 0.5, 0.3), (0.5, 0.45, 0.38), (0.8, 0.5, 0.33), (0.35, 0.3, 0.16), (0.66, 0.3, 0.16)]
    )]  # fmt: skip
    assert len(find(draw_scene(DemoScript(tuple(actors), 1.0), (1280, 720), 0.0))) == 5


@pytest.mark.parametrize("person", EVERYBODY)
def test_a_network_that_never_saw_a_drawing_sees_the_smile(person: int) -> None:
    """The mini-Xception that others train calls the full smile happy, and the resting face anything else."""
    classifier = LiteRtClassifier(shared_path(PEER), scaling="-1..1")
    assert happy(classifier, portrait(person, smile=1.0)) > 0.85
    assert happy(classifier, portrait(person, smile=0.0)) < 0.1
    assert happy(classifier, portrait(person, smile=HALF)) < 0.2


def test_pinned_network_gives_the_same_shots_every_time() -> None:
    """Source, detector, tracker, classifier and trigger together: one shot a smile, at the same frames."""
    script = DemoScript(
        (
            Actor(
                smile=smiling((0.6, 2.2), (4.8, 6.4)),
                x=((0, 0.5), (2.4, 0.5), (3.2, 1.4), (3.4, 1.4), (4.4, 0.5)),
                blinks=(1.4, 5.2),
            ),
        ),
        6.6,
    )
    first = shots(PINNED, script)
    assert first == shots(PINNED, script)
    assert once_each(first, script, 15.0)
    assert first == pytest.approx([16, 79], abs=2)  # another processor may round a crop differently


def test_pinned_network_waits_for_everyone() -> None:
    """With `all`, two people who smile one after the other fire only while both do."""
    script = DemoScript(
        (
            Actor(smile=smiling((0.5, 4.0)), x=0.3, size=0.35),
            Actor(smile=smiling((2.0, 4.0)), x=0.7, size=0.35, person=2),
        ),
        4.2,
    )
    alone, other = shots(PINNED, script, policy="any")
    (both,) = shots(PINNED, script, policy="all")
    assert alone / 15 < 2.0 < other / 15 <= both / 15


def test_shipped_network_fires_once_in_each_smile() -> None:
    """The demo as everybody sees it: three smiles, three pictures, none for the half smile."""
    try:
        model = default_model()
    except ModelError as error:
        missing(str(error))
    assert once_each(shots(model, SCRIPT), SCRIPT, 15.0)
