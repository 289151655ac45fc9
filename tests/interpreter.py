"""Runs a checked network straight from the IR, as a second opinion on the emitter.

Each layer is built from its record alone and gets its weights from the emitted
module by name; nothing of the emitter's planning is used. Constants are computed here
from their formulas, place by place.
"""

from __future__ import annotations

import importlib
import itertools
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from archdsl.backends.torch.helpers import HELPERS
from archdsl.ir.names import Child, children, copies
from archdsl.ir.network import Choice, Module, Network, Node, Repeat, Stage
from archdsl.ops.form import (
    Apply,
    Attribute,
    Code,
    Form,
    Infix,
    Input,
    Inputs,
    Keyword,
    Listed,
    Slot,
)
from archdsl.ops.record import Bound, Site, form_of
from archdsl.ops.values import IndexFormula


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


def _value(code: Code, inputs: list[Tensor], sizes: Mapping[str, int]) -> Any:
    if isinstance(code, Slot):
        return _listed(_numbers(code.value, sizes))
    if isinstance(code, Input):
        x = inputs[code.number]
        if code.bare:
            return x[0]
        x = x[(..., *([None] * code.axes))] if code.axes else x
        return x[(slice(None), *([None] * code.front))] if code.front else x
    if isinstance(code, Inputs):
        return inputs
    if isinstance(code, Listed):
        return [_value(item, inputs, sizes) for item in code.items]
    if isinstance(code, Apply):
        positional = [
            _value(a, inputs, sizes)
            for a in code.arguments
            if not isinstance(a, Keyword)
        ]
        keywords = {
            a.name: _value(a.code, inputs, sizes)
            for a in code.arguments
            if isinstance(a, Keyword)
        }
        keywords = {key: v for key, v in keywords.items() if v is not None}
        return _function(code.function)(*positional, **keywords)
    if isinstance(code, Infix):
        result = _value(code.operands[0], inputs, sizes)
        for operand in code.operands[1:]:
            other = _value(operand, inputs, sizes)
            result = _OPERATORS[code.operator](result, other)
        return result
    # A word in quotes is one in the source, too.
    return code.strip('"') if isinstance(code, str) else code


def _numbers(value: Any, sizes: Mapping[str, int]) -> Any:
    """A value in which every size is a number."""
    if isinstance(value, tuple):
        return tuple(_numbers(part, sizes) for part in value)
    return value.at(sizes) if hasattr(value, "at") else value


def constructed(form: Form) -> nn.Module:
    """The layer as a module."""
    module = _value(form.module, [], {}) if form.module is not None else None
    assert isinstance(module, nn.Module)
    return module


def applied(
    form: Form, inputs: list[Tensor], sizes: Mapping[str, int] | None = None
) -> Tensor:
    """The layer applied without a module."""
    assert form.function is not None
    result = _value(form.function, inputs, sizes or {})
    assert isinstance(result, Tensor)
    return result


def _listed(value: object) -> object:
    if isinstance(value, tuple) and any(isinstance(v, tuple) for v in value):
        return [list(v) for v in value]
    return value


class _World(NamedTuple):
    """What is the same everywhere in a run."""

    weights: Mapping[str, Tensor]
    sizes: Mapping[str, int]
    training: bool


class _Scope:
    def __init__(
        self, module: Module, prefix: str, given: Mapping[str, Bound], world: _World
    ) -> None:
        self.names: Iterator[Child] = children(module)
        self.prefix = prefix
        # Groups stand in the block around them and know its parameters.
        self.given = {**given, **module.params}
        self.world = world


def run(network: Network, weights: Mapping[str, Tensor], *inputs: Tensor) -> Tensor:
    """The first output for a batch, in eval mode."""
    return outputs(network, weights, inputs)[0]


def outputs(
    network: Network,
    weights: Mapping[str, Tensor],
    inputs: Sequence[Tensor],
    sizes: Mapping[str, int] | None = None,
    training: bool = False,
) -> list[Tensor]:
    """All outputs for a batch, layers in eval mode; `training` adds its own."""
    root = network.root
    world = _World(weights, sizes or {}, training)
    values = dict(enumerate(inputs))
    _nodes(root.nodes, values, _Scope(root, "", {}, world))
    if not root.outputs:
        return [values[root.output]]
    return [
        values[output.value]
        for output in root.outputs
        if training or not output.training
    ]


def _nodes(nodes: tuple[Node, ...], values: dict[int, Tensor], scope: _Scope) -> None:
    for node in nodes:
        if isinstance(node, Choice):
            if node.training and not scope.world.training:
                _pass_over(node.nodes, scope)
                continue
            _nodes(node.nodes, values, scope)
            values[node.output] = values[node.result]
        elif isinstance(node, Stage):
            child = next(scope.names)
            inputs = [values[at] for at in node.inputs]
            values[node.output] = _stage(node, child.name, inputs, scope)
        else:
            values[node.output] = _repeat(node, values, scope)


