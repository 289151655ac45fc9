"""A module of PyTorch as an ONNX graph without weights, for shape inference.

Weights are inputs of the graph with their shapes, so that nothing of them is held. It
knows the operators that residual networks consist of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper
from torch import fx, nn


def graph(module: nn.Module, shape: tuple[int, ...]) -> onnx.ModelProto:
    """The model for an input of that shape; values inside have no shapes yet."""
    traced = fx.symbolic_trace(module)
    children = dict(traced.named_modules())
    inputs = [_value("x", shape)]
    nodes: list[onnx.NodeProto] = []
    names: dict[fx.Node, str] = {}
    output = ""
    for node in traced.graph.nodes:
        if node.op == "placeholder":
            names[node] = "x"
            continue
        if node.op == "output":
            output = names[node.args[0]]
            continue
        taken = [names[arg] for arg in node.all_input_nodes]
        child = children[node.target] if node.op == "call_module" else None
        operator, weights, attributes = _operator(child, node)
        for name in weights:
            assert child is not None
            named = f"{node.target}.{name}"
            inputs.append(_value(named, tuple(getattr(child, name).shape)))
            taken.append(named)
        names[node] = node.name
        nodes.append(helper.make_node(operator, taken, [node.name], **attributes))
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)]
    return helper.make_model(helper.make_graph(nodes, "graph", inputs, outputs))


def _value(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


_Written = tuple[str, tuple[str, ...], dict[str, Any]]


def _conv(child: nn.Conv2d) -> _Written:
    assert isinstance(child.padding, tuple)
    attributes = {
        "kernel_shape": list(child.kernel_size),
        "strides": list(child.stride),
        "pads": [*child.padding, *child.padding],
    }
    return "Conv", ("weight",), attributes


def _pool(child: nn.MaxPool2d) -> _Written:
    sizes = {"kernel_shape": child.kernel_size, "strides": child.stride}
    attributes = {key: [size, size] for key, size in sizes.items()}
    return "MaxPool", (), {**attributes, "pads": [child.padding] * 4}


_NORM = ("weight", "bias", "running_mean", "running_var")
_MODULES: dict[type[nn.Module], Callable[[Any], _Written]] = {
    nn.Conv2d: _conv,
    nn.MaxPool2d: _pool,
    nn.BatchNorm2d: lambda child: ("BatchNormalization", _NORM, {}),
    nn.ReLU: lambda child: ("Relu", (), {}),
    nn.AdaptiveAvgPool2d: lambda child: ("GlobalAveragePool", (), {}),
    nn.Linear: lambda child: ("Gemm", ("weight", "bias"), {"transB": 1}),
}


def _operator(child: nn.Module | None, node: fx.Node) -> _Written:
    if child is not None:
        return _MODULES[type(child)](child)
    if node.target is torch.flatten:
        return "Flatten", (), {"axis": 1}
    if getattr(node.target, "__name__", "") == "add":
        return "Add", (), {}
    raise NotImplementedError(f"{node.target} is not written as ONNX here")
