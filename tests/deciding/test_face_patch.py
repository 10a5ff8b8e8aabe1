"""Small upright looks at a face: who it is, and whether the mouth moves."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from smartselfie.deciding.face_patch import IDENTITY, MouthMotion, face_patch, likeness
from smartselfie.records import Box, Face, Image, Landmarks
from smartselfie.sources.demo import Actor, DemoScript, draw_scene

BOX = Box(100, 60, 160, 160)
POINTS: Landmarks = ((145.0, 120.0), (215.0, 120.0), (180.0, 155.0), (150.0, 185.0), (210.0, 185.0))


def room(seed: int, *, mouth: int = 0) -> Image:
    """A picture with texture everywhere, the mouth open so many pixels."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (24, 32), np.uint8)
    gray = np.asarray(cv2.resize(small, (360, 280), interpolation=cv2.INTER_CUBIC), np.uint8)
    image = np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), np.uint8)
    if mouth:
        cv2.ellipse(image, (180, 187), (30, mouth), 0, 0, 360, (0, 0, 0), -1)
    return image


def test_a_patch_has_one_brightness_and_contrast() -> None:
    """Half the light gives the same patch."""
    bright, dim = room(1), (room(1) // 2).astype(np.uint8)
    one, other = (face_patch(image, Face(BOX, landmarks=POINTS)) for image in (bright, dim))
    assert one.shape == (32, 32)
    assert one[IDENTITY].mean() == pytest.approx(0, abs=1e-4)
    assert np.abs(one - other).mean() < 0.1


def test_a_turned_face_has_the_patch_of_an_upright_one() -> None:
    """Landmarks say how it is turned: the patch is upright again."""
    image = room(2)
    matrix = cv2.getRotationMatrix2D((180, 140), 30, 1.0)
    turned = np.asarray(cv2.warpAffine(image, matrix, (360, 280)), np.uint8)
    moved = [tuple(float(value) for value in matrix @ (x, y, 1)) for x, y in POINTS]
    landmarks: Landmarks = tuple(moved)  # type: ignore[assignment]
    one = face_patch(image, Face(BOX, landmarks=POINTS))
    other = face_patch(turned, Face(BOX, landmarks=landmarks))
    assert likeness(one, other) > 0.95


def test_different_faces_are_not_alike() -> None:
    """Two textures do not correlate; one with itself does."""
    one, other = (face_patch(room(seed), Face(BOX, landmarks=POINTS)) for seed in (3, 4))
    assert likeness(one, one) == pytest.approx(1)
    assert likeness(one, other) < 0.25


def test_the_same_drawn_person_is_alike_and_another_is_not() -> None:
    """Of two people of the demo, a smile apart, the same is more alike than the other."""

    def look(person: int, smile: float) -> np.ndarray:
        actor = Actor(person=person, size=0.5, smile=((0.0, smile), (9.0, smile)))
        return face_patch(
            draw_scene(DemoScript((actor,), 1.0), (640, 480), 0.5), Face(Box(200, 120, 240, 240))
        )

    neutral = look(0, 0.0)
    assert likeness(neutral, look(0, 1.0)) > 0.5
    assert likeness(neutral, look(0, 1.0)) > likeness(neutral, look(3, 0.0))


@pytest.mark.parametrize("box", [Box(-50, -40, 160, 160), Box(330, 260, 160, 160), Box(0, 0, 4, 4)])
def test_faces_at_the_border_have_a_patch(box: Box) -> None:
    """What lies outside the picture is filled; tiny faces raise nothing."""
    assert np.isfinite(face_patch(room(5), Face(box))).all()


def test_a_moving_mouth_is_seen() -> None:
    """A mouth that opens and closes moves several times as much as one that stays open."""
    moving, still = MouthMotion(), MouthMotion()
    seen: dict[str, list[float]] = {"moving": [], "still": []}
    for number in range(12):
        at = number / 30
        for name, sees, wide in (("moving", moving, 2 + 12 * (number // 3 % 2)), ("still", still, 14)):
            face = Face(BOX, 1, landmarks=POINTS)
            (face,) = sees([face], [face_patch(room(6, mouth=wide), face)], at)
            if face.mouth_motion is not None:
                seen[name].append(face.mouth_motion)
    assert len(seen["moving"]) == 9
    assert max(seen["still"]) < 0.05
    assert np.mean(seen["moving"]) > 4 * max(0.02, np.mean(seen["still"]))


def test_landmarks_that_tremble_are_no_talk() -> None:
    """Landmarks that jump by two pixels of the picture move a still mouth less than speech does."""
    sees, motions = MouthMotion(), []
    for number in range(12):
        jump = 2.0 * (number % 2)
        eye, other_eye, nose, corner, other_corner = ((x + jump, y - jump) for x, y in POINTS)
        face = Face(BOX, 1, landmarks=(eye, other_eye, nose, corner, other_corner))
        smooth = np.asarray(cv2.GaussianBlur(room(6, mouth=8), (0, 0), 6), np.uint8)
        (face,) = sees([face], [face_patch(smooth, face)], number / 30)
        motions.append(face.mouth_motion or 0.0)
    assert max(motions) < 0.3


def test_movement_is_seen_over_a_tenth_of_a_second_at_any_rate() -> None:
    """At 60 frames a second it is the sixth before; at three nothing is said."""
    for rate, known in ((60, True), (10, True), (3, False)):
        sees = MouthMotion()
        last = Face(BOX, 1)
        for number in range(rate):
            (last,) = sees([Face(BOX, 1)], [face_patch(room(7), Face(BOX))], number / rate)
        assert (last.mouth_motion is not None) == known


def test_another_face_has_its_own_history() -> None:
    """The mouth of a face that has just come is not compared with another's."""
    sees = MouthMotion()
    for number in range(6):
        (face,) = sees([Face(BOX, 1)], [face_patch(room(8), Face(BOX))], number / 30)
    (face,) = sees([Face(BOX, 2)], [face_patch(room(9), Face(BOX))], 6 / 30)
    assert face.mouth_motion is None
