"""A Keras network as an ONNX graph, layer by layer: for any backend, and without TensorFlow.

Faces stay (N, H, W, C) at the input and are transposed once: ONNX convolves channels first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smartselfie.errors import ModelError
from smartselfie.training.datasets import Floats

OPSET = 17
NOTHING = {"Dropout", "GaussianNoise", "SpatialDropout2D", "RandomFlip"}
"""Layers that do nothing outside of training."""
ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "softmax": "Softmax", "tanh": "Tanh", "elu": "Elu"}


def convert(network: Any) -> bytes:
    """Return the bytes of an .onnx file; its outputs are called as the network's are.

    ModelError for a layer that this does not know, or one that is used more than once.
    """
    try:
        from onnx import TensorProto, checker, helper
    except ImportError as error:
        raise ModelError(f"onnx is missing ({error})", remedy="pip install onnx") from error
    graph = _Graph()
    source = network.inputs[0]
    _, height, width, channels = source.shape
    graph.names[id(source)] = graph.node("Transpose", ["face"], perm=[0, 3, 1, 2])
    graph.add(network)
    names = list(getattr(network, "output_names", ["scores"]))
    outputs = []
    for name, tensor in zip(names, network.outputs, strict=True):
        graph.node("Identity", [graph.names[id(tensor)]], out=name)
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", tensor.shape[-1]]))
    face = helper.make_tensor_value_info("face", TensorProto.FLOAT, ["N", height, width, channels])
    made = helper.make_graph(graph.nodes, network.name, [face], outputs, graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    checker.check_model(model)
    return bytes(model.SerializeToString())


class _Graph:
    """Collects nodes and constants; knows the name of what each Keras tensor became."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.names: dict[int, str] = {}

    def add(self, network: Any) -> None:
        """Add every layer of a network whose input has a name already."""
        for layer in network.layers:
            kind = type(layer).__name__
            if kind == "InputLayer":
                continue
            try:
                inputs, output = _call_of(layer)
            except (AttributeError, ValueError) as error:
                raise ModelError(f"layer {layer.name} is used more than once: no ONNX of that") from error
            sources = [self.names[id(each)] for each in (inputs if isinstance(inputs, list) else [inputs])]
            if hasattr(layer, "layers"):
                self.names[id(layer.inputs[0])] = sources[0]  # as it stands in its own graph
                self.add(layer)
                self.names[id(output)] = self.names[id(layer.outputs[0])]
                continue
            if kind not in LAYERS and kind not in NOTHING:
                raise ModelError(f"layer {layer.name} is a {kind}, which has no ONNX here")
            made = sources[0] if kind in NOTHING else LAYERS[kind](self, layer, sources)
            self.names[id(output)] = self._activated(made, layer) if kind != "Softmax" else made

    def node(self, op: str, inputs: list[str], out: str | None = None, **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        from onnx import helper

        name = out or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def constant(self, values: Any, kind: Any = np.float32) -> str:
        """Add a constant; returns its name."""
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, kind), name))
        return name

    def _activated(self, name: str, layer: Any) -> str:
        activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
        if activation == "linear":
            return name
        if activation not in ACTIVATIONS:
            raise ModelError(f"layer {layer.name} ends in {activation}, which has no ONNX here")
        spatial = len(layer.output.shape) == 4
        more: dict[str, Any] = {"axis": 1 if spatial else -1} if activation == "softmax" else {}
        return self.node(ACTIVATIONS[activation], [name], **more)


def _call_of(layer: Any) -> tuple[Any, Any]:
    """Return what a layer was called with and what came out; a network within has tensors of its own."""
    if not hasattr(layer, "layers"):
        return layer.input, layer.output
    node = layer._inbound_nodes[-1]
    return node.input_tensors[0], node.outputs[0]


def _weights(layer: Any) -> list[Floats]:
    return [np.asarray(weight, np.float32) for weight in layer.get_weights()]


def _padding(layer: Any) -> str:
    return "SAME_UPPER" if layer.padding == "same" else "VALID"


def _conv(graph: _Graph, layer: Any, sources: list[str]) -> str:
    kernel, *bias = _weights(layer)
    inputs = [sources[0], graph.constant(kernel.transpose(3, 2, 0, 1)), *map(graph.constant, bias)]
    return graph.node(
        "Conv", inputs, strides=layer.strides, dilations=layer.dilation_rate, auto_pad=_padding(layer),
        group=layer.groups,
    )  # fmt: skip


