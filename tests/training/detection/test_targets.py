"""What the network learns is what its maps are read as."""

import numpy as np
import pytest

from smartselfie.detectors.maps import read_maps
from smartselfie.training.detection.targets import target_maps
from tests.training.detection.drawn import face

NONE = np.empty((0, 4), np.float32)


def test_targets_read_as_maps_give_the_faces_back() -> None:
    """Box, landmarks and cover, to a tenth of a pixel."""
    faces = np.stack([face(40, 44, 60, covered=1), face(100, 90, 40)])
    maps = target_maps(faces, NONE, 128, 160)
    heat = np.clip(maps["score"][..., :1], 1e-3, 1 - 1e-3)
    told = {
        "score": np.log(heat / (1 - heat)),
        "box": maps["box"][..., :4],
        "landmarks": maps["landmarks"][..., :10],
        "covered": 20 * maps["covered"][..., :1] - 10,
    }
    found = read_maps(told, 0.9)
    found = found[np.argsort(found[:, 0])]
    assert found[:, :4] == pytest.approx(faces[:, :4], abs=0.1)
    assert found[:, 5:15] == pytest.approx(faces[:, 4:14], abs=0.1)
    assert found[:, 15].round() == pytest.approx([1, 0])


def test_boxes_to_ignore_weigh_nothing() -> None:
    """But a face upon one counts."""
    maps = target_maps(NONE.reshape(0, 4), np.array([[32, 32, 32, 32]], np.float32), 128, 128)
    assert maps["score"][4:8, 4:8, 1].max() == 0
    assert maps["score"][..., 1].sum() == 256 - 16
    with_face = target_maps(face(48, 48, 30)[None], np.array([[32, 32, 32, 32]], np.float32), 128, 128)
    assert with_face["score"][6, 6, 1] > 0


def test_what_nobody_labelled_is_not_learnt() -> None:
    """Landmarks and cover that are NaN have no weight; the box has."""
    unknown = face(64, 64, 60)
    unknown[4:] = np.nan
    maps = target_maps(unknown[None], NONE, 128, 128)
    assert maps["landmarks"][..., -1].max() == 0
    assert maps["covered"][..., -1].max() == 0
    assert maps["box"][..., -1].max() == 1
    assert all(np.isfinite(each).all() for each in maps.values())
