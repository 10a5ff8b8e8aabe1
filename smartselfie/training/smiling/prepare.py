"""Writes the faces that teach `smiling` what FER+ does not show.

`python -m smartselfie.training.smiling.prepare hard_faces.zip --footage DIR --detector YUNET` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from smartselfie.records import Box
from smartselfie.training import datasets
from smartselfie.training.datasets import COVERED, SMILING, SPLITS, Faces, Floats
from smartselfie.training.smiling.crops import SIDE, Crop, one_hot, origins, read_hard_faces
from smartselfie.training.smiling.mine import mine
from smartselfie.training.smiling.vary import draw_mask, upright, vary

PLACES = np.array([[0.32, 0.4], [0.68, 0.4], [0.5, 0.6], [0.37, 0.75], [0.63, 0.75]], np.float32)
"""Where FER2013's faces have eyes, nose and mouth, as shares of the side."""

GRID = frozenset({"Chevinjeon/ReadingLips"})
"""Origins with people of the GRID corpus, whom clips that only measure show too."""


def several(
    crops: Sequence[Crop], times: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], Floats]:
    """Return `times` variants of each crop, (N, 48, 48) uint8, and their (N, 3) weighted targets."""
    images = [vary(crop, rng) for crop in crops for _ in range(times)]
    targets = [np.array(crop.target) * crop.weight for crop in crops for _ in range(times)]
    return np.array(images, np.uint8).reshape(-1, 48, 48), np.array(targets, np.float32).reshape(-1, 3)


def masked(crop: Crop, rng: np.random.Generator) -> Crop:
    """Return the crop with a mask drawn on its face."""
    image = draw_mask(crop.image, crop.landmarks, rng)
    return Crop(image, crop.box, crop.landmarks, one_hot(COVERED), kind="mask", person=crop.person)


def from_web(faces: Faces, count: int, rng: np.random.Generator) -> list[Crop]:
    """Return some of FER2013's faces as crops, to draw masks on; their places are those of the mean face."""
    import cv2

    chosen = faces.pick(rng.choice(len(faces), min(count, len(faces)), replace=False))
    whole = Box(SIDE // 10, SIDE // 10, SIDE * 8 // 10, SIDE * 8 // 10)
    made = []
    for image in chosen.images:
        large = cv2.cvtColor(
            cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), cv2.COLOR_GRAY2BGR
        )
        made.append(Crop(np.asarray(large, np.uint8), whole, PLACES * SIDE, one_hot(SMILING)))
    return made


def gather(
    hard: Sequence[Crop], mined: Sequence[Crop], web: Sequence[Crop], seed: int, times: int
) -> tuple[npt.NDArray[np.uint8], Floats]:
    """Return training faces: variants of hard and mined ones, and masks drawn on some and on others."""
    rng = np.random.default_rng(seed)
    bare = [crop for crop in (*hard, *mined) if crop.kind != "mask"]
    drawn = [masked(bare[index], rng) for index in rng.choice(len(bare), min(800, len(bare)), replace=False)]
    drawn += [masked(crop, rng) for crop in web]
    parts = [several(hard, times, rng), several(mined, 2, rng), several(drawn, 1, rng)]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def write(
    hard: Annotated[Path, typer.Argument(help="hard_faces.zip")],
    faces: Annotated[Path, typer.Option(help="Prepared FER2013, to draw masks on.")] = Path("data/faces.npz"),
    footage: Annotated[Path | None, typer.Option(help="A folder of clips with smiles.json.")] = None,
    detector: Annotated[Path | None, typer.Option(help="YuNet's file, for the clips.")] = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("data/smiles.npz"),
    times: Annotated[int, typer.Option(min=1, help="Variants of each hard face.")] = 6,
    seed: Annotated[int, typer.Option(min=0)] = 1,
) -> None:
    """Write hard and mined faces, varied for training (Training), and upright for choosing (PublicTest).

    Clips of an origin that hard faces' validation split has too are left out.
    """
    unseen = origins(hard, "val")
    mined = [] if footage is None or detector is None else mine(footage, detector, leave_out=unseen | GRID)
    web = from_web(datasets.load(faces).split("Training"), 1200, np.random.default_rng(seed))
    images, targets = gather(read_hard_faces(hard, "train"), mined, web, seed, times)
    chosen = read_hard_faces(hard, "val", ambiguous=0.0)
    images = np.concatenate([images, np.stack([upright(crop) for crop in chosen])])
    smiles = np.concatenate([targets, np.array([np.array(crop.target) * crop.weight for crop in chosen])])
    splits = np.full(len(images), SPLITS.index("Training"), np.int8)
    splits[-len(chosen) :] = SPLITS.index("PublicTest")
    none = np.full(len(images), -1, np.int8)
    votes = np.zeros((len(images), len(datasets.VOTES)), np.int16)
    datasets.save(Faces(images, none, votes, splits, smiles.astype(np.float32)), out)
    print(f"{len(mined)} mined, {len(images) - len(chosen)} to learn, {len(chosen)} to choose by -> {out}")


if __name__ == "__main__":
    typer.run(write)
