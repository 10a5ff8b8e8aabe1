"""From the trained face detector to the LiteRT file that ships, checked against it. Needs TensorFlow."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from smartselfie.detectors.network import NetworkDetector, fitted
from smartselfie.errors import ModelError
from smartselfie.training.detection import settings
from smartselfie.training.detection.network import face
from smartselfie.training.detection.pictures import Picture, held_back
from smartselfie.training.detection.searching import FALSE_PER_PICTURE, LEAST, held_against, search
from smartselfie.training.quiet import without_notes

SHIPPED_FALSE = 0.02
"""False boxes a picture, on those held back, at which the threshold that ships is set."""
TOLERANCE = 0.02
"""How much less of the faces held back an int8 file may find than the network it is made from."""
CALIBRATION_PICTURES = 200


def convert(network: Any, pictures: Sequence[Picture], options: dict[str, Any]) -> bytes:
    """Return the int8 LiteRT file, calibrated on training pictures.

    uint8 BGR pictures of any size go in, float32 maps come out.
    """
    import tensorflow as tf

    plain = face(**options)
    plain.set_weights(network.get_weights())

    def some() -> Iterator[list[Any]]:
        rows = np.random.default_rng(0).permutation(len(pictures))[:CALIBRATION_PICTURES]
        for row in rows:
            yield [fitted(pictures[row].pixels(), 256)[0][None].astype(np.float32)]

    with without_notes():
        converter = tf.lite.TFLiteConverter.from_keras_model(plain)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = some
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.uint8
        return bytes(converter.convert())


def export(
    source: Path, pictures: Sequence[Picture], target: Path, *, version: str, command: str
) -> dict[str, Any]:
    """Write `target` and the .json beside it; returns what the .json says.

    The threshold is set on the training pictures held back. ModelError when the file finds fewer of their
    faces than the network, by more than `TOLERANCE`.
    """
    network = keras.saving.load_model(source, compile=False)
    chosen = settings.read(source.parent / "settings.json")
    training = [each for each in pictures if each.split == "train"]
    data = convert(network, [each for each in training if not held_back(each)], chosen.options)
    checked = [each for each in training if held_back(each)]
    about: dict[str, Any] = {
        "task": "detection",
        "name": target.stem,
        "version": version,
        "outputs": {},
        "threshold": 0.5,
        "command": command,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="exporting-") as folder:
        made = Path(folder) / target.name
        made.write_bytes(data)
        about["outputs"] = _outputs(data)
        made.with_suffix(".json").write_text(json.dumps(about))
        detector = NetworkDetector(made, min_score=LEAST)
        ours = held_against(lambda image: detector.search(image, LEAST), checked)
        theirs = held_against(lambda image: search(network, image), checked)
        lost = theirs.recall_at(FALSE_PER_PICTURE) - ours.recall_at(FALSE_PER_PICTURE)
        if lost > TOLERANCE:
            raise ModelError(
                f"refused: the int8 file finds {lost:.1%} fewer of the faces held back; at most "
                f"{TOLERANCE:.0%} may be lost"
            )
        about["differs"] = round(lost, 4)
        about["threshold"] = round(min(max(ours.threshold_for(SHIPPED_FALSE), LEAST), 0.99), 3)
        made.with_suffix(".json").write_text(json.dumps(about, indent=2) + "\n")
        made.replace(target)
        made.with_suffix(".json").replace(target.with_suffix(".json"))
    return about


def _outputs(data: bytes) -> dict[str, int]:
    """Which output is which: the converter keeps neither order nor names, but depths and biases tell."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data)
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], (1, 256, 256, 3))
    interpreter.allocate_tensors()
    details = interpreter.get_output_details()
    interpreter.invoke()
    depths = {int(each["shape"][-1]): number for number, each in enumerate(details)}
    single = [number for number, each in enumerate(details) if int(each["shape"][-1]) == 1]
    # on an empty picture there is no face: the lower of the two single maps is the score
    means = [float(interpreter.get_tensor(details[number]["index"]).mean()) for number in single]
    score, covered = (single[int(np.argmin(means))], single[int(np.argmax(means))])
    return {"score": score, "box": depths[4], "landmarks": depths[10], "covered": covered}
