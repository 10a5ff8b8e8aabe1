"""Whether anything moves."""

import numpy as np

from smartselfie.deciding.motion import Cuts, Motion
from smartselfie.records import Box


def still(noise: int = 0) -> np.ndarray:
    """A gray room, with a little noise that depends on the argument."""
    random = np.random.default_rng(noise)
    return (128 + random.integers(-4, 5, (480, 640, 3))).astype(np.uint8)


def with_person(x: int) -> np.ndarray:
    """The room with somebody dark at a place."""
    image = still()
    image[150:400, x : x + 120] = 20
    return image


def test_the_first_frame_moves() -> None:
    """Before there is anything to compare with, movement is assumed."""
    assert Motion()(still())


def test_noise_does_not_move() -> None:
    """A still room with the noise of a camera is still."""
    motion = Motion()
    motion(still(1))
    assert not any(motion(still(n)) for n in range(2, 6))


def test_somebody_who_comes_in_moves() -> None:
    """A person who appears is movement, and one who then stands still is not."""
    motion = Motion()
    motion(still())
    assert motion(with_person(100))
    assert not motion(with_person(100))


def test_slow_movement_adds_up() -> None:
    """Somebody who moves two pixels a frame is noticed within 20 frames."""
    motion = Motion()
    motion(with_person(100))
    assert any(motion(with_person(100 + 2 * n)) for n in range(1, 20))


def test_a_known_face_may_move() -> None:
    """Movement where a known face is does not count."""
    motion = Motion()
    motion(still())
    assert not motion(with_person(100), [Box(60, 150, 250, 250)])


def test_a_change_of_size_counts_as_movement() -> None:
    """Pictures of another shape cannot be compared, and movement is assumed."""
    motion = Motion()
    motion(still())
    assert motion(np.zeros((360, 640, 3), np.uint8))


def test_a_cut_is_another_scene() -> None:
    """Between two pictures that have nothing in common there is a cut, within one scene there is none."""
    cuts = Cuts()
    scene = np.random.default_rng(1).integers(0, 256, (12, 16), np.uint8)
    other = np.random.default_rng(2).integers(0, 256, (12, 16), np.uint8)
    shown = [
        np.repeat(np.repeat(each, 40, 0), 40, 1)[:, :, None].repeat(3, 2)
        for each in (scene, scene, other, other)
    ]
    assert [cuts(image) for image in shown] == [False, False, True, False]


def test_somebody_who_comes_in_is_no_cut() -> None:
    """Nor is the noise of a dark room."""
    cuts = Cuts()
    assert not any(cuts(image) for image in (still(), with_person(100), with_person(180)))
    dark = Cuts()
    assert not any(dark((still(n) // 20).astype(np.uint8)) for n in range(5))


def test_a_change_of_size_is_a_cut() -> None:
    """What came before says nothing of it."""
    cuts = Cuts()
    cuts(still())
    assert cuts(np.zeros((360, 600, 3), np.uint8))
