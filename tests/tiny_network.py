"""Tiny .tflite networks made in memory, without TensorFlow: row k of the crop speaks for class k."""

import json
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as fb

from smartselfie.records import CLASSES, Image

GAIN = 5.0
"""The logit of a row that is all 1."""


def row_crop(row: int, side: int = 8) -> Image:
    """A black crop whose row `row` is white: the tiny network's class number `row`."""
    crop = np.zeros((side, side), np.uint8)
    crop[row] = 255
    return crop


def build(
    *,
    side: int = 8,
    outputs: int = 7,
    heads: int = 1,
    smiling: bool = False,
    softmax: bool = False,
    quantised: bool = False,
    one_only: bool = False,
) -> bytes:
    """Return a network: (1, side, side, 1) -> `heads` outputs of (1, outputs).

    Head h speaks of row k + h for class k; `smiling` adds one of three classes. `quantised`: int8
    throughout, inputs -128..127 for 0..1;
    `one_only`: a batch of one is built in.
    """
    model = fb.ModelT()
    model.version = 3
    model.buffers = [fb.BufferT()]
    model.operatorCodes = [_code(op) for op in (_OPS.FULLY_CONNECTED, _OPS.SOFTMAX, _OPS.RESHAPE)]
    graph = fb.SubGraphT()
    graph.tensors, graph.operators = [], []
    model.subgraphs = [graph]
    kind = fb.TensorType.INT8 if quantised else fb.TensorType.FLOAT32

    def tensor(name, shape, kind, data=None, scale=None, zero=0):
        made = fb.TensorT()
        made.name, made.shape, made.type, made.buffer = name, shape, kind, 0
        if data is not None:
            buffer = fb.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            model.buffers.append(buffer)
            made.buffer = len(model.buffers) - 1
        if scale is not None and quantised:
            made.quantization = fb.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = [scale], [zero]
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    def operator(code, inputs, out, options, options_type):
        made = fb.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = code, inputs, [out]
        made.builtinOptions, made.builtinOptionsType = options, options_type
        graph.operators.append(made)

    picture = tensor("picture", [1, side, side, 1], kind, scale=1 / 255, zero=-128)
    flat = picture
    if one_only:
        flat = tensor("flat", [1, side * side], kind, scale=1 / 255, zero=-128)
        shape = tensor("shape", [2], fb.TensorType.INT32, np.array([1, side * side], np.int32))
        options = fb.ReshapeOptionsT()
        options.newShape = [1, side * side]
        operator(2, [picture, shape], flat, options, fb.BuiltinOptions.ReshapeOptions)
    graph.inputs, graph.outputs = [picture], []
    for head, count in enumerate([outputs] * heads + [3] * smiling):
        weights = np.zeros((count, side, side), np.float32)
        for k in range(count):
            weights[k, (k + head) % side] = GAIN / side
        weight_scale = GAIN / side / 127
        if quantised:
            weights = np.round(weights / weight_scale).astype(np.int8)
        weights = weights.reshape(count, side * side)
        bias = np.zeros(count, np.int32 if quantised else np.float32)
        bias_kind = fb.TensorType.INT32 if quantised else fb.TensorType.FLOAT32
        inputs = [
            flat,
            tensor(f"weights{head}", list(weights.shape), kind, weights, weight_scale),
            tensor(f"bias{head}", [count], bias_kind, bias, weight_scale / 255),
        ]
        logits = tensor(f"head{head}", [1, count], kind, scale=GAIN / 127)
        operator(0, inputs, logits, fb.FullyConnectedOptionsT(), fb.BuiltinOptions.FullyConnectedOptions)
        if softmax:
            options = fb.SoftmaxOptionsT()
            options.beta = 1.0
            shares = tensor(f"shares{head}", [1, count], kind, scale=1 / 256, zero=-128)
            operator(1, [logits], shares, options, fb.BuiltinOptions.SoftmaxOptions)
            logits = shares
        graph.outputs.append(logits)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def write(
    folder: Path, *, name: str = "tiny", description: dict[str, object] | None = None, **options
) -> Path:
    """Write a tiny network and its description (`description` changes or adds keys) and return its path."""
    path = folder / f"{name}.tflite"
    path.write_bytes(build(**options))
    side = options.get("side", 8)
    said: dict[str, object] = {
        "name": name,
        "version": "1",
        "classes": list(CLASSES),
        "input": {"size": [side, side], "channels": 1, "scale": 1 / 255, "offset": 0},
        "activation": "softmax" if options.get("softmax") else "logits",
    }
    path.with_suffix(".json").write_text(json.dumps(said | (description or {})))
    return path


_OPS = fb.BuiltinOperator


def _code(op: int) -> fb.OperatorCodeT:
    code = fb.OperatorCodeT()
    code.deprecatedBuiltinCode, code.builtinCode, code.version = (
        op,
        op,
        4 if op == _OPS.FULLY_CONNECTED else 1,
    )
    return code
