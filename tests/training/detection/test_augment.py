"""Training pictures: composed, covered and lit at random, the same for the same generator."""

import numpy as np

from smartselfie.training.detection import augment, cover, light
from smartselfie.training.detection.augment import Sample
from tests.training.detection.drawn import face, pictures


def composed(seed: int) -> Sample:
    """One training picture of 96 pixels."""
    drawn = [(each.pixels(), each.faces, each.ignore) for each in pictures(6, held=0)]
    rows = [n for n, each in enumerate(drawn) if len(each[1])]
    others = [n for n, each in enumerate(drawn) if not len(each[1])]
    rng = np.random.default_rng(seed)
    return augment.compose(*augment.drawing(drawn, rows, others, rng), rng, 96)


def test_the_same_seed_gives_the_same_picture() -> None:
    """And another seed another."""
    first, again, other = composed(1), composed(1), composed(2)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_pictures_have_the_size_asked_for_and_their_faces_lie_in_them() -> None:
    """At least half of each; the middle of every box is inside."""
    made = [composed(seed) for seed in range(30)]
    assert {image.shape for image, _, _ in made} == {(96, 96, 3)}
    faces = np.concatenate([each for _, each, _ in made])
    assert len(faces) > 20
    middle = faces[:, :2] + faces[:, 2:4] / 2
    assert (np.abs(middle - 48) < 48 + faces[:, 2:4] / 2).all()


def test_covered_mouths_are_labelled_so_and_only_those() -> None:
    """Masks, hands and all before the lower half; glasses and hats leave it open."""
    marked = {True: 0, False: 0}
    for seed in range(60):
        image = np.full((128, 128, 3), 120, np.uint8)
        rng = np.random.default_rng(seed)
        (made,) = cover.some_faces(image, face(64, 60, 90)[None], rng, lambda: composed(3))
        x, y = np.round((face(64, 60, 90)[10:12] + face(64, 60, 90)[12:14]) / 2).astype(int)
        over_mouth = bool((image[y, x] != 120).any())
        if made[14] == 1:
            assert (image != 120).any()
        marked[made[14] == 1] += 1
        if made[14] == 0 and over_mouth:  # a patch may lie there too: nobody called it a cover
            continue
    assert marked[True] > 5
    assert marked[False] > 20


def test_light_changes_pixels_alone() -> None:
    """The shape stays, and the same generator gives the same."""
    image = composed(5)[0]
    one, two = (light.change(image, np.random.default_rng(7)) for _ in range(2))
    assert one.shape == image.shape
    assert one.dtype == np.uint8
    assert np.array_equal(one, two)
    assert not np.array_equal(one, image)
