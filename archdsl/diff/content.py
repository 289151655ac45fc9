"""What stages hold, as numbers that are equal where the content is.

Labels of a stage itself and the shapes that arrive do not count; what is inside it
does, with its labels.
"""

from __future__ import annotations

from collections.abc import Hashable

from archdsl.ir.network import LayerRef, Module
from archdsl.ir.outline import Item, Outline, Scope
from archdsl.ops.record import plain
from archdsl.ops.values import IndexFormula


class Contents:
    """Numbers for the content of items, of both nets that are compared."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._bodies: dict[int, int] = {}
        # Modules are known by identity, so they are kept.
        self._kept: list[Module] = []

    def of(self, item: Item, outline: Outline, scope: Scope) -> int:
        """The content of an item: its kind, arguments, copies, and what is in it."""
        parts = tuple(
            self.of(part, outline, scope)
            for part in (
                outline.copies(item.node, item.parts, scope)  # type: ignore[arg-type]
                if item.parts
                else ()
            )
        )
        body = self.body(item.module, outline) if item.module is not None else 0
        given = () if item.parts else tuple(arguments(item).items())
        what = (item.stage.kind, item.count, item.node.shared, given, parts, body)
        return self._number(what)

    def body(self, module: Module, outline: Outline) -> int:
        """What stands in a net, block or group."""
        found = self._bodies.get(id(module))
        if found is None:
            scope = outline.scope(module)
            inside = tuple(
                (item.label, self.of(item, outline, scope))
                for _, item in outline.items(scope)
            )
            flat = scope.flat
            found = self._number((inside, flat.sources, flat.outputs, flat.training))
            self._bodies[id(module)] = found
            self._kept.append(module)
        return found

    def _number(self, what: Hashable) -> int:
        return self._numbers.setdefault(what, len(self._numbers) + 1)


def arguments(item: Item) -> dict[str, Hashable]:
    """The values of a stage's arguments, of a block's parameters."""
    target = item.stage.target
    if isinstance(target, Module):
        # A group has those of what is around it.
        bound = target.params if target.kind == "block" else {}
    else:
        bound = target.args
    return {name: settled(each.value) for name, each in bound.items()}


def settled(value: object) -> Hashable:
    """A value that is equal to another only if it is the same in the language."""
    if isinstance(value, LayerRef):
        # The file may be another one, as the spec itself is.
        return "layer", value.name
    if isinstance(value, IndexFormula):
        return "formula", " ".join(value.text.split())
    if isinstance(value, tuple):
        return tuple(map(settled, value))
    if isinstance(value, bool) or value is None:
        return str(value)
    return plain(value) if isinstance(value, int | float | str) else str(value)
