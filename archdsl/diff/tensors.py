"""The `state_dict` of one net beside that of another, by the stages that hold it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from archdsl.diff.changes import Rename, Tensors
from archdsl.ir.flat import MAX_LISTED
from archdsl.ir.names import Child, children, copies
from archdsl.ir.network import Module, Network, Repeat, Stage
from archdsl.ir.outline import Item
from archdsl.ops.record import Weight


class Twins:
    """Which stages and repeats of two nets are the same one.

    A body that is used several times may have several twins: all of them are one.
    """

    def __init__(self) -> None:
        self._first: dict[int, int] = {}
        # The number of the first copy, of those in the midst of a repeat.
        self._begins: dict[int, int] = {}

    def pair(self, a: Item, b: Item) -> None:
        """Two items belong together, and so do their copies in order."""
        one = id(a.stage)
        for item in (a, b):
            if isinstance(item.node, Repeat) and item.node.label is not None:
                self._join(id(item.node), id(a.node))
            for stage in _copied(item):
                self._join(id(stage), one)
                self._begins.setdefault(id(stage), item.index)

    def of(self, node: Stage | Repeat) -> int:
        """A number that a node and its twin have."""
        at = id(node)
        while self._first.get(at, at) != at:
            at = self._first[at]
        return at

    def copy(self, stage: Stage, number: int) -> int:
        """The number of a copy, counted from the first that has a twin here."""
        return number - self._begins.get(id(stage), 0)

    def _join(self, a: int, b: int) -> None:
        for each in (a, b):
            self._first.setdefault(each, each)
        while self._first[a] != a:
            a = self._first[a]
        while self._first[b] != b:
            b = self._first[b]
        self._first[a] = b


def _copied(item: Item) -> Iterator[Stage]:
    """Each stage that copies of an item are made by."""
    if isinstance(item.node, Stage):
        yield item.node
        return
    begun = 0
    for run in item.node.runs:
        if item.parts or item.index <= begun < item.index + item.count:
            yield run.stage
        begun += run.count


def tensors(old: Network, new: Network, twins: Twins) -> Tensors:
    """What differs in names and shapes; nothing is listed of more than a great many."""
    if max(old.root.cost.layers, new.root.cost.layers) > MAX_LISTED:
        return Tensors({}, {}, {}, {}, left_out=True)
    before, after = dict(_keyed(old, twins)), dict(_keyed(new, twins))
    removed: dict[str, tuple[int, ...]] = {}
    added: dict[str, tuple[int, ...]] = {}
    renamed: dict[str, str] = {}
    reshaped: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}
    for key, (name, shape) in before.items():
        if key not in after:
            removed[name] = shape
            continue
        now, other = after[key]
        if now != name:
            renamed[name] = now
        if other != shape:
            reshaped[now] = (shape, other)
    for key, (name, shape) in after.items():
        if key not in before:
            added[name] = shape
    # Of stages that have nothing else in common the names still may be the same.
    for name in [name for name in removed if name in added]:
        shape, other = removed.pop(name), added.pop(name)
        if shape != other:
            reshaped[name] = (shape, other)
    return Tensors(added, removed, renamed, reshaped)


def _keyed(
    network: Network, twins: Twins
) -> Iterator[tuple[Hashable, tuple[str, tuple[int, ...]]]]:
    """Each tensor by where it stands: its name and shape."""
    stack: list[tuple[Iterator[Child], str, tuple[int, ...]]]
    stack = [(children(network.root), "", ())]
    while stack:
        rest, prefix, place = stack[-1]
        child = next(rest, None)
        if child is None:
            stack.pop()
            continue
        node, path = child.node, prefix + child.name
        if node.shared:
            continue
        key = place
        for copy in child.within:
            stage = copy.run.stage
            if copy.repeat.label is not None:
                # Its number is its name, whatever it holds.
                key = (*key, copy.number)
                continue
            key = (*key, twins.of(stage), twins.copy(stage, copy.number))
        if not child.within or child.within[-1].repeat.label is None:
            key = (*key, twins.of(node))
        if isinstance(node, Repeat):
            stack.append((copies(node), f"{path}.", key))
        elif isinstance(node.target, Module):
            stack.append((children(node.target), f"{path}.", key))
        else:
            for weight in node.weights:
                name = f"{path}.{weight.name}" if weight.name else path
                yield (*key, weight.name), (name, _shape(weight))


def _shape(weight: Weight) -> tuple[int, ...]:
    # A weight's sizes are known wherever the net is checked.
    return tuple(size if isinstance(size, int) else int(size) for size in weight.shape)


def gathered(renamed: dict[str, str]) -> list[Rename]:
    """Renamed tensors by what their names begin with: `layer4` to `layer5`."""
    found: dict[tuple[str, str], int] = {}
    for old, new in renamed.items():
        a, b = old.split("."), new.split(".")
        while len(a) > 1 and len(b) > 1 and a[-1] == b[-1]:
            a.pop()
            b.pop()
        key = (".".join(a), ".".join(b))
        found[key] = found.get(key, 0) + 1
    return [Rename(*key, count) for key, count in found.items()]
