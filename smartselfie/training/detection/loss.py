"""The losses on the maps of `targets`."""

from __future__ import annotations

from typing import Any

import keras


def score_loss(target: Any, logits: Any) -> Any:
    """Focal loss of a heat map (Law and Deng 2018; Zhou et al. 2019), a mean over the faces of the batch.

    The cells of a face's core weigh as much together as one cell elsewhere.
    """
    ops = keras.ops
    heat, weight = target[..., 0], target[..., 1]
    logit = logits[..., 0]
    p = ops.clip(ops.sigmoid(logit), 1e-5, 1 - 1e-5)
    is_centre = ops.cast(heat > 0.999, "float32")
    hit = is_centre * (1 - p) ** 2 * ops.softplus(-logit)
    miss = (1 - is_centre) * (1 - heat) ** 4 * p**2 * ops.softplus(logit)
    return ops.sum(weight * (hit + miss)) / ops.maximum(1.0, ops.sum(weight * is_centre))


def box_loss(target: Any, box: Any) -> Any:
    """Generalised intersection over union (Rezatofighi et al. 2019) and L1 of the four numbers, by weight."""
    ops = keras.ops
    weight, truth = target[..., 4], target[..., :4]
    made_corners, true_corners = _corners(box), _corners(truth)
    low = [ops.maximum(a, b) for a, b in zip(made_corners[:2], true_corners[:2], strict=True)]
    high = [ops.minimum(a, b) for a, b in zip(made_corners[2:], true_corners[2:], strict=True)]
    shared = ops.relu(high[0] - low[0]) * ops.relu(high[1] - low[1])
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (made_corners, true_corners)]
    union = areas[0] + areas[1] - shared
    outer_low = [ops.minimum(a, b) for a, b in zip(made_corners[:2], true_corners[:2], strict=True)]
    outer_high = [ops.maximum(a, b) for a, b in zip(made_corners[2:], true_corners[2:], strict=True)]
    outer = (outer_high[0] - outer_low[0]) * (outer_high[1] - outer_low[1])
    giou = shared / (union + 1e-6) - (outer - union) / (outer + 1e-6)
    l1 = ops.sum(ops.abs(box - truth), axis=-1)
    return ops.sum(weight * (1 - giou + 0.5 * l1)) / ops.maximum(1.0, ops.sum(weight))


def landmark_loss(target: Any, places: Any) -> Any:
    """L1 of the places in face sizes, a mean by weight."""
    ops = keras.ops
    weight = target[..., -1]
    l1 = ops.sum(ops.abs(places - target[..., :-1]), axis=-1)
    return ops.sum(weight * l1) / ops.maximum(1.0, ops.sum(weight))


def covered_loss(target: Any, logits: Any) -> Any:
    """Cross-entropy of a covered mouth where it is known, a mean by weight."""
    ops = keras.ops
    truth, weight, logit = target[..., 0], target[..., 1], logits[..., 0]
    entropy = ops.softplus(logit) - truth * logit
    return ops.sum(weight * entropy) / ops.maximum(1.0, ops.sum(weight))


LOSSES = {"score": score_loss, "box": box_loss, "landmarks": landmark_loss, "covered": covered_loss}
WEIGHTS = {"score": 1.0, "box": 1.0, "landmarks": 0.7, "covered": 0.1}


def _corners(box: Any) -> tuple[Any, Any, Any, Any]:
    ops = keras.ops
    log_w, log_h = ops.clip(box[..., 2], -3, 5), ops.clip(box[..., 3], -3, 5)
    size = ops.exp((log_w + log_h) / 2)
    w, h = ops.exp(log_w), ops.exp(log_h)
    x, y = box[..., 0] * size, box[..., 1] * size
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2
