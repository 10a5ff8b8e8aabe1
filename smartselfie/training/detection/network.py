"""The face detector: anchor-free, one level of stride 8, in Keras 3 alone.

(N, H, W, 3) float32 BGR 0..255 in, sides a multiple of 32; maps of stride 8 out, each cell speaks for a face
whose centre it is (CenterNet: Zhou, Wang, Krähenbühl 2019). Wide views come down to the fine level by two
additions (feature pyramid: Lin et al. 2017). Rescaling happens inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from smartselfie.training.detection.fused import BatchNormalization
from smartselfie.training.detection.targets import LANDMARKS


def face(
    widths: Sequence[int] = (16, 32, 48, 64, 96),
    blocks: Sequence[int] = (1, 1, 2, 2),
    head: int = 48,
    size: tuple[int | None, int | None] = (None, None),
    fused: bool = False,
) -> Any:
    """Return the untrained network; its output is a dict of maps at stride 8.

    `score` (1): logit of a face; `box` (4): centre's offset from the cell's in face sizes, then logarithms of
    width and height in cells; `landmarks` (10): places relative to the box's centre in face sizes; `covered`
    (1): logit of a covered mouth. A face's size is the root of its area. `widths` are channels at strides 2
    to 32, `blocks` the residual convolutions at strides 4 to 32. `fused` trains faster on PyTorch.
    """
    normalise = BatchNormalization if fused else layers.BatchNormalization

    def convolve(x: Any, width: int, *, stride: int = 1, kernel: int = 3, active: bool = True) -> Any:
        if stride > 1:
            x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
        x = layers.Conv2D(
            width,
            kernel,
            strides=stride,
            padding="same" if stride == 1 else "valid",
            use_bias=False,
            kernel_initializer="he_normal",
        )(x)
        x = normalise(momentum=0.97, epsilon=1e-3)(x)
        return layers.ReLU()(x) if active else x

    inputs = keras.Input((*size, 3), name="picture")
    x = layers.Rescaling(1 / 64, offset=-2)(inputs)
    x = convolve(x, widths[0], stride=2)
    levels = []
    for width, count in zip(widths[1:], blocks, strict=True):
        x = convolve(x, width, stride=2)
        for _ in range(count):
            x = layers.ReLU()(layers.Add()([x, convolve(x, width, active=False)]))
        levels.append(x)
    x = convolve(levels[3], head, kernel=1, active=False)
    for level in (levels[2], levels[1]):
        side = convolve(level, head, kernel=1, active=False)
        x = layers.ReLU()(layers.Add()([side, layers.UpSampling2D(2)(x)]))
    for _ in range(2):
        x = convolve(x, head)

    def out(name: str, channels: int, bias: float = 0.0) -> Any:
        return layers.Conv2D(
            channels, 1, bias_initializer=keras.initializers.Constant(bias), dtype="float32", name=name
        )(x)

    outputs = {
        "score": out("score", 1, -4.0),
        "box": out("box", 4),
        "landmarks": out("landmarks", 2 * LANDMARKS),
        "covered": out("covered", 1),
    }
    return keras.Model(inputs, outputs, name="face")
