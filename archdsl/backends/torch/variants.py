"""Which variants of a block share a class."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from archdsl.ir.network import Choice, Module, Node, Repeat, Stage

# Tells whether these variants, by number and in order, can share a class.
Fits = Callable[[list[int]], bool]


def shared(
    modules: Sequence[Module], fits: Fits, called: Callable[[Module], Hashable]
) -> list[list[int]]:
    """The numbers of the variants, those together that share a class.

    Those of one outline belong together, wherever they stand, and join the first class
    that takes them: first-fit over the few outlines, not over the variants. `called`
    tells the classes of blocks apart.
    """
    outlines: dict[Hashable, list[int]] = {}
    for number, module in enumerate(modules):
        outlines.setdefault(_outline(module, called), []).append(number)
    classes: list[list[int]] = []
    for alike in outlines.values():
        if not _joined(classes, alike, fits):
            if len(alike) == 1 or fits(alike):
                classes.append(alike)
            else:
                for number in alike:
                    if not _joined(classes, [number], fits):
                        classes.append([number])
    return sorted(classes)


def _joined(classes: list[list[int]], more: list[int], fits: Fits) -> bool:
    """Put variants to the first class that takes them; False if none does."""
    for known in classes:
        # Two that do not go together are found out at once.
        if fits(sorted((known[0], more[0]))):
            together = sorted((*known, *more))
            if len(together) == 2 or fits(together):
                known[:] = together
                return True
    return False


def _outline(module: Module, called: Callable[[Module], Hashable]) -> Hashable:
    """What variants that differ in numbers, or in layers as arguments, have alike."""
    return tuple(_node(node, called) for node in module.nodes)


def _node(node: Node, called: Callable[[Module], Hashable]) -> Hashable:
    if isinstance(node, Choice):
        arm = tuple(_node(inner, called) for inner in node.nodes)
        return ("choice", node.taken, arm)
    if isinstance(node, Repeat):
        runs = tuple(_stage(run.stage, called) for run in node.runs)
        copies = node.count if node.label is None else None
        return ("repeat", node.label, node.names, copies, runs)
    return _stage(node, called)


def _stage(stage: Stage, called: Callable[[Module], Hashable]) -> Hashable:
    target = stage.target
    if not isinstance(target, Module):
        layer = stage.chosen_by if stage.chosen_by and not stage.weights else None
        return ("layer", stage.label, layer or stage.kind, layer is None, stage.shared)
    if target.kind == "group":
        return ("group", stage.label, stage.shared, _outline(target, called))
    return ("block", stage.label, stage.shared, called(target))
