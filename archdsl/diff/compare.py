"""One net beside another: which stages belong together, and what is not the same."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.backends.text.wording import call, shared_call
from archdsl.diff.align import Entry, align
from archdsl.diff.changes import (
    Change,
    Detail,
    Difference,
    Kind,
    Side,
    same_costs,
    same_shapes,
)
from archdsl.diff.content import Contents
from archdsl.diff.details import between, interface, of_inputs
from archdsl.diff.places import occurrences
from archdsl.diff.tensors import Twins, tensors
from archdsl.ir.network import Network, Repeat, Stage
from archdsl.ir.outline import Item, Outline, Scope
from archdsl.source import Span
from archdsl.tuples import NamedTuple


def compare(old: Network, new: Network) -> Difference:
    """All that differs, each text once; empty where only the layout does."""
    pass_ = _Comparison(old, new)
    pass_.run()
    return Difference(
        old,
        new,
        interface(old, new),
        tuple(_merged(pass_.changes)),
        tensors(old, new, pass_.twins),
        pass_.marks,
    )


class _Body(NamedTuple):
    """A body of one of the nets: where it stands, and how often."""

    scope: Scope
    path: str
    times: int


class _Comparison:
    def __init__(self, old: Network, new: Network) -> None:
        self._old, self._new = Outline(old), Outline(new)
        self._contents = Contents()
        self._times = occurrences(old.root) | occurrences(new.root)
        self._seen: set[tuple[int, int]] = set()
        self.changes: list[Change] = []
        self.twins = Twins()
        self.marks: dict[int, Kind] = {}

    def run(self) -> None:
        old, new = self._old.root(), self._new.root()
        self._bodies(_Body(old, "", 1), _Body(new, "", 1), "")

    def _bodies(self, old: _Body, new: _Body, block: str) -> None:
        before = self._entries(self._old, old.scope)
        after = self._entries(self._new, new.scope)
        pairs = align(before, after)
        # The numbers of nodes that are the same, which tells what is wired otherwise.
        same = {
            pair.old.at: pair.new.at
            for pair in pairs
            if pair.old is not None and pair.new is not None
        }
        for pair in pairs:
            if pair.old is None and pair.new is not None:
                self._alone("added", pair.new.item, new, block)
            elif pair.new is None and pair.old is not None:
                self._alone("removed", pair.old.item, old, block)
            elif pair.old is not None and pair.new is not None:
                wired = of_inputs(pair.old, pair.new, old.scope, new.scope, same)
                self._both(pair.old.item, pair.new.item, old, new, block, wired)

    def _entries(self, outline: Outline, scope: Scope) -> list[Entry]:
        return [
            Entry(item, at, self._contents.of(item, outline, scope))
            for at, item in outline.items(scope)
        ]

    def _alone(self, kind: Kind, item: Item, body: _Body, block: str) -> None:
        side = _side(item, body.path)
        old, new = (None, side) if kind == "added" else (side, None)
        self.changes.append(Change(kind, old, new, (), block, body.times))
        for stage in _stages(item):
            self.marks[id(stage)] = kind

    def _both(
        self,
        a: Item,
        b: Item,
        old: _Body,
        new: _Body,
        block: str,
        wired: tuple[Detail, ...],
    ) -> None:
        self.twins.pair(a, b)
        details = (*between(a, b), *wired)
        kind = _kind(a, b, details)
        if kind is not None:
            sides = _side(a, old.path), _side(b, new.path)
            self.changes.append(Change(kind, *sides, details, block, new.times))
        if kind in ("changed", "renamed") or details:
            # What has another value is seen to have, though its text is the same.
            for stage in (*_stages(a), *_stages(b)):
                self.marks[id(stage)] = "renamed" if kind == "renamed" else "changed"
        if a.parts or b.parts:
            self._parts(a, b, old, new, block)
        elif a.module is not None and b.module is not None:
            self._inside(a, b, old, new, block)

    def _parts(self, a: Item, b: Item, old: _Body, new: _Body, block: str) -> None:
        """Repeats whose copies differ: by their numbers, which are their names.

        How many there are is told of the whole repeat.
        """
        before, left = self._copies(a, self._old, old)
        after, right = self._copies(b, self._new, new)
        while before and after:
            one, two = before[0], after[0]
            self._both(_one(one), _one(two), left, right, block, ())
            ends = one.index + one.count, two.index + two.count
            at = min(ends)
            if ends[0] == at:
                before.pop(0)
            if ends[1] == at:
                after.pop(0)

    def _copies(
        self, item: Item, outline: Outline, body: _Body
    ) -> tuple[list[Item], _Body]:
        if not isinstance(item.node, Repeat):
            return [item], body
        if not item.parts:
            return [item._replace(name=f"{item.name}.0")], body
        inner = body._replace(path=body.path + item.prefix)
        return list(outline.copies(item.node, item.parts, body.scope)), inner

    def _inside(self, a: Item, b: Item, old: _Body, new: _Body, block: str) -> None:
        assert a.module is not None
        assert b.module is not None
        key = (id(a.module), id(b.module))
        if key in self._seen and not a.inline:
            return
        self._seen.add(key)
        one = self._old.inside(a, old.scope)
        two = self._new.inside(b, new.scope)
        assert one is not None
        assert two is not None
        own = b.stage.kind if b.module.kind == "block" else block
        self._bodies(
            _Body(one, old.path + a.prefix, self._times[id(a.module)]),
            _Body(two, new.path + b.prefix, self._times[id(b.module)]),
            own,
        )


def _one(item: Item) -> Item:
    """One of the copies."""
    return item._replace(count=1, cost=item.stage.cost)


def _kind(a: Item, b: Item, details: tuple[Detail, ...]) -> Kind | None:
    """What has become of a stage; None if it is the same all through."""
    if any(detail.direct for detail in details):
        return "changed"
    if a.label != b.label:
        return "renamed"
    shapes = len(a.ins) == len(b.ins) and all(map(same_shapes, a.ins, b.ins))
    if details or not shapes or not same_shapes(a.out, b.out):
        return "follows"
    return None if same_costs(a.cost, b.cost) else "follows"


def _stages(item: Item) -> Iterator[Stage]:
    """All stages that an item stands for."""
    if isinstance(item.node, Stage):
        yield item.node
    elif item.parts:
        yield from (run.stage for run in item.node.runs)
    else:
        yield from item.stages


def _side(item: Item, path: str) -> Side:
    text = shared_call(item.node) if item.node.shared else call(item.stage)
    own = (path + item.name) or "{…}"
    if item.inline:
        own = f"{path}{{…}}"
    return Side(own, text, item.count, item.ins, item.out, item.cost, item.node.span)


def _merged(changes: list[Change]) -> Iterator[Change]:
    """The changes, those of one text together."""
    found: dict[object, Change] = {}
    for change in changes:
        spans = tuple(map(_place, (change.old, change.new)))
        names = tuple(detail.what for detail in change.details)
        key = (change.kind, spans, names, change.block)
        if not change.block:
            # In the net itself each stage is told, unless a loop made it.
            key = (*key, change.side.path)  # type: ignore[assignment]
        first = found.get(key)
        if first is None:
            found[key] = change
        else:
            found[key] = first._replace(places=first.places + change.places)
    yield from found.values()


def _place(side: Side | None) -> tuple[str, int, int] | None:
    if side is None:
        return None
    span: Span = side.span
    return span.source.name, span.start, span.end
