"""Which blocks a net uses, how, and which of its parameters only fill in numbers."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.ir.network import Choice, Module, Node, Repeat, Stage
from archdsl.shapes.expr import InputSize, Opaque, Var, depends


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
    variants: dict[str, list[Module]] = {}
    given: dict[int, set[str]] = {}
    below: dict[str, set[str]] = {}
    seen: set[int] = set()
    queue = [root]
    for module in queue:
        for stage in _stages(module.nodes):
            target = stage.target
            if not isinstance(target, Module) or target.kind != "block":
                continue
            if module is not root:
                below.setdefault(module.name, set()).add(target.name)
            given.setdefault(id(target), set()).update(stage.args)
            if id(target) not in seen:
                seen.add(id(target))
                variants.setdefault(target.name, []).append(target)
                queue.append(target)
    order: list[str] = []
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in done or name in path:
            return
        for other in sorted(below.get(name, ())):
            visit(other, (*path, name))
        done.add(name)
        order.append(name)

    for name in variants:
        visit(name, ())
    return [(variants[name], given) for name in order]


def exposed(root: Module) -> list[str]:
    """The parameters of a net that only fill in numbers.

    What decides the structure, or goes into a block or a size that has no formula,
    is settled when the net is compiled.
    """
    settled: set[Var | InputSize] = set(root.decided)
    for stage in _stages(root.nodes):
        if isinstance(stage.target, Module):
            for bound in stage.args.values():
                settled |= depends(bound.expr)
            if stage.target.kind == "block":
                settled |= {
                    name
                    for tensor in _caller_types(root, stage)
                    for dim in tensor
                    for name in dim
                }
        for dim in stage.type.dims:
            if isinstance(dim.expr, Opaque):
                settled |= dim.expr.depends
    return [
        name
        for name, bound in root.params.items()
        if isinstance(bound.value, int | float) and Var(name) not in settled
    ]


def _caller_types(root: Module, call: Stage) -> list[list[frozenset[Var | InputSize]]]:
    """What the sizes that flow into a call depend on."""
    by_output = {stage.output: stage for stage in _stages(root.nodes)}
    found = []
    for value in call.inputs:
        made = by_output.get(value)
        if made is not None:
            found.append([depends(dim.expr) for dim in made.type.dims])
    return found
