"""Where a block is drawn whose copy is not drawn itself.

Copies of an anonymous group have names in the scope around it, `unit1` and `unit3`, and
those that are alike are drawn once, under the name of the first.
"""

from __future__ import annotations

from itertools import islice

from archdsl.ir.fold import Flat, Folder
from archdsl.ir.names import Child, children, copies, is_inline
from archdsl.ir.network import Module, Repeat, Stage
from archdsl.ops.record import Site

# So many names are looked through in one scope.
_NAMES = 10_000


def drawn(root: Module, path: str, folder: Folder) -> str:
    """The path of what is drawn for a path; what is no name is left as it is."""
    found: list[str] = []
    scope: Module | Repeat = root
    rest = path
    while rest:
        child = _child(scope, rest)
        if child is None:
            break
        name, node = child.name, child.node
        if isinstance(scope, Module) and any(is_inline(c.repeat) for c in child.within):
            name, node = _first(scope, child, folder)
        found.append(name)
        rest = rest[len(child.name) + 1 :]
        inside = node.target if isinstance(node, Stage) else node
        if isinstance(inside, Site):
            break
        scope = inside
    return ".".join((*found, rest) if rest else found)


def _child(scope: Module | Repeat, rest: str) -> Child | None:
    named = children(scope) if isinstance(scope, Module) else copies(scope)
    for child in islice(named, _NAMES):
        if rest == child.name or rest.startswith(f"{child.name}."):
            return child
    return None


def _first(scope: Module, child: Child, folder: Folder) -> tuple[str, Stage | Repeat]:
    """The first of the copies that are alike, in step through those around it."""
    copy, first = folder.flat(scope), folder.flat(scope)
    numbers = []
    node: Stage | Repeat | None = None
    for within in child.within:
        repeat = first.nodes[_at(copy, within.repeat)]
        assert isinstance(repeat, Repeat)
        number = 0
        for fold in folder.folded(repeat):
            node = fold.stages[0]
            if within.number < number + fold.count:
                break
            number += fold.count
        numbers.append(number)
        if is_inline(repeat):
            there = within.run.stage.target
            assert isinstance(node, Stage)
            assert isinstance(node.target, Module)
            assert isinstance(there, Module)
            copy, first = folder.flat(there), folder.flat(node.target)
            node = None
    if node is None:
        node = first.nodes[_at(copy, child.node)]
    for other in islice(children(scope, folder=folder), _NAMES):
        if other.node is node and [c.number for c in other.within] == numbers:
            return other.name, node
    return child.name, child.node


def _at(flat: Flat, node: Stage | Repeat) -> int:
    return next(at for at, other in enumerate(flat.nodes) if other is node)
