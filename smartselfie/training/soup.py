"""One network from several: their weights averaged (model soup: Wortsman et al. 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from smartselfie.errors import DataError
from smartselfie.training import predictors
from smartselfie.training.datasets import Faces
from smartselfie.training.fit import settle


def cook(paths: Sequence[Path], training: Faces, target: Path) -> Path:
    """Write the network of the first file with the mean weights of all, its batch statistics settled.

    Good where each run went on from another's weights, or all from the same ones. DataError when the
    networks differ in shape.
    """
    networks = [predictors.Keras(path).network for path in paths]
    weights = [network.get_weights() for network in networks]
    shapes = [[each.shape for each in one] for one in weights]
    for path, found in zip(paths, shapes, strict=True):
        if found != shapes[0]:
            raise DataError(f"{path}: a network of another shape than {paths[0]}; only equal ones average")
    networks[0].set_weights([sum(each) / len(each) for each in zip(*weights, strict=True)])
    settle(networks[0], training.images, networks[0].input_shape[1])
    networks[0].save(target)
    return target
