"""Adds the output `smiling` to a trained network, which stays as it is otherwise.

`python -m smartselfie.training.smiling.head NETWORK data/smiles.npz` does. Hard faces are of few people: what
a whole network learned of them did not hold for others, a linear layer on its features did (docs/model.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from smartselfie.errors import DataError
from smartselfie.training import datasets
from smartselfie.training.augment import resize
from smartselfie.training.datasets import COVERED, Faces, Floats

PENALTY = 3e-4
"""L2 of the layer's weights, on features of unit variance."""
HARD = 0.3
"""What a hard or mined face weighs; one of FER+, and a covered mouth, weigh 1."""
MOST = 8000
"""Faces of FER+ that are enough for a layer of 600 numbers; they weigh as much as all."""


def fit_layer(
    features: Floats, targets: Floats, penalty: float = PENALTY
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return (F, C) weights and (C,) biases of the softmax that fits (N, C) weighted targets best.

    Logistic regression: it has one minimum, so the same features give the same again.
    """
    from sklearn.linear_model import LogisticRegression

    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-3
    rows, classes = np.nonzero(targets > 0)
    weights = targets[rows, classes].astype(np.float64)
    model = LogisticRegression(C=1 / (2 * penalty * weights.sum()), max_iter=300)
    model.fit((features[rows] - mean) / spread, classes, sample_weight=weights)
    kernel = model.coef_.T / spread[:, None]
    return kernel, model.intercept_ - mean @ kernel


def add(network: Any, faces: Faces, beside: Sequence[Faces], hard: float = HARD, most: int = MOST) -> Any:
    """Return `network`, a `smile`, with the output `smiling` fitted to its features of these faces.

    Of `faces`, of which `most` are drawn, the votes tell, of those `beside` what they bring along.
    DataError when the network has the output already, or no face shows one of its classes.
    """
    from smartselfie.training import networks

    heads = sorted(network.output_names)
    if "smiling" in heads:
        raise DataError("the network has the output smiling already")
    drawn = np.random.default_rng(0).choice(len(faces), min(most, len(faces)), replace=False)
    images = np.concatenate([faces.images[drawn], *(each.images for each in beside)])
    targets: list[Floats] = [
        datasets.smiling_targets(faces.pick(drawn)) * np.float32(len(faces) / len(drawn))
    ]
    for each in beside:
        more = datasets.smiling_targets(each)
        weight = np.where(more.argmax(1) == COVERED, 1.0, hard).astype(np.float32)
        targets.append(np.asarray(more * weight[:, None], np.float32))
    told = np.concatenate(targets)
    if not told.any(axis=0).all():
        raise DataError("smiling needs faces that smile, that do not, and with covered mouths: add hard ones")
    kernel, bias = fit_layer(features(network, images), told)
    widths, blocks = shape(network)
    made = networks.build("smile", (*heads, "smiling"), network.input_shape[1], widths=widths, blocks=blocks)
    known = {layer.name for layer in network.layers} & set(heads)
    for place, weight in zip(networks.weights(made, known), networks.weights(network, known), strict=True):
        place.assign(weight)
    made.get_layer("smiling").set_weights([kernel.astype(np.float32), bias.astype(np.float32)])
    return made


def features(network: Any, images: npt.NDArray[np.uint8]) -> Floats:
    """Return the (N, F) float32 features that the network's outputs are read from."""
    import keras

    before = network.get_layer(sorted(network.output_names)[0]).input
    inner = keras.Model(network.input, before)
    made = [
        inner.predict_on_batch(resize(images[start : start + 256], network.input_shape[1]))
        for start in range(0, len(images), 256)
    ]
    return np.concatenate(made)


def shape(network: Any) -> tuple[list[int], list[int]]:
    """Return widths and numbers of blocks of a `smile` network's stages, read from its gates."""
    import keras

    gated = [layer.output.shape[-1] for layer in network.layers if isinstance(layer, keras.layers.Multiply)]
    widths = list(dict.fromkeys(gated))
    return widths, [gated.count(width) for width in widths]


def write(
    network: Annotated[Path, typer.Argument(help="A network.keras, or the .keras that ships.")],
    beside: Annotated[list[Path], typer.Argument(help="What `smiling.prepare` wrote.")],
    data: Annotated[Path, typer.Option(help="What `prepare` wrote.")] = Path("data/faces.npz"),
    out: Annotated[Path, typer.Option(help="The network with the output.")] = Path(
        "runs/smiling/network.keras"
    ),
    hard: Annotated[float, typer.Option(help="What a hard face weighs beside one of FER+.")] = HARD,
) -> None:
    """Fit the output to the training faces and write the network."""
    from smartselfie.training import backend

    backend.choose()
    from smartselfie.training import predictors

    faces = datasets.load(data).split("Training")
    hard_ones = [datasets.load(path).split("Training") for path in beside]
    made = add(predictors.Keras(network).network, faces, hard_ones, hard)
    out.parent.mkdir(parents=True, exist_ok=True)
    made.save(out)
    said = f"python -m smartselfie.training.smiling.head {network} {' '.join(map(str, beside))} --out {out}"
    (out.parent / "command.txt").write_text(said + "\n")
    print(f"-> {out}")


if __name__ == "__main__":
    typer.run(write)