def _pass_over(nodes: tuple[Node, ...], scope: _Scope) -> None:
    """The names of what is not computed are used up all the same."""
    for node in nodes:
        if isinstance(node, Choice):
            _pass_over(node.nodes, scope)
        elif isinstance(node, Stage) or node.label is not None:
            next(scope.names)
        else:
            for r in node.runs:
                target = r.stage.target
                for _ in range(r.count):
                    if _is_inline(node, target):
                        assert isinstance(target, Module)
                        _pass_over(target.nodes, scope)
                    else:
                        next(scope.names)


def _is_inline(node: Repeat, target: Site | Module) -> bool:
    group = isinstance(target, Module) and target.kind == "group"
    return group and node.label is None and node.names is None


def _repeat(node: Repeat, values: dict[int, Tensor], scope: _Scope) -> Tensor:
    given = [values[at] for at in node.inputs]
    named = list(copies(node)) if node.label is not None else None
    around = f"{next(scope.names).name}." if named is not None else ""
    index = 0
    for r in node.runs:
        target = r.stage.target
        for _ in range(r.count):
            inputs = [given[at] for at in r.stage.inputs]
            if _is_inline(node, target):
                assert isinstance(target, Module)
                inside = dict(enumerate(inputs))
                _nodes(target.nodes, inside, scope)
                given[0] = inside[target.output]
            else:
                child = named[index] if named is not None else next(scope.names)
                given[0] = _stage(r.stage, around + child.name, inputs, scope)
            index += 1
    return given[0]


def _stage(stage: Stage, name: str, inputs: list[Tensor], scope: _Scope) -> Tensor:
    path = scope.prefix + name
    world = scope.world
    if isinstance(stage.target, Module):
        module = stage.target
        values = dict(enumerate(inputs))
        given = scope.given if module.kind == "group" else {}
        _nodes(module.nodes, values, _Scope(module, f"{path}.", given, world))
        return values[module.output]
    site = stage.target
    assert isinstance(site, Site)
    form = form_of(site)
    if form.attribute is not None:
        return _tensor(site, form.attribute, path, scope)
    if site.layer.name == "tie":
        return _tied(site, path, inputs[0], scope)
    if form.module is None:
        return applied(form, inputs, world.sizes)
    layer = constructed(form)
    layer.eval()
    own = {
        name.removeprefix(f"{path}."): tensor
        for name, tensor in world.weights.items()
        if name.startswith(f"{path}.")
    }
    layer.load_state_dict(own)
    output: Tensor = layer(*inputs)
    return output


def _tied(site: Site, path: str, x: Tensor, scope: _Scope) -> Tensor:
    table = scope.world.weights[f"{scope.prefix}{site.args['of'].value}.weight"]
    labelled = site.truth("labelled")
    if labelled:
        assert torch.equal(scope.world.weights[f"{path}.weight"], table)
    bias = scope.world.weights[f"{path}.bias"] if site.truth("bias") else None
    return x @ table.T + (0 if bias is None else bias)


_TYPES = {"float": torch.float, "int": torch.long, "bool": torch.bool}


def _tensor(site: Site, attribute: Attribute, path: str, scope: _Scope) -> Tensor:
    held = scope.world.weights.get(path)
    if attribute.kind == "buffer":
        constant = _constant(site, attribute, scope)
        if attribute.persistent:
            assert held is not None
            assert torch.allclose(held, constant)
        else:
            assert held is None
            held = constant
    assert held is not None
    return held if attribute.batch else held[None]


_FUNCTIONS = ("sin", "cos", "exp", "log", "sqrt", "floor", "ceil")


def _constant(site: Site, attribute: Attribute, scope: _Scope) -> Tensor:
    """The tensor of a formula, each place by Python's own arithmetic."""
    shape = site.args["shape"].value
    value = site.args["value"].value
    assert isinstance(shape, tuple)
    known: dict[str, Any] = {name: bound.value for name, bound in scope.given.items()}
    known |= {name: getattr(math, name) for name in _FUNCTIONS}
    text = value.text if isinstance(value, IndexFormula) else "0"
    code = compile(text.strip(), "formula", "eval")
    axes = shape[1:] if attribute.batch else shape
    numbers = [
        eval(code, known, {f"ax{axis}": at for axis, at in enumerate(place)})
        for place in itertools.product(*map(range, axes))
    ]
    dtype = _TYPES[str(site.args["dtype"].value)]
    return torch.tensor(numbers, dtype=dtype).reshape(shape)
