"""A network as a tree of what stands in its text: scopes, stages, and copies as `×n`.

Copies that are alike are one item. It grows with the text, and not with the depth of
the net: what a shared module holds is outlined anew only when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from archdsl.ir.fold import Flat, Fold, Folder
from archdsl.ir.names import children, is_inline
from archdsl.ir.network import Cost, Module, Network, Repeat, Stage
from archdsl.shapes.tensor import TensorType
from archdsl.tuples import NamedTuple

# So many names are looked up in one scope.
MAX_NAMES = 10_000


class Item(NamedTuple):
    """A stage, copies of one, or a repeat whose copies differ.

    `name` is its own in the scope around it, that of the first copy where copies have
    names each, and empty for an anonymous group. `stages` are its variants, which
    differ in the sizes that arrive; `cost` is that of all `count` copies. A repeat
    with several different copies holds them as `parts`. `index` is the number of the
    first of the copies in the repeat, if there is one. `prefix` stands before the names
    of what is in it, which those of the scope around it precede.
    """

    name: str
    node: Stage | Repeat
    stages: tuple[Stage, ...]
    count: int  # type: ignore[assignment]  # hides the method of tuples
    cost: Cost
    prefix: str
    parts: tuple[Fold, ...] = ()
    index: int = 0  # type: ignore[assignment]  # hides the method of tuples

    @property
    def stage(self) -> Stage:
        """The first copy, which stands for all."""
        return self.stages[0]

    @property
    def label(self) -> str | None:
        """The label that stands in the text, or that of the first copy."""
        if isinstance(self.node, Repeat) and self.node.names is not None:
            return self.node.names[self.index]
        return self.node.label

    @property
    def inline(self) -> bool:
        """Whether what is in it is named in the scope around it."""
        return isinstance(self.node, Repeat) and is_inline(self.node)

    @property
    def module(self) -> Module | None:
        """What is in it, of another use nothing; None for a layer."""
        target = self.stage.target
        if self.parts or self.node.shared or not isinstance(target, Module):
            return None
        return target

    @property
    def ins(self) -> tuple[TensorType, ...]:
        """What flows into the first copy."""
        target = self.stage.target
        return target.inputs if isinstance(target, Module) else target.ins

    @property
    def out(self) -> TensorType:
        """What flows out of the last copy."""
        return self.node.type if self.parts else self.stages[-1].type


class Scope(NamedTuple):
    """A body: its items with what they are called, and where values come from.

    `names` are those of the innermost naming scope, by node and by the copies of
    anonymous repeats that it stands in; `copies` are the copies passed since.
    """

    flat: Flat
    names: dict[tuple[int, tuple[int, ...]], str]
    copies: tuple[int, ...] = ()


class Outline:
    """The outlines of one network's modules. `folder` compares its copies."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.folder = Folder()

    def root(self) -> Scope:
        """The net's own body."""
        return self.scope(self.network.root)

    def scope(self, module: Module) -> Scope:
        """The body of a net, block or labelled group."""
        named = islice(children(module, folder=self.folder), MAX_NAMES)
        names = {
            (id(child.node), tuple(copy.number for copy in child.within)): child.name
            for child in named
        }
        return Scope(self.folder.flat(module), names)

    def inside(self, item: Item, around: Scope) -> Scope | None:
        """The body of an item in the scope `around`; None for a layer."""
        module = item.module
        if module is None:
            return None
        if item.inline:
            copies = (*around.copies, item.index)
            return Scope(self.folder.flat(module), around.names, copies)
        return self.scope(module)

    def items(self, scope: Scope) -> Iterator[tuple[int, Item]]:
        """What stands in a body, each with the number of its node."""
        for at, node in enumerate(scope.flat.nodes):
            if isinstance(node, Stage):
                name = self._name(node, scope)
                yield at, Item(name, node, (node,), 1, node.cost, f"{name}.")
                continue
            folds = self.folder.folded(node)
            if node.label is None:
                for item in self.copies(node, tuple(folds), scope):
                    yield at, item
            elif len(folds) == 1:
                name = node.label
                yield at, self._copy(node, folds[0], 0, name, f"{name}.0.")
            else:
                first, name = folds[0].stages, f"{node.label}."
                made = Item(node.label, node, first, node.count, node.cost, name)
                yield at, made._replace(parts=tuple(folds))

    def copies(
        self, repeat: Repeat, folds: tuple[Fold, ...], scope: Scope
    ) -> Iterator[Item]:
        """The copies of a repeat, those that are alike as one item."""
        begun = 0
        for fold in folds:
            if repeat.label is not None:
                name = str(begun)
            elif is_inline(repeat):
                name = ""
            else:
                name = self._name(fold.stages[0], scope, begun)
            yield self._copy(repeat, fold, begun, name, f"{name}." if name else "")
            begun += fold.count

    def _copy(
        self, repeat: Repeat, fold: Fold, begun: int, name: str, prefix: str
    ) -> Item:
        cost = Cost()
        for stage, count in zip(fold.stages, fold.counts, strict=True):
            cost = cost.plus(stage.cost.times(count))
        return Item(name, repeat, fold.stages, fold.count, cost, prefix, (), begun)

    def _name(self, node: Stage, scope: Scope, *copy: int) -> str:
        found = scope.names.get((id(node), (*scope.copies, *copy)))
        return found or node.label or f"{node.kind}{node.ordinal}"
