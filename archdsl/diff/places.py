"""How often each body stands in a net when all is written out."""

from __future__ import annotations

from archdsl.ir.network import Choice, Module, Node, Repeat


def occurrences(root: Module) -> dict[int, int]:
    """The number of copies of each module, by identity."""
    found = {id(root): 1}
    # A module comes after all that hold it.
    for module in reversed(_inner_first(root)):
        times = found[id(module)]
        for inner, count in _held(module.nodes):
            found[id(inner)] = found.get(id(inner), 0) + times * count
    return found


def _inner_first(root: Module) -> list[Module]:
    order: list[Module] = []
    seen = {id(root)}
    stack = [(root, iter(_held(root.nodes)))]
    while stack:
        module, rest = stack[-1]
        inner = next(rest, None)
        if inner is None:
            order.append(module)
            stack.pop()
        elif id(inner[0]) not in seen:
            seen.add(id(inner[0]))
            stack.append((inner[0], iter(_held(inner[0].nodes))))
    return order


def _held(nodes: tuple[Node, ...]) -> list[tuple[Module, int]]:
    found: list[tuple[Module, int]] = []
    for node in nodes:
        if isinstance(node, Choice):
            found += _held(node.nodes)
            continue
        runs = node.runs if isinstance(node, Repeat) else ()
        stages = [(run.stage, run.count) for run in runs] if runs else [(node, 1)]
        for stage, count in stages:
            if isinstance(stage.target, Module):  # type: ignore[union-attr]
                found.append((stage.target, count))  # type: ignore[union-attr]
    return found
