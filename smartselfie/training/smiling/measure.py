"""How well a network tells smiles from what looks like them.

`python -m smartselfie.training.smiling.measure MODEL --hard hard_faces.zip` prints and records it.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from smartselfie.records import CLASSES
from smartselfie.training import measures, predictors
from smartselfie.training.datasets import COVERED, SMILING, Floats
from smartselfie.training.distil import softmax
from smartselfie.training.smiling.crops import Crop, origins, read_hard_faces
from smartselfie.training.smiling.mine import mine
from smartselfie.training.smiling.vary import upright

RECALLS = (0.9, 0.95, 0.98)
THRESHOLDS = (0.5, 0.7, 0.9)
THRESHOLD = 0.7
"""Over which a kind's faces are counted."""


def smile_scores(
    network: predictors.Predictor, images: npt.NDArray[np.uint8]
) -> tuple[Floats, Floats | None]:
    """Return (N,) P(smiling) of (N, 48, 48) faces, and P(covered); P(happy) and None without that output."""
    made = network(images)
    if "smiling" in made:
        temperature = np.float32(network.about.temperature.get("smiling", 1.0))
        found = softmax(made["smiling"] / temperature)
        return found[:, SMILING], found[:, COVERED]
    head = network.about.read if network.about.read in made else next(iter(made))
    found = predictors.probabilities(made[str(head)], network.about, str(head))
    return found[:, CLASSES.index("happy")], None


def false_rate(score: Floats, smiles: npt.NDArray[np.bool_], recall: float) -> float:
    """Return the share of faces without a smile over the threshold that this share of the smiles reaches."""
    lowest = np.sort(score[smiles])[int((1 - recall) * smiles.sum() + 1e-6)]
    return round(float((score[~smiles] >= lowest).mean()), 5)


def calibration_error(score: Floats, smiles: npt.NDArray[np.bool_], bins: int = 15) -> float:
    """Return the expected calibration error of a probability: its mean distance from the share of smiles."""
    place = np.minimum((score * bins).astype(int), bins - 1)
    error = sum(abs(score[place == bin].sum() - smiles[place == bin].sum()) for bin in range(bins))
    return round(float(error) / max(1, len(score)), 5)


def measure(network: predictors.Predictor, crops: Sequence[Crop]) -> dict[str, Any]:
    """Return the figures on faces that people agree on, upright; `by_kind` are shares over `THRESHOLD`."""
    known = [crop for crop in crops if crop.known]
    score, covered = smile_scores(network, np.stack([upright(crop) for crop in known]))
    smiles = np.array([crop.target[SMILING] > 0.5 for crop in known])
    figures: dict[str, Any] = {
        "smiling": int(smiles.sum()),
        "not_smiling": int((~smiles).sum()),
        "persons": len({crop.person for crop in known}),
        "calibration_error": calibration_error(score, smiles),
    }
    if smiles.any() and not smiles.all():
        figures["ap"] = measures.happy(score, smiles)["ap"]
        figures |= {
            f"false_rate_at_recall_{recall:g}": false_rate(score, smiles, recall) for recall in RECALLS
        }
    figures["at"] = {
        f"{threshold:g}": {
            "recall": _share(score[smiles] >= threshold),
            "false_rate": _share(score[~smiles] >= threshold),
        }
        for threshold in THRESHOLDS
    }
    kinds = np.array([crop.kind for crop in known])
    figures["by_kind"] = {
        f"{'smiling' if here else 'not smiling'}: {kind}": {
            "faces": int(chosen.sum()),
            "over_threshold": _share(score[chosen] >= THRESHOLD),
        }
        for here in (True, False)
        for kind in sorted(set(kinds))
        if (chosen := (kinds == kind) & (smiles == here)).any()
    }
    if covered is not None:
        masks = np.array([crop.target[COVERED] > 0.5 for crop in known])
        figures["covered"] = {
            "found": _share(covered[masks] >= 0.5) if masks.any() else None,
            "false": _share(covered[~masks] >= 0.5),
        }
    return figures


def report(
    model: Annotated[Path, typer.Argument(help="A .tflite or .keras file.")],
    hard: Annotated[Path, typer.Option(help="hard_faces.zip")],
    footage: Annotated[Path | None, typer.Option(help="A folder of clips with smiles.json.")] = None,
    detector: Annotated[Path | None, typer.Option(help="YuNet's file, for the clips.")] = None,
    peer: Annotated[Path | None, typer.Option(help="A network to compare with.")] = None,
    record: Annotated[bool, typer.Option("--record", help="Store the figures beside the model.")] = False,
) -> None:
    """Print the figures on hard faces' validation split and on clips of its origins; none was learned."""
    sets: dict[str, Sequence[Crop]] = {"hard_faces val": read_hard_faces(hard, "val")}
    if footage is not None and detector is not None:
        sets["footage faces"] = mine(footage, detector, only=origins(hard, "val"))
    found: dict[str, Mapping[str, Any]] = {}
    for name, crops in sets.items():
        found[name] = {"model": measure(predictors.load(model), crops)}
        if peer is not None:
            found[name] = {**found[name], "peer": measure(predictors.load(peer), crops)}
    print(json.dumps(found, indent=2))
    if record:
        about = model.with_suffix(".json")
        told = json.loads(about.read_text())
        told["smiling"] = {
            "sha256": predictors.sha256(model),
            "data": found,
            "measured_by": "python -m smartselfie.training.smiling.measure " + shlex.join(sys.argv[1:]),
        }
        about.write_text(json.dumps(told, indent=2) + "\n")


def _share(over: npt.NDArray[np.bool_]) -> float | None:
    return round(float(over.mean()), 5) if len(over) else None


if __name__ == "__main__":
    typer.run(report)
