"""`export --format onnx`: the network for onnxruntime and whatever else reads ONNX, checked."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from smartselfie.errors import UsageError
from smartselfie.training import export, onnx_convert, predictors
from smartselfie.training.datasets import Faces

TOLERANCE = 0.001
"""Share of the faces on which the file may decide otherwise than the Keras network."""
MOST_FACES = 1000


def export_onnx(
    source: Path,
    faces: Faces,
    target: Path,
    *,
    read: str | None = None,
    tolerance: float | None = None,
    name: str = "expression",
    version: str = "1",
    command: str = "",
    told: predictors.Told | None = None,
) -> dict[str, Any]:
    """Write `target` (.onnx) and `target`.json; returns what that says.

    Both are checked on up to 1,000 PublicTest faces against the Keras network, and `differs_tflite` says how
    often the .tflite of the same name, if there is one, decides otherwise. ModelError, and nothing written,
    where more than `tolerance` of the decisions differ.
    """
    network = predictors.Keras(source, told)
    public = faces.split("PublicTest")
    public = public.pick(np.arange(len(public))[:MOST_FACES])
    expected = network(public.images)
    read = read or ("ferplus" if "ferplus" in expected else next(iter(expected)))
    if read not in expected:
        raise UsageError(f"{source}: has no output {read!r}; it has {', '.join(expected)}")
    data = onnx_convert.convert(network.network)
    names = list(getattr(network.network, "output_names", ["scores"]))
    about = export.describe(network, name, version, "onnx", command) | {
        "read": read,
        "outputs": {head: names.index(head) if head in names else 0 for head in expected},
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="exporting-") as folder:
        made = Path(folder) / target.name
        made.write_bytes(data)
        said = made.with_name(f"{made.name}.json")
        said.write_text(json.dumps(about))
        logits = predictors.Onnx(made)(public.images)
        about["differs"] = export.check(
            expected, logits, TOLERANCE if tolerance is None else tolerance, "ONNX file"
        )
        lite = target.with_suffix(".tflite")
        if lite.exists() and (lite.with_suffix(".json")).exists():
            other = predictors.LiteRT(lite, replace(told or predictors.Told()))(public.images)
            both = {head: (other[head], logits[head]) for head in logits if head in other}
            about["differs_tflite"] = {
                head: round(float((one.argmax(1) != two.argmax(1)).mean()), 5)
                for head, (one, two) in both.items()
            }
        about["temperature"] = export.temperatures(logits, public, network.about)
        about["sha256"] = {target.name: predictors.sha256(made)}
        said.write_text(json.dumps(about, indent=2) + "\n")
        made.replace(target)
        said.replace(target.with_name(f"{target.name}.json"))
    return about
