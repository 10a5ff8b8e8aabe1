"""Starting from a network that was trained before: the same one, a wider one, or one with other outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from smartselfie.classifiers import keras_files
from smartselfie.errors import DataError
from smartselfie.training.datasets import Floats
from smartselfie.training.settings import FitSettings
from smartselfie.training.widen import widen


def fitting(settings: FitSettings) -> FitSettings:
    """Return settings whose `smile` has the widths of what it starts from, where none are chosen."""
    if settings.start is None or settings.network != "smile" or "widths" in settings.options:
        return settings
    network = keras_files.load(Path(settings.start))
    if network.name != "smile":
        return settings
    found = _stages(network)
    options = {"widths": [width for width, _ in found], "blocks": [count for _, count in found]}
    return replace(settings, options={**options, **settings.options})


def start_from(network: Any, path: Path, seed: int) -> None:
    """Give a network the weights of the one in a file; DataError when its layers are others.

    Outputs take the weights of the output of their name, else those of `ferplus` or another with as many
    classes, else they start anew. `smile` may be wider than the file's.
    """
    source = keras_files.load(path)
    trunk, heads = _parts(network)
    old_trunk, old_heads = _parts(source)
    taken: dict[str, Any] = {}
    for name, layer in heads.items():
        others = sorted(old_heads, key=lambda old: old != "ferplus")
        alike = [old_heads[old] for old in others if _classes(old_heads[old]) == _classes(layer)]
        best = old_heads.get(name)
        if best is None or _classes(best) != _classes(layer):
            best = alike[0] if alike else None
        if best is not None:
            taken[name] = best
    into = [*trunk, *(heads[name] for name in taken)]
    weights = _weights([*old_trunk, *taken.values()])
    shapes = [each.shape for each in _weights(into)]
    try:
        if network.name == "smile":
            weights = widen(weights, shapes, seed)
        if [each.shape for each in weights] != shapes:
            raise ValueError("its layers have other shapes")
    except ValueError as error:
        raise DataError(
            f"{path}: a network of another shape than {network.name} here, or a wider one ({error})"
        ) from error
    for layer in into:
        count = len(layer.get_weights())
        layer.set_weights(weights[:count])
        weights = weights[count:]


def _parts(network: Any) -> tuple[list[Any], dict[str, Any]]:
    """Return the layers with weights: those of the trunk in their order, and those of the outputs by name."""
    names = getattr(network, "output_names", ())
    heads = {f"{name}_map": name for name in names} | {name: name for name in names}
    layers = [layer for layer in network.layers if layer.weights]
    found = {heads[layer.name]: layer for layer in layers if layer.name in heads}
    return [layer for layer in layers if layer.name not in heads], found


def _weights(layers: Sequence[Any]) -> list[Floats]:
    return [weight for layer in layers for weight in layer.get_weights()]


def _classes(layer: Any) -> int:
    return int(layer.get_weights()[0].shape[-1])


def _stages(network: Any) -> list[tuple[int, int]]:
    """Return channels and number of blocks by stage: each block of `smile` ends in an addition."""
    found: list[tuple[int, int, int]] = []
    for layer in network.layers:
        if type(layer).__name__ == "Add":
            _, side, _, width = layer.output.shape
            if found and (found[-1][0], found[-1][1]) == (side, width):
                found[-1] = (side, width, found[-1][2] + 1)
            else:
                found.append((side, width, 1))
    return [(width, count) for _, width, count in found]
