"""The networks, in Keras 3 alone: (N, H, W, 1) float32 gray 0..255 in, logits out for each head.

Rescaling happens inside the network, so that nobody can feed it wrongly scaled faces.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import metadata
from typing import Any, cast

import keras
from keras import layers

from smartselfie.errors import UsageError
from smartselfie.records import CLASSES

HEADS = ("ferplus", "fer2013", "smiling", "blend")
"""The outputs that a network can have, each after the labels it learns."""


def build(
    name: str,
    heads: Sequence[str] = ("ferplus", "fer2013"),
    size: int | None = 48,
    *,
    classes: int = len(CLASSES),
    **options: Any,
) -> Any:
    """Return the untrained `keras.Model` called `name`; its output is a dict of logits by head.

    A head tells `classes` apart, `smiling` three.

    `size` None leaves the side of the input open (fully convolutional networks only). UsageError when
    there is no such network, or it does not take these options.
    """
    make = NETWORKS[name] if name in NETWORKS else _from_elsewhere(name)
    if size is None and name in NETWORKS and name not in ANY_SIZE:
        raise UsageError(f"{name} takes faces of one size; sizes that grow are for {', '.join(ANY_SIZE)}")
    inputs = keras.Input((size, size, 1), name="face")
    try:
        outputs = make(inputs, {head: classes_of(head, classes) for head in heads}, **options)
    except TypeError as error:
        raise UsageError(f"{name}: {error}") from error
    except ValueError as error:
        raise UsageError(f"{name} cannot be built for faces of {size} pixels: {error}") from error
    return keras.Model(inputs, outputs, name=name.replace(":", "_").replace(".", "_"))


def smile(
    inputs: Any,
    heads: Mapping[str, int],
    widths: Sequence[int] = (32, 64, 128),
    blocks: Sequence[int] = (1, 2, 2),
    dropout: float = 0.2,
) -> dict[str, Any]:
    """Residual network with squeeze-and-excitation (He et al. 2016; Hu et al. 2018), plain 3x3 convolutions.

    The stem halves the side, and so does each stage but the first: stages run at 24, 12 and 6 pixels.
    """
    x = layers.Rescaling(1 / 64, offset=-2)(inputs)
    x = _convolve(x, widths[0], stride=2)
    for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
        for block in range(count):
            x = _residual(x, width, stride=2 if stage and not block else 1)
    x = layers.GlobalAveragePooling2D()(x)
    return _dense(layers.Dropout(dropout)(x) if dropout else x, heads)


def mini_xception(inputs: Any, heads: Mapping[str, int]) -> dict[str, Any]:
    """Mini-Xception (Arriaga, Valdenegro-Toro, Plöger 2017): separable residual modules, no dense layer.

    Its authors train it at 64x64. Train it with oneDNN off (`backend.choose`).
    """
    decay = keras.regularizers.L2(0.01)
    x = layers.Rescaling(2 / 255, offset=-1)(inputs)
    for _ in range(2):
        x = layers.Conv2D(8, 3, use_bias=False, kernel_regularizer=decay)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    for width in (16, 32, 64, 128):
        way = layers.BatchNormalization()(
            layers.Conv2D(width, 1, strides=2, padding="same", use_bias=False)(x)
        )
        for last in (False, True):
            x = layers.SeparableConv2D(
                width,
                3,
                padding="same",
                use_bias=False,
                depthwise_regularizer=decay,
                pointwise_regularizer=decay,
            )(x)
            x = layers.BatchNormalization()(x)
            x = x if last else layers.ReLU()(x)
        x = layers.Add()([layers.MaxPooling2D(3, strides=2, padding="same")(x), way])
    maps = {
        head: layers.Conv2D(classes, 3, padding="same", name=f"{head}_map")(x)
        for head, classes in heads.items()
    }
    return {head: layers.GlobalAveragePooling2D(name=head)(each) for head, each in maps.items()}


def cnn4(inputs: Any, heads: Mapping[str, int]) -> dict[str, Any]:
    """The four-layer network of the popular Keras example (its page reports 63.2 % after 50 epochs)."""
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(32, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(layers.Conv2D(64, 3, activation="relu")(x))
    x = layers.Dropout(0.25)(x)
    for _ in range(2):
        x = layers.MaxPooling2D()(layers.Conv2D(128, 3, activation="relu")(x))
    x = layers.Flatten()(layers.Dropout(0.25)(x))
    return _dense(layers.Dropout(0.5)(layers.Dense(1024, activation="relu")(x)), heads)


def vgg(
    inputs: Any, heads: Mapping[str, int], widths: Sequence[int] = (64, 128, 256, 512), dense: int = 4096
) -> dict[str, Any]:
    """The VGG of Khaireddin and Chen 2021: four stages of two convolutions, three dense layers (73.3 %)."""
    x = layers.Rescaling(1 / 64, offset=-2)(inputs)
    for width in widths:
        x = layers.MaxPooling2D()(_convolve(_convolve(x, width), width))
    x = layers.Flatten()(x)
    for _ in range(2):
        x = layers.Dropout(0.5)(layers.Dense(dense, activation="relu")(x))
    return _dense(x, heads)


def vgg16_bottleneck(
    inputs: Any, heads: Mapping[str, int], weights: str | None = "imagenet"
) -> dict[str, Any]:
    """Keras-applications' VGG16 (Simonyan and Zisserman 2015), frozen, under trained dense layers.

    `weights` is "imagenet", None (random) or a file. UsageError when ImageNet's are not to be had.
    """
    if inputs.shape[1] < 32:
        raise ValueError("VGG16 needs 32 at least")
    x = layers.Concatenate()([inputs, inputs, inputs])
    x = layers.Rescaling(1.0, offset=[-103.939, -116.779, -123.68])(x)
    try:
        features = keras.applications.VGG16(
            include_top=False, weights=weights, input_shape=(*inputs.shape[1:3], 3)
        )
    except Exception as error:  # the download fails in as many ways as there are networks
        raise UsageError(
            f"VGG16's weights {weights!r} cannot be had ({error}); try --weights none"
        ) from error
    features.trainable = False
    x = layers.Flatten()(features(x, training=False))
    for _ in range(2):
        x = layers.BatchNormalization()(layers.Dense(256, activation="relu")(x))
        x = layers.Dropout(0.5)(x)
    return _dense(x, heads)


def weights(network: Any, heads: Collection[str]) -> list[Any]:
    """Return a network's variables in order, of its heads only those named: what two networks share."""
    return [
        weight
        for layer in network.layers
        if layer.name in heads or layer.name not in HEADS
        for weight in layer.weights
    ]


