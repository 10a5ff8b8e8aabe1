"""A wider network that computes what a narrower one does, to train on from (Net2Net: Chen et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smartselfie.training.datasets import Floats


def widen(weights: Sequence[Floats], shapes: Sequence[tuple[int, ...]], seed: int = 0) -> list[Floats]:
    """Return the weights of a network whose layers have these shapes and which computes the same.

    Channels are repeated, and what reads a repeated one takes a random share from each, so that they part
    when they learn. A width becomes the same one everywhere. For plain convolutions and what follows them
    channel by channel, as in `smile`: depthwise ones, and a dense layer behind a Flatten, would need
    another rule. ValueError when the shapes are not those of the same layers, as wide or wider.
    """
    rng = np.random.default_rng(seed)
    sources: dict[tuple[int, int], np.ndarray] = {}

    def source(old: int, new: int) -> np.ndarray:
        """Which channel each new one repeats."""
        if new < old:
            raise ValueError(f"{new} channels cannot hold {old}")
        if (old, new) not in sources:
            repeated = rng.choice(old, new - old, replace=new > 2 * old)
            sources[old, new] = np.concatenate([np.arange(old), repeated])
        return sources[old, new]

    made = []
    for weight, shape in zip(weights, shapes, strict=True):
        if weight.ndim != len(shape) or weight.shape[:-2] != shape[:-2]:
            raise ValueError(f"no layer of shape {shape} from one of {weight.shape}")
        wide = weight[..., source(weight.shape[-1], shape[-1])]
        if weight.ndim > 1:
            reads = source(weight.shape[-2], shape[-2])
            share = rng.uniform(0.5, 1.5, shape[-2:])
            whole = np.zeros((weight.shape[-2], shape[-1]))
            np.add.at(whole, reads, share)
            wide = wide[..., reads, :] * (share / whole[reads])
        made.append(np.asarray(wide, np.float32))
    return made
