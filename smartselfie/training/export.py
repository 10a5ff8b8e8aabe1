"""From a Keras network to the LiteRT file that ships, checked against it. Only this needs TensorFlow."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from smartselfie.classifiers.description import Description
from smartselfie.errors import ModelError, UsageError
from smartselfie.training import datasets, measures, predictors
from smartselfie.training.datasets import Faces, Floats, Ints
from smartselfie.training.quiet import without_notes

KINDS = ("float32", "float16", "dynamic", "int8")
TOLERANCE = {"float32": 0.001, "float16": 0.005, "dynamic": 0.01, "int8": 0.03}
"""Share of the PublicTest faces on which the file may decide otherwise than the Keras network."""
CALIBRATION_FACES = 400


def convert(
    network: Any, kind: str, faces: Faces, values: Callable[[npt.NDArray[np.uint8]], Floats]
) -> bytes:
    """Return the LiteRT file of a Keras network ; UsageError for an unknown kind.

    `values` turns (N, S, S) faces into what the network wants to see.
    int8 computes in integers from the first layer to the last, calibrated on training faces; its input and
    outputs stay float32, so that all kinds are fed alike. dynamic stores weights in 8 bits and scales the
    activations of each face by themselves.
    """
    if kind not in KINDS:
        raise UsageError(f"unknown kind {kind!r}; there are {', '.join(KINDS)}")
    import tensorflow as tf

    with without_notes():
        converter = tf.lite.TFLiteConverter.from_keras_model(
            pool_by_convolving(network) if kind == "int8" else network
        )
        if kind == "dynamic":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if kind == "float16":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        if kind == "int8":
            training = faces.split("Training")
            rows = np.random.default_rng(0).permutation(len(training))[:CALIBRATION_FACES]
            inputs = values(training.images[rows])

            def some() -> Iterator[list[Floats]]:
                for face in inputs:
                    yield [face[None]]

            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = some
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        return bytes(converter.convert())


def pool_by_convolving(network: Any) -> Any:
    """Return the same function, average pooling written as a depthwise convolution with equal weights.

    LiteRT's XNNPACK has no pooling of int8 averages, so each would cut the network in two around itself.
    Pooling that pads stays: it leaves the padding out of its averages.
    """
    from keras import initializers, layers, models

    def swap(layer: Any) -> Any:
        if not pools(layer):
            return type(layer).from_config(layer.get_config())
        return layers.DepthwiseConv2D(
            layer.pool_size,
            strides=layer.strides,
            use_bias=False,
            depthwise_initializer=initializers.Constant(1 / (layer.pool_size[0] * layer.pool_size[1])),
            name=layer.name,
        )

    def pools(layer: Any) -> bool:
        return isinstance(layer, layers.AveragePooling2D) and not any(
            side % pool for side, pool in zip(layer.input.shape[1:3], layer.pool_size, strict=True)
        )

    if not any(pools(layer) for layer in network.layers):
        return network
    made = models.clone_model(network, clone_function=swap)
    for layer in network.layers:
        if layer.weights:
            made.get_layer(layer.name).set_weights(layer.get_weights())
    return made


def export(
    source: Path,
    faces: Faces,
    target: Path,
    *,
    kind: str = "float32",
    read: str | None = None,
    tolerance: float | None = None,
    name: str = "expression",
    version: str = "1",
    command: str = "",
    told: predictors.Told | None = None,
) -> dict[str, Any]:
    """Write `target` (.tflite), beside it .json and the .keras it came from; returns what the JSON says.

    `told` says what is to be known of a network of others; the JSON passes it on.

    The .keras holds the source's weights `rounded`, and the .tflite is made from those; a source that is
    that .keras stays as it is.

    ModelError, and nothing written, when the file's decisions differ from the Keras network's on more than
    `tolerance` of the PublicTest faces (default: `TOLERANCE` of its kind). The temperatures are fitted on
    PublicTest, on the file's own logits.
    """
    keras_network = predictors.Keras(source, told)
    network = keras_network.network
    kept = target.with_suffix(".keras")
    anew = kept.resolve() != source.resolve()
    heads = sorted(keras_network(faces.images[:1]))
    read = read or ("ferplus" if "ferplus" in heads else heads[0])
    if read not in heads:
        raise UsageError(f"{source}: has no output {read!r}; it has {', '.join(heads)}")
    public = faces.split("PublicTest")
    expected = keras_network(public.images)
    if anew:
        network.set_weights([rounded(weight) for weight in network.get_weights()])
    data = convert(network, kind, faces, keras_network.values)
    about = describe(keras_network, name, version, kind, command) | {"read": read}
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="exporting-") as folder:
        made = Path(folder) / target.name
        made.write_bytes(data)
        about["outputs"] = _which_output(made, about, {head: expected[head][:8] for head in heads}, public)
        made.with_suffix(".json").write_text(json.dumps(about))
        logits = predictors.LiteRT(made)(public.images)
        about["differs"] = check(
            expected, logits, TOLERANCE[kind] if tolerance is None else tolerance, f"{kind} file"
        )
        about["temperature"] = temperatures(logits, public, keras_network.about)
        stored = source
        if anew:
            stored = made.with_suffix(".keras")
            save_packed(network, stored)
        about["sha256"] = {target.name: predictors.sha256(made), kept.name: predictors.sha256(stored)}
        made.with_suffix(".json").write_text(json.dumps(about, indent=2) + "\n")
        stored.replace(kept)
        made.replace(target)
        made.with_suffix(".json").replace(target.with_suffix(".json"))
    return about


def describe(
    network: predictors.Predictor, name: str, version: str, kind: str, command: str
) -> dict[str, Any]:
    """Return what the JSON beside an exported network says, but for its outputs and temperatures."""
    return {
        "name": name,
        "version": version,
        "classes": list(network.about.classes),
        "input": {
            "size": [network.size, network.size],
            "channels": network.channels,
            "scale": network.about.input.scale,
            "offset": network.about.input.offset,
        },
        "outputs": {},
        "read": None,
        "activation": network.about.activation,
        "temperature": {},
        "kind": kind,
        "command": command,
    }


def temperatures(made: dict[str, Floats], public: Faces, about: Description) -> dict[str, float]:
    """Return by head what its logits are to be divided by, fitted on PublicTest."""
    found = {}
    for head, logits in made.items():
        if about.activation == "softmax":
            logits = np.log(np.maximum(logits, 1e-12))
        truth: Ints | Floats = in_order(datasets.truth(public, head), public.classes, about.classes)
        if head == "smiling":
            truth = datasets.smiling_targets(public)
        found[head] = round(measures.fit_temperature(logits, truth), 4)
    return found


def in_order(truth: Ints, classes: Sequence[str], order: Sequence[str]) -> Ints:
    """Return (N,) indices into `classes` as indices into `order`; -1 where a class is in only one of them."""
    places = [order.index(name) if name in order else -1 for name in classes]
    return np.asarray([*places, -1], np.int8)[truth]


def rounded(weights: Floats) -> Floats:
    """Round float32 to the eleven significant bits that half precision has, exponents as they are."""
    bits = np.ascontiguousarray(weights, np.float32).view(np.uint32)
    return ((bits + np.uint32(1 << 12)) & np.uint32(0xFFFFE000)).view(np.float32)


def save_packed(network: Any, path: Path) -> None:
    """Save a .keras file with its weights compressed, two thirds as large where they are `rounded`."""
    import h5py

    network.save(path)
    with zipfile.ZipFile(path) as file:
        members = {member: file.read(member) for member in file.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for member, data in members.items():
            if member.filename.endswith(".h5"):
                packed = io.BytesIO()
                with h5py.File(io.BytesIO(data)) as old, h5py.File(packed, "w") as new:
                    _copy_packed(old, new)
                data = packed.getvalue()
            file.writestr(member, data, zipfile.ZIP_DEFLATED)


def _copy_packed(old: Any, new: Any) -> None:
    new.attrs.update(old.attrs)
    for name, item in old.items():
        if hasattr(item, "items"):
            _copy_packed(item, new.create_group(name))
        elif item.size > 1024:  # smaller ones grow
            new.create_dataset(name, data=item[()], compression="gzip", shuffle=True).attrs.update(item.attrs)
        else:
            new.create_dataset(name, data=item[()]).attrs.update(item.attrs)


def check(
    expected: dict[str, Floats], made: dict[str, Floats], tolerance: float, what: str
) -> dict[str, float]:
    """Return by head the share of faces that are decided otherwise; ModelError when over `tolerance`."""
    differs = {head: float((expected[head].argmax(1) != made[head].argmax(1)).mean()) for head in expected}
    for head, share in differs.items():
        if share > tolerance:
            raise ModelError(
                f"refused: the {what} decides {share:.2%} of the PublicTest faces otherwise than "
                f"the Keras network ({head}); at most {tolerance:.2%} may differ"
            )
    return {head: round(share, 5) for head, share in differs.items()}


def _which_output(
    path: Path, about: dict[str, Any], expected: dict[str, Floats], faces: Faces
) -> dict[str, int]:
    """Find by its values which output is which head: the converter keeps neither order nor names."""
    found: dict[str, int] = {}
    for head, logits in expected.items():
        errors = []
        for index in range(len(expected)):
            path.with_suffix(".json").write_text(json.dumps(about | {"outputs": {"it": index}, "read": "it"}))
            found_there = predictors.LiteRT(path)(faces.images[:8])["it"]
            alike = found_there.shape == logits.shape
            errors.append(float(np.abs(found_there - logits).mean()) if alike else np.inf)
        found[head] = int(np.argmin(errors))
    if len(set(found.values())) != len(found):
        raise ModelError(f"the outputs of the file cannot be told apart: {found}")
    return found
