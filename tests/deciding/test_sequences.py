"""What went wrong on footage, as short sequences: a talker, a mask, a cut, two in turn, a slow camera.

Detector and classifier are scripts; tracker, trigger, the model that ships and the choice of the moment are
the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from smartselfie.daemon.parts import build_rules, read_evidence
from smartselfie.deciding.moment import Moment, Pick
from smartselfie.deciding.tracking import Tracker
from smartselfie.deciding.trigger import Trigger
from smartselfie.pipeline import Analysis
from smartselfie.records import Face, Frame, Image, Look, Scores
from smartselfie.settings import load
from tests.deciding.test_face_patch import BOX, POINTS, room
from tests.fakes import scores

LEFT = Face(BOX, landmarks=POINTS, score=0.95, covered=0.02)
WORD = [0.2, 0.5, 0.8, *[0.93] * 10, 0.7, 0.4, 0.2, 0.2, 0.3]
"""A word with teeth: P(happy) over 0.9 for a third of a second in the middle of it."""


def beside(face: Face, shift: int) -> Face:
    """The same face, so many pixels further to the right."""
    assert face.landmarks is not None
    eye, other_eye, nose, corner, other_corner = ((x + shift, y) for x, y in face.landmarks)
    box = replace(face.box, x=face.box.x + shift)
    return replace(face, box=box, landmarks=(eye, other_eye, nose, corner, other_corner))


class Scripted:
    """Detector and classifier in one: says of each frame what stands in the script."""

    input_size = (48, 48)
    smallest = 0.1

    def __init__(self, faces: Sequence[Face], happy: Sequence[Sequence[float]]) -> None:
        self.faces, self._happy = list(faces), iter(happy)

    def find(self, image: Image, look: Look) -> list[Face]:
        """The faces, always."""
        return list(self.faces)

    def __call__(self, crops: Image) -> list[Scores]:
        """The next scores."""
        return [scores(happy) for happy in next(self._happy)]


def play(
    faces: Sequence[Face],
    happy: Sequence[Sequence[float]],
    *overrides: str,
    rate: float = 30,
    image: Callable[[int], Image] = lambda number: room(1),
) -> tuple[list[tuple[int, tuple[int, ...]]], list[Pick]]:
    """Play a script through the real parts; returns the shots (frame, tracks) and the pictures."""
    script = Scripted(faces, happy)
    settings = load(None, ["trigger.rule=evidence", "trigger.min_presence=0", *overrides])
    rules = build_rules(settings.trigger)
    analysis = Analysis(
        script.find,  # type: ignore[arg-type]
        Tracker(),
        script,
        Trigger(rules, read_evidence(None)),
    )
    moment = Moment(release=rules.release_level)
    shots, picks = [], []
    for number in range(len(happy)):
        frame = Frame(image(number), number, number / rate)
        seen, decision = analysis(frame)
        if decision.fire:
            shots.append((number, decision.fired_by))
        picks += moment.update(frame, seen, decision)
    return shots, picks + moment.flush()


def talking(number: int) -> Image:
    """A mouth that opens and closes five times a second."""
    return room(1, mouth=2 + 14 * (number // 3 % 2))


@pytest.mark.parametrize("rate", [30, 15, 8])
def test_a_smile_fires_within_half_a_second(rate: int) -> None:
    """At any frame rate, once."""
    begin = rate
    shots, _ = play([LEFT], [[0.05]] * begin + [[0.98]] * 2 * rate, rate=rate)
    assert len(shots) == 1
    assert 0 < (shots[0][0] - begin) / rate <= 0.55


def test_a_talker_with_teeth_fires_nothing() -> None:
    """Word after word, the mouth moving; counting ten frames takes a picture of it."""
    happy = [[value] for value in WORD * 6]
    assert play([LEFT], happy, image=talking)[0] == []
    assert play([LEFT], happy, "trigger.rule=frames", image=talking)[0] != []


def test_who_begins_to_smile_after_talking_is_photographed() -> None:
    """A talker is not written off: the smile at the end of the sentence fires."""
    begin = 3 * len(WORD)
    happy = [[value] for value in [*WORD * 3, *[0.98] * 30]]
    shots, _ = play([LEFT], happy, image=lambda n: talking(n) if n < begin else room(1, mouth=8))
    assert [by for _, by in shots] == [(1,)]
    assert begin <= shots[0][0] <= begin + 20


def test_a_mask_fires_nothing() -> None:
    """Whatever is printed on it."""
    assert play([replace(LEFT, covered=0.9)], [[0.99]] * 60)[0] == []


def test_two_in_turn_have_a_picture_each() -> None:
    """The second smiles while the first one's picture rests."""
    happy = [[0.98, 0.05]] * 30 + [[0.05, 0.98]] * 30
    shots, _ = play([LEFT, beside(LEFT, 170)], happy, "trigger.cooldown=5s")
    assert [by for _, by in shots] == [(1,), (2,)]


def test_a_smile_after_a_cut_is_another_persons() -> None:
    """The face after the cut stands at the same place: it has a track, and a picture, of its own."""
    shots, picks = play(
        [LEFT], [[0.98]] * 60, "trigger.cooldown=5s", image=lambda number: room(1 if number < 30 else 2)
    )
    assert [by for _, by in shots] == [(1,), (2,)]
    assert picks[0].frame.seq < 30 <= picks[1].frame.seq


def test_no_picture_is_of_the_scene_after_a_cut() -> None:
    """The cut comes right after the decision, within the moment's window."""
    happy = [[0.98]] * 40
    (first, _), *_ = play([LEFT], happy)[0]
    cut = first + 1
    _, picks = play([LEFT], happy[:cut] + [[0.9]] * 20, image=lambda number: room(1 if number < cut else 2))
    assert picks[0].frame.seq <= first


def test_a_doubtful_find_fires_nothing() -> None:
    """A pattern that is hardly a face, with its eyes outside of the box."""
    assert LEFT.landmarks is not None
    odd = ((10.0, 20.0), *LEFT.landmarks[1:])
    assert play([replace(LEFT, landmarks=odd)], [[0.98]] * 40)[0] == []


def test_the_two_people_of_a_group_wait_for_each_other() -> None:
    """Under `all` one whose mouth is hidden holds the picture back, and it comes when the hand is gone."""
    pair = [LEFT, replace(beside(LEFT, 170), covered=0.9)]
    assert play(pair, [[0.98, 0.98]] * 40, "trigger.policy=all")[0] == []
    shots, _ = play([LEFT, beside(LEFT, 170)], [[0.98, 0.98]] * 40, "trigger.policy=all")
    assert [by for _, by in shots] == [(1, 2)]


def test_the_talkers_mouth_is_what_tells() -> None:
    """The same scores with the mouth still are more certain than with it moving."""
    happy = [[0.93]] * 15

    def certainty(image: Callable[[int], Image]) -> float:
        script = Scripted([LEFT], happy)
        rules = build_rules(load(None, ["trigger.rule=evidence", "trigger.certainty=0.99"]).trigger)
        analysis = Analysis(script.find, Tracker(), script, Trigger(rules, read_evidence(None)))  # type: ignore[arg-type]
        for number in range(len(happy)):
            _, decision = analysis(Frame(image(number), number, number / 30))
        return float(np.float64(decision.meters[0].progress))

    assert certainty(talking) < certainty(lambda number: room(1, mouth=8)) - 0.02
