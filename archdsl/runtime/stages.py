"""Runs a net stage by stage, so that the value of each can be looked at.

The emitted module computes the same in one go, and many of its stages are no
submodules that a hook could watch. Here the network is gone through instead: what the
module has as a submodule is called, and what it has not is applied as the layer's
record says.
"""

from __future__ import annotations

import importlib
import operator
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from archdsl.backends.torch.helpers import HELPERS
from archdsl.ir.flat import FlatLayer
from archdsl.ir.fold import Folder
from archdsl.ir.names import Child, children, copies, is_inline
from archdsl.ir.network import Module, Network, Repeat, Stage
from archdsl.ops.form import (
    Apply,
    Attribute,
    Code,
    Infix,
    Input,
    Inputs,
    Keyword,
    Listed,
    Member,
    Slot,
)
from archdsl.ops.record import Site, form_of

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


class Held(NamedTuple):
    """A value and the number of the stage that it came from; input k has -1 - k."""

    value: Tensor
    stage: int


# Told each layer that was run, the stages that its inputs came from, and its value.
Seen = Callable[[FlatLayer, tuple[int, ...], Tensor], None]


def run_stages(
    network: Network, module: nn.Module, inputs: Sequence[Tensor], seen: Seen
) -> list[Held]:
    """All outputs of a batch; `seen` is told every layer's value as it is computed.

    `module` is that of the network, in evaluation or training mode, and its weights
    are those that are used. Layers are numbered from 0 in the order in which `seen` is
    told. Sizes of the network are known numbers.
    """
    return _Run(module, seen).net(network, inputs)


class _Run:
    def __init__(self, module: nn.Module, seen: Seen) -> None:
        self._module = module
        self._seen = seen
        self._folder = Folder()
        self._count = 0

    def net(self, network: Network, inputs: Sequence[Tensor]) -> list[Held]:
        root = network.root
        given = [Held(x, -1 - number) for number, x in enumerate(inputs)]
        found = self._nodes(root, "", children(root), given)
        outputs = self._folder.flat(root).outputs
        trained = [output.training for output in root.outputs] or [False]
        return [
            _at(found, given, source)
            for source, training in zip(outputs, trained, strict=True)
            if self._module.training or not training
        ]

    def _nodes(
        self, module: Module, prefix: str, names: Iterator[Child], given: list[Held]
    ) -> list[Held | None]:
        """The values of a scope's nodes, None for those that are not computed now."""
        flat = self._folder.flat(module)
        found: list[Held | None] = []
        for at, node in enumerate(flat.nodes):
            if at in flat.training and not self._module.training:
                self._pass_over(node, names)
                found.append(None)
                continue
            inputs = [_at(found, given, source) for source in flat.sources[at]]
            if isinstance(node, Repeat):
                found.append(self._repeat(node, prefix, names, inputs))
            else:
                path = prefix + next(names).name
                found.append(self._stage(node, path, prefix, inputs))
        return found

    def _pass_over(self, node: Stage | Repeat, names: Iterator[Child]) -> None:
        """The names of what is not computed are used up all the same."""
        if isinstance(node, Stage) or node.label is not None:
            next(names)
            return
        for run in node.runs:
            for _ in range(run.count):
                if is_inline(node):
                    assert isinstance(run.stage.target, Module)
                    for inner in self._folder.flat(run.stage.target).nodes:
                        self._pass_over(inner, names)
                else:
                    next(names)

    def _repeat(
        self, node: Repeat, prefix: str, names: Iterator[Child], given: list[Held]
    ) -> Held:
        inside = names
        around = prefix
        if node.label is not None:
            around = f"{prefix}{next(names).name}."
            inside = copies(node)
        for run in node.runs:
            target = run.stage.target
            for _ in range(run.count):
                inputs = [given[at] for at in run.stage.inputs]
                if is_inline(node):
                    assert isinstance(target, Module)
                    made = self._nodes(target, prefix, names, inputs)
                    last = self._folder.flat(target).output
                    given[0] = _at(made, inputs, last)
                else:
                    path = around + next(inside).name
                    given[0] = self._stage(run.stage, path, prefix, inputs)
        return given[0]

    def _stage(self, stage: Stage, path: str, prefix: str, inputs: list[Held]) -> Held:
        target = stage.target
        if isinstance(target, Module):
            found = self._nodes(target, f"{path}.", children(target), inputs)
            return _at(found, inputs, self._folder.flat(target).output)
        form = form_of(target)
        tensors = [held.value for held in inputs]
        if form.attribute is not None and not inputs:
            value = self._tensor(path, form.attribute)
        else:
            value = self._layer(target, path, prefix, tensors)
        number = self._count
        self._count += 1
        layer = FlatLayer(path, stage, stage.shared)
        self._seen(layer, tuple(held.stage for held in inputs), value)
        return Held(value, number)

    def _layer(
        self, site: Site, path: str, prefix: str, inputs: list[Tensor]
    ) -> Tensor:
        form = form_of(site)
        part = self._part(path)
        value: Tensor
        if form.module is not None and part is not None:
            if getattr(part, "inplace", False):
                # What was told already stays as it is.
                inputs = [x.clone() for x in inputs]
            value = part(*inputs)
        elif form.function is not None:
            value = self._value(form.function, prefix, inputs)
        else:
            made = self._value(form.module, prefix, [])
            made.train(self._module.training)
            value = made(*inputs)
        return value

    def _part(self, path: str) -> nn.Module | None:
        """The submodule of that path, which may be called like a method."""
        found: nn.Module | None = self._module
        for name in path.split("."):
            found = found._modules.get(name) if found is not None else None
        return found

    def _tensor(self, path: str, attribute: Attribute) -> Tensor:
        within, _, name = path.rpartition(".")
        owner = self._part(within) if within else self._module
        assert owner is not None
        held = owner._parameters.get(name)
        if held is None:
            held = owner._buffers[name]  # type: ignore[assignment]
        assert held is not None
        return held if attribute.batch else held[None]

    def _value(self, code: Any, prefix: str, inputs: list[Tensor]) -> Any:
        if isinstance(code, Member):
            owner = self._part(prefix + code.label)
            return getattr(owner, code.tensor)
        return evaluated(code, inputs, lambda inner: self._value(inner, prefix, inputs))