def _depthwise(graph: _Graph, layer: Any, source: str, kernel: Floats, bias: list[Floats]) -> str:
    height, width, channels, times = kernel.shape
    weights = kernel.transpose(2, 3, 0, 1).reshape(channels * times, 1, height, width)
    inputs = [source, graph.constant(weights), *map(graph.constant, bias)]
    return graph.node("Conv", inputs, strides=layer.strides, auto_pad=_padding(layer), group=channels)


def _depthwise_conv(graph: _Graph, layer: Any, sources: list[str]) -> str:
    kernel, *bias = _weights(layer)
    return _depthwise(graph, layer, sources[0], kernel, bias)


def _separable_conv(graph: _Graph, layer: Any, sources: list[str]) -> str:
    depthwise, pointwise, *bias = _weights(layer)
    deep = _depthwise(graph, layer, sources[0], depthwise, [])
    inputs = [deep, graph.constant(pointwise.transpose(3, 2, 0, 1)), *map(graph.constant, bias)]
    return graph.node("Conv", inputs)


def _normalise(graph: _Graph, layer: Any, sources: list[str]) -> str:
    weights = _weights(layer)
    mean, variance = weights[-2:]
    gamma = weights[0] if layer.scale else np.ones_like(mean)
    beta = weights[int(layer.scale)] if layer.center else np.zeros_like(mean)
    values = [graph.constant(each) for each in (gamma, beta, mean, variance)]
    return graph.node("BatchNormalization", [*sources, *values], epsilon=float(layer.epsilon))


def _pool(op: str) -> Callable[[_Graph, Any, list[str]], str]:
    def pool(graph: _Graph, layer: Any, sources: list[str]) -> str:
        sizes = {"kernel_shape": layer.pool_size, "strides": layer.strides}
        return graph.node(op, sources, auto_pad=_padding(layer), **sizes)

    return pool


def _global_mean(graph: _Graph, layer: Any, sources: list[str]) -> str:
    return graph.node("ReduceMean", sources, axes=[2, 3], keepdims=int(layer.keepdims))


def _rescale(graph: _Graph, layer: Any, sources: list[str]) -> str:
    def along_channels(values: Any) -> str:
        found = np.asarray(values, np.float32)
        return graph.constant(found.reshape(1, -1, 1, 1) if found.ndim else found)

    scaled = graph.node("Mul", [sources[0], along_channels(layer.scale)])
    return graph.node("Add", [scaled, along_channels(layer.offset)])


def _flatten(graph: _Graph, layer: Any, sources: list[str]) -> str:
    if len(layer.input.shape) == 4:  # Keras counts channels last
        sources = [graph.node("Transpose", sources, perm=[0, 2, 3, 1])]
    return graph.node("Flatten", sources)


def _dense(graph: _Graph, layer: Any, sources: list[str]) -> str:
    kernel, *bias = _weights(layer)
    return graph.node("Gemm", [sources[0], graph.constant(kernel), *map(graph.constant, bias)])


def _fold(op: str) -> Callable[[_Graph, Any, list[str]], str]:
    def fold(graph: _Graph, layer: Any, sources: list[str]) -> str:
        made = sources[0]
        for other in sources[1:]:
            made = graph.node(op, [made, other])
        return made

    return fold


def _concatenate(graph: _Graph, layer: Any, sources: list[str]) -> str:
    return graph.node("Concat", sources, axis=1)


def _relu(graph: _Graph, layer: Any, sources: list[str]) -> str:
    if layer.negative_slope or layer.threshold or layer.max_value is not None:
        raise ModelError(f"layer {layer.name} is no plain ReLU, which has no ONNX here")
    return graph.node("Relu", sources)


LAYERS: dict[str, Callable[[_Graph, Any, list[str]], str]] = {
    "Conv2D": _conv,
    "DepthwiseConv2D": _depthwise_conv,
    "SeparableConv2D": _separable_conv,
    "BatchNormalization": _normalise,
    "MaxPooling2D": _pool("MaxPool"),
    "AveragePooling2D": _pool("AveragePool"),
    "GlobalAveragePooling2D": _global_mean,
    "Rescaling": _rescale,
    "Flatten": _flatten,
    "Dense": _dense,
    "Add": _fold("Add"),
    "Multiply": _fold("Mul"),
    "Concatenate": _concatenate,
    "ReLU": _relu,
    "Activation": lambda graph, layer, sources: sources[0],
    "Softmax": lambda graph, layer, sources: graph.node("Softmax", sources, axis=-1),
}
"""How each layer is written; its activation follows by itself."""
