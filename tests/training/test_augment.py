"""What training does to faces before it shows them."""

import numpy as np

from smartselfie.training.augment import NONE, Augmentation, augment, resize
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


def test_resizing_changes_nothing_at_the_own_size() -> None:
    """48 to 48 is the identity."""
    assert (resize(IMAGES, 48)[..., 0] == IMAGES).all()
