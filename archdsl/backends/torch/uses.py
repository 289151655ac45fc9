"""Which blocks a net uses, how, and which of its parameters only fill in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from archdsl.ir.network import Choice, Module, Node, Repeat, Stage
from archdsl.shapes.expr import InputSize, Opaque, Var, depends
from archdsl.shapes.tensor import TensorType
from archdsl.source import Source

# A block is known by its name and the file that it is from.
_Key: TypeAlias = tuple[str, Source]


def _stages(nodes: tuple[Node, ...]) -> Iterator[Stage]:
    """All stages of a scope, groups opened, blocks not."""
    stack = list(reversed(nodes))
    while stack:
        node = stack.pop()
        if isinstance(node, Choice):
            stack.extend(reversed(node.nodes))
            continue
        inner = [run.stage for run in node.runs] if isinstance(node, Repeat) else [node]
        for stage in inner:
            yield stage
            if isinstance(stage.target, Module) and stage.target.kind == "group":
                stack.extend(reversed(stage.target.nodes))


def blocks(root: Module) -> list[tuple[list[Module], dict[int, set[str]]]]:
    """The variants of each block, those that others call first."""
    variants: dict[_Key, list[Module]] = {}
    given: dict[int, set[str]] = {}
    below: dict[_Key, set[_Key]] = {}
    seen: set[int] = set()
    queue = [root]
    for module in queue:
        for stage in _stages(module.nodes):
            target = stage.target
            if not isinstance(target, Module) or target.kind != "block":
                continue
            if module is not root:
                below.setdefault(_key(module), set()).add(_key(target))
            given.setdefault(id(target), set()).update(stage.args)
            if id(target) not in seen:
                seen.add(id(target))
                variants.setdefault(_key(target), []).append(target)
                queue.append(target)
    order: list[_Key] = []
    done: set[_Key] = set()

    def visit(key: _Key, path: tuple[_Key, ...]) -> None:
        if key in done or key in path:
            return
        for other in sorted(below.get(key, ()), key=_by_name):
            visit(other, (*path, key))
        done.add(key)
        order.append(key)

    for key in variants:
        visit(key, ())
    return [(variants[key], given) for key in order]


def _key(module: Module) -> _Key:
    return module.name, module.span.source


def _by_name(key: _Key) -> tuple[str, str]:
    name, source = key
    return name, source.name


def imports(root: Module) -> set[tuple[str, str]]:
    """The Python modules, and the classes there, that externs of a net are."""
    found: set[tuple[str, str]] = set()
    seen: set[int] = set()
    queue = [root]
    for module in queue:
        for stage in _stages(module.nodes):
            target = stage.target
            if isinstance(target, Module):
                if target.kind == "block" and id(target) not in seen:
                    seen.add(id(target))
                    queue.append(target)
            elif not target.layer.counted:
                place = target.layer.torch(target).imports
                if place is not None:
                    found.add(place)
    return found


def words(root: Module) -> set[str]:
    """Names that the classes of a net may give to arguments and variables."""
    found: set[str] = set()
    seen: set[int] = set()
    queue = [root]
    for module in queue:
        found.update(module.params, module.input_names)
        for stage in _stages(module.nodes):
            if stage.label is not None:
                found.add(stage.label)
            target = stage.target
            if isinstance(target, Module) and id(target) not in seen:
                seen.add(id(target))
                queue.append(target)
    return found


def exposed(root: Module) -> list[str]:
    """The parameters of a net that only fill in numbers.

    What decides the structure, or goes into a block or a size that has no formula,
    is settled when the net is compiled.
    """
    settled: set[Var | InputSize] = set(root.decided)
    for stage, inputs in _calls(root.nodes, dict(enumerate(root.inputs))):
        if isinstance(stage.target, Module) and stage.target.kind == "block":
            for bound in stage.args.values():
                settled |= depends(bound.expr)
            for tensor in inputs:
                settled |= depends(*(dim.expr for dim in tensor.dims))
        for dim in stage.type.dims:
            if isinstance(dim.expr, Opaque):
                settled |= dim.expr.depends
    return [
        name
        for name, bound in root.params.items()
        if isinstance(bound.value, int | float) and Var(name) not in settled
    ]


def _calls(
    nodes: tuple[Node, ...], types: dict[int, TensorType]
) -> Iterator[tuple[Stage, list[TensorType]]]:
    """All stages of a scope and its groups, each with the shapes that flow in.

    `types` holds the shapes of the scope's values so far; values are numbered anew in
    each group.
    """
    for node in nodes:
        if isinstance(node, Choice):
            yield from _calls(node.nodes, types)
            types[node.output] = types[node.result]
            continue
        given = [types[value] for value in node.inputs]
        runs = [r.stage for r in node.runs] if isinstance(node, Repeat) else [node]
        for stage in runs:
            inputs = given
            if isinstance(node, Repeat):
                inputs = [given[at] for at in stage.inputs]
            yield stage, inputs
            group = stage.target
            if isinstance(group, Module) and group.kind == "group":
                yield from _calls(group.nodes, dict(enumerate(inputs)))
            given = [stage.type, *given[1:]]
        types[node.output] = node.type