def classes_of(head: str, classes: int = len(CLASSES)) -> int:
    """Return how many classes a head tells apart."""
    return 3 if head == "smiling" else classes


def _from_elsewhere(name: str) -> Callable[..., dict[str, Any]]:
    """Load a network that another package offers: an entry point, or MODULE:FUNCTION."""
    offered = metadata.entry_points(group=ENTRY_POINTS)
    points = [point for point in offered if point.name == name]
    if not points and ":" not in name:
        names = ", ".join([*NETWORKS, *(point.name for point in offered)])
        raise UsageError(f"unknown network {name!r}; there are {names}, and MODULE:FUNCTION of your own")
    point = points[0] if points else metadata.EntryPoint(name, name, ENTRY_POINTS)
    try:
        return cast(Callable[..., dict[str, Any]], point.load())
    except (ImportError, AttributeError) as error:
        raise UsageError(f"--network {name}: cannot be imported ({error})") from error


def _dense(x: Any, heads: Mapping[str, int]) -> dict[str, Any]:
    return {head: layers.Dense(classes, name=head)(x) for head, classes in heads.items()}


def _convolve(x: Any, width: int, *, stride: int = 1, kernel: int = 3, active: bool = True) -> Any:
    x = layers.Conv2D(
        width, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal"
    )(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.ReLU()(x) if active else x


def _residual(x: Any, width: int, stride: int) -> Any:
    y = _convolve(x, width, stride=stride)
    y = _convolve(y, width, active=False)
    y = _squeeze_excite(y, width)
    if stride > 1:
        x = layers.AveragePooling2D(stride, padding="same")(x)
    if x.shape[-1] != width:
        x = _convolve(x, width, kernel=1, active=False)
    return layers.ReLU()(layers.Add()([x, y]))


def _squeeze_excite(x: Any, width: int, ratio: int = 8) -> Any:
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(max(8, width // ratio), 1, activation="relu")(gate)
    gate = layers.Conv2D(width, 1, activation="sigmoid")(gate)
    return layers.Multiply()([x, gate])


NETWORKS: dict[str, Callable[..., dict[str, Any]]] = {
    "smile": smile,
    "mini_xception": mini_xception,
    "cnn4": cnn4,
    "vgg": vgg,
    "vgg16_bottleneck": vgg16_bottleneck,
}
"""The networks by the name that `train --network` takes."""
ENTRY_POINTS = "smartselfie.networks"
"""The group in which packages offer networks: functions of (inputs, classes by head) -> logits by head."""
ANY_SIZE = ("smile", "mini_xception")
"""Those that take faces of any size."""
