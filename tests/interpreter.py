"""Runs a checked network straight from the IR, as a second opinion on the emitter.

Each layer is built from its record alone and gets its weights from the emitted
module by name; nothing of the emitter's planning is used.
"""

from __future__ import annotations

import importlib
import operator
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from archdsl.backends.torch.helpers import HELPERS
from archdsl.ir.names import Child, children, copies
from archdsl.ir.network import Choice, Module, Network, Node, Repeat, Stage
from archdsl.ops.form import Apply, Code, Form, Infix, Input, Inputs, Keyword, Slot
from archdsl.ops.record import Site


def _names() -> dict[str, Any]:
    names: dict[str, Any] = {"nn": nn, "F": F, "torch": torch}
    for name in sorted(HELPERS):
        module = importlib.import_module(f"archdsl.ops.helpers.{name}")
        names |= {k: v for k, v in vars(module).items() if not k.startswith("_")}
    return names


_NAMES = _names()

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


@cache
def _function(name: str) -> Any:
    # A call of nothing is a tuple.
    return eval(name, dict(_NAMES)) if name else lambda *parts: parts


def _value(code: Code, inputs: list[Tensor]) -> Any:
    if isinstance(code, Slot):
        return _listed(code.value)
    if isinstance(code, Input):
        x = inputs[code.number]
        return x[(..., *([None] * code.axes))] if code.axes else x
    if isinstance(code, Inputs):
        return inputs
    if isinstance(code, Apply):
        positional = [
            _value(a, inputs) for a in code.arguments if not isinstance(a, Keyword)
        ]
        keywords = {
            a.name: _value(a.code, inputs)
            for a in code.arguments
            if isinstance(a, Keyword)
        }
        keywords = {key: v for key, v in keywords.items() if v is not None}
        return _function(code.function)(*positional, **keywords)
    if isinstance(code, Infix):
        result = _value(code.operands[0], inputs)
        for operand in code.operands[1:]:
            other = _value(operand, inputs)
            result = _OPERATORS[code.operator](result, other)
        return result
    # A word in quotes is one in the source, too.
    return code.strip('"') if isinstance(code, str) else code


def constructed(form: Form) -> nn.Module:
    """The layer as a module."""
    module = _value(form.module, []) if form.module is not None else None
    assert isinstance(module, nn.Module)
    return module


def applied(form: Form, inputs: list[Tensor]) -> Tensor:
    """The layer applied without a module."""
    assert form.function is not None
    result = _value(form.function, inputs)
    assert isinstance(result, Tensor)
    return result


def _listed(value: object) -> object:
    if isinstance(value, tuple) and any(isinstance(v, tuple) for v in value):
        return [list(v) for v in value]
    return value


class _Scope:
    def __init__(self, module: Module, prefix: str) -> None:
        self.names: Iterator[Child] = children(module)
        self.prefix = prefix


def run(network: Network, weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """The output for a batch, in eval mode."""
    return _module(network.root, "", [x], weights)


def _module(
    module: Module, prefix: str, inputs: list[Tensor], weights: Mapping[str, Tensor]
) -> Tensor:
    values = dict(enumerate(inputs))
    _nodes(module.nodes, values, _Scope(module, prefix), weights)
    return values[module.output]


def _nodes(
    nodes: tuple[Node, ...],
    values: dict[int, Tensor],
    scope: _Scope,
    weights: Mapping[str, Tensor],
) -> None:
    for node in nodes:
        if isinstance(node, Choice):
            _nodes(node.nodes, values, scope, weights)
            values[node.output] = values[node.result]
        elif isinstance(node, Stage):
            child = next(scope.names)
            inputs = [values[at] for at in node.inputs]
            path = f"{scope.prefix}{child.name}"
            values[node.output] = _stage(node, path, inputs, weights)
        else:
            values[node.output] = _repeat(node, values, scope, weights)


def _repeat(
    node: Repeat,
    values: dict[int, Tensor],
    scope: _Scope,
    weights: Mapping[str, Tensor],
) -> Tensor:
    given = [values[at] for at in node.inputs]
    named = list(copies(node)) if node.label is not None else None
    if named is not None:
        scope_path = f"{scope.prefix}{next(scope.names).name}."
    index = 0
    for r in node.runs:
        for _ in range(r.count):
            inputs = [given[at] for at in r.stage.inputs]
            target = r.stage.target
            inline = isinstance(target, Module) and target.kind == "group"
            if named is not None:
                path = scope_path + named[index].name
                given[0] = _stage(r.stage, path, inputs, weights)
            elif inline and node.names is None:
                assert isinstance(target, Module)
                inside = dict(enumerate(inputs))
                _nodes(target.nodes, inside, scope, weights)
                given[0] = inside[target.output]
            else:
                path = scope.prefix + next(scope.names).name
                given[0] = _stage(r.stage, path, inputs, weights)
            index += 1
    return given[0]


def _stage(
    stage: Stage, path: str, inputs: list[Tensor], weights: Mapping[str, Tensor]
) -> Tensor:
    if isinstance(stage.target, Module):
        return _module(stage.target, f"{path}.", inputs, weights)
    site = stage.target
    assert isinstance(site, Site)
    form = site.layer.torch(site)
    if form.module is None:
        return applied(form, inputs)
    layer = constructed(form)
    layer.eval()
    own = {
        name.removeprefix(f"{path}."): tensor
        for name, tensor in weights.items()
        if name.startswith(f"{path}.")
    }
    layer.load_state_dict(own)
    output: Tensor = layer(*inputs)
    return output
