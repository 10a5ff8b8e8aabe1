"""What training does to faces before it shows them."""

from dataclasses import replace

import numpy as np

from smartselfie.training.augment import NONE, Augmentation, augment, resize
from smartselfie.training.settings import FitSettings
from tests.training.faces import make

IMAGES = make(21).images


def test_the_same_seed_gives_the_same_faces() -> None:
    """Resuming depends on it."""
    first, second = (augment(IMAGES, np.random.default_rng(5), Augmentation(), 48) for _ in range(2))
    assert (first == second).all()


def test_faces_come_in_the_size_that_is_asked_for() -> None:
    """Float32, 0..255, one channel."""
    made = augment(IMAGES, np.random.default_rng(0), Augmentation(), 32)
    assert made.shape == (21, 32, 32, 1)
    assert made.dtype == np.float32
    assert made.min() >= 0
    assert made.max() <= 255


def test_none_leaves_all_but_the_mirror() -> None:
    """Each face is itself or its mirror image."""
    made = augment(IMAGES, np.random.default_rng(0), NONE, 48)[..., 0]
    same = (np.abs(made - IMAGES) < 1).all((1, 2))
    mirrored = (np.abs(made - IMAGES[:, :, ::-1]) < 1).all((1, 2))
    assert (same | mirrored).all()
    assert same.any()
    assert mirrored.any()


def test_erasing_changes_a_rectangle_and_nothing_else() -> None:
    """The box around what changed has changed whole, but for noise that hit the same value."""
    made = augment(IMAGES, np.random.default_rng(0), replace(NONE, erase=1.0), 48)[..., 0]
    plain = augment(IMAGES, np.random.default_rng(0), NONE, 48)[..., 0]
    for changed in np.abs(made - plain) > 0:
        rows, columns = changed.any(1).nonzero()[0], changed.any(0).nonzero()[0]
        inside = changed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert min(inside.shape) >= 6
        assert max(inside.shape) < 24
        assert inside.mean() > 0.9


def test_a_degraded_face_has_lost_detail() -> None:
    """Made small or blurred, as a far one is: neighbouring pixels differ less, the mean stays."""
    made = augment(IMAGES, np.random.default_rng(0), replace(NONE, degrade=1.0), 48)[..., 0]
    assert (np.abs(np.diff(made)).mean((1, 2)) < np.abs(np.diff(IMAGES.astype(float))).mean((1, 2))).all()
    assert np.abs(made.mean((1, 2)) - IMAGES.mean((1, 2))).max() < 3


def test_a_calm_end_changes_faces_half_as_much() -> None:
    """And erases nothing."""
    settings = FitSettings(calm=0.8)
    assert settings.augmentation_at(0.79) == Augmentation()
    calm = settings.augmentation_at(0.8)
    assert calm.rotate == Augmentation().rotate / 2
    assert calm.erase == 0


def test_resizing_changes_nothing_at_the_own_size() -> None:
    """48 to 48 is the identity."""
    assert (resize(IMAGES, 48)[..., 0] == IMAGES).all()