def evaluated(
    code: Code | Keyword, inputs: list[Tensor], value: Callable[[Code], Any]
) -> Any:
    """What a tree of PyTorch code is for these inputs; `value` evaluates parts of it.

    Sizes in it are known, and it holds no `Member` and no `Lambda`.
    """
    if isinstance(code, Slot):
        return _listed(code.value)
    if isinstance(code, Input):
        x = inputs[code.number]
        return x[(..., *([None] * code.axes))] if code.axes else x
    if isinstance(code, Inputs):
        return inputs
    if isinstance(code, Listed):
        return [value(item) for item in code.items]
    if isinstance(code, Apply):
        plain = [value(a) for a in code.arguments if not isinstance(a, Keyword)]
        named = {
            a.name: value(a.code) for a in code.arguments if isinstance(a, Keyword)
        }
        # What is left out of a call is None in its record.
        given = {name: part for name, part in named.items() if part is not None}
        return _named(code.function)(*plain, **given)
    if isinstance(code, Infix):
        result = value(code.operands[0])
        for operand in code.operands[1:]:
            result = _OPERATORS[code.operator](result, value(operand))
        return result
    assert isinstance(code, str | int)
    # A text stands for itself in the source.
    return _named(code) if isinstance(code, str) else code


@cache
def _names() -> dict[str, Any]:
    names: dict[str, Any] = {"nn": nn, "F": F, "torch": torch}
    for name in sorted(HELPERS):
        module = importlib.import_module(f"archdsl.ops.helpers.{name}")
        names |= {k: v for k, v in vars(module).items() if not k.startswith("_")}
    return names


@cache
def _named(name: str) -> Any:
    # A call of nothing is a tuple. The text is that of a layer's record.
    return eval(name, dict(_names())) if name else lambda *parts: parts


def _listed(value: object) -> object:
    """Tuples within a tuple as lists, as the source has them."""
    if isinstance(value, tuple) and any(isinstance(v, tuple) for v in value):
        return [list(v) for v in value]
    return value


def _at(found: Sequence[Held | None], given: Sequence[Held], source: int) -> Held:
    held = found[source] if source >= 0 else given[-1 - source]
    assert held is not None
    return held
