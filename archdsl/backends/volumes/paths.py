"""The longest way through a module, and what passes by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from archdsl.backends.diagram.fuse import units
from archdsl.ir.fold import Flat
from archdsl.ir.network import Repeat, Stage
from archdsl.ir.unchecked import Unchecked
from archdsl.ops.record import Look, Site
from archdsl.shapes.size import Size

# A branch with more maps of weights than this is no shortcut.
_MOST_WEIGHTS = 1
_SUMS = ("add", "sub")

# How long a way is: the layers with weights on it, then all of its units.
_Length: TypeAlias = tuple[int, int]
_NONE: _Length = (-1, -1)

Kind: TypeAlias = Literal["sum", "concat", "gate"]


class Bypass(NamedTuple):
    """A value that reaches a merge beside the way.

    `source` is the unit whose value it is, or -1 - k for the module's input k; None
    if it depends on nothing that flows. `units` are passed on the way there, and
    `argument` is its place among the inputs of the merge.
    """

    source: int | None
    units: tuple[int, ...]
    argument: int
    projects: bool


class Step(NamedTuple):
    """A unit on the way: its nodes, its place among the inputs, and what joins it."""

    nodes: tuple[int, ...]
    unit: int
    argument: int
    bypasses: tuple[Bypass, ...]
    kind: Kind | None


class Way(NamedTuple):
    """The steps of a module from its first input to its output, and all units."""

    steps: tuple[Step, ...]
    units: tuple[tuple[int, ...], ...]


def look(node: Stage | Repeat) -> Look | None:
    """What kind of operation a layer is; None for blocks and repeats."""
    if isinstance(node, Stage) and isinstance(node.target, Site):
        return node.target.layer.look
    return None


def way(flat: Flat, entry: int = 0) -> Way | None:
    """The way through a module, or None if it is more than a row with shortcuts.

    `entry` is the input where it begins.
    """
    if len(flat.outputs) > 1:
        return None
    found = _Ways(flat, -1 - entry)
    steps = found.steps()
    return None if steps is None else Way(steps, found.units)


class _Ways:
    def __init__(self, flat: Flat, entry: int) -> None:
        self._flat = flat
        self._entry = entry
        self.units = tuple(tuple(unit) for unit in units(flat))
        self._unit_of = {
            node: at for at, unit in enumerate(self.units) for node in unit
        }
        self._sources = [
            tuple(self._made(source) for source in flat.sources[unit[0]])
            for unit in self.units
        ]

    def _made(self, source: int) -> int:
        """The unit that makes a value; inputs of the module stay as they are."""
        return source if source < 0 else self._unit_of[source]

    def _nodes(self, unit: int) -> list[Stage | Repeat]:
        return [self._flat.nodes[at] for at in self.units[unit]]

    def steps(self) -> tuple[Step, ...] | None:
        """The way from the first input to the output, if all else passes by it."""
        end = self._made(self._flat.output)
        if end == self._entry and not self.units:
            return ()
        path = self._longest(end)
        if path is None:
            return None
        on_path = dict(path)
        beside = self._beside(on_path)
        if beside is None:
            return None
        passed_by = _Passed(self, [unit for unit, _ in path])
        steps = []
        for unit, argument in path:
            joined = []
            for place, source in enumerate(self._sources[unit]):
                if place == argument:
                    continue
                bypass = self._bypass(source, place, on_path)
                if bypass is None:
                    return None
                joined.append(bypass)
            kind = self._kind(unit, joined)
            if joined and kind is None:
                return None
            if kind != "gate" and any(
                self._is_heavy(each) or passed_by.is_part(each, unit, kind)
                for each in joined
            ):
                return None
            steps.append(Step(self.units[unit], unit, argument, tuple(joined), kind))
        passed = sum(len(each.units) for step in steps for each in step.bypasses)
        return tuple(steps) if passed == len(beside) else None

    def _longest(self, end: int) -> list[tuple[int, int]] | None:
        """The units of the longest way to a unit, and by which input it enters each."""
        best: list[tuple[_Length, int]] = []
        for unit, sources in enumerate(self._sources):
            ahead = [self._length(source, best) for source in sources]
            place, length = -1, _NONE
            if ahead:
                place = self._main(unit, ahead)
                length = ahead[place]
            if length != _NONE:
                length = (length[0] + self._weights(unit), length[1] + 1)
            best.append((length, place))
        if end < 0 or best[end][0] == _NONE:
            return None
        path = []
        while end >= 0:
            path.append((end, best[end][1]))
            end = self._sources[end][best[end][1]]
        return path[::-1]

    def _length(self, source: int, best: Sequence[tuple[_Length, int]]) -> _Length:
        if source >= 0:
            return best[source][0]
        return (0, 0) if source == self._entry else _NONE

    def _main(self, unit: int, ahead: list[_Length]) -> int:
        """The input by which the way comes; beside a gate it is the larger value."""
        first = self._nodes(unit)[0]
        places = range(len(ahead))
        if isinstance(first, Stage) and isinstance(first.target, Site):
            ins = first.target.ins
            if first.kind == "mul" and len(ins) == len(ahead):
                known = [t.elements for t in ins]
                if all(isinstance(size, int) for size in known):
                    ordered: list[int] = [s for s in known if isinstance(s, int)]
                    return max(places, key=lambda at: (ordered[at], ahead[at]))
        return max(places, key=lambda at: ahead[at])

    def _weights(self, unit: int) -> int:
        """How many layers with weights a unit stands for."""
        return sum(node.cost.layers for node in self._nodes(unit) if node.cost.params)

    def _beside(self, on_path: dict[int, int]) -> set[int] | None:
        """The units beside the way, if none of them is used twice."""
        beside = set(range(len(self.units))) - on_path.keys()
        uses = dict.fromkeys(beside, 0)
        for sources in self._sources:
            for source in sources:
                if source in uses:
                    uses[source] += 1
        if self._made(self._flat.output) in beside:
            return None
        return beside if all(count == 1 for count in uses.values()) else None

    def _bypass(
        self, source: int, argument: int, on_path: dict[int, int]
    ) -> Bypass | None:
        """A value beside the way, back to where it leaves it."""
        passed: list[int] = []
        while source >= 0 and source not in on_path:
            passed.append(source)
            if not self._sources[source]:
                return Bypass(None, tuple(passed), argument, False)
            if len(self._sources[source]) > 1:
                return None
            source = self._sources[source][0]
        weighty = any(self._weights(unit) for unit in passed)
        return Bypass(source, tuple(passed[::-1]), argument, weighty)

    def _is_heavy(self, bypass: Bypass) -> bool:
        """Whether a branch is more than a shortcut with a projection."""
        return self.maps(bypass.units) > _MOST_WEIGHTS

    def maps(self, units: Sequence[int]) -> int:
        """How many maps with weights units stand for."""
        maps = 0
        for unit in units:
            for node in self._nodes(unit):
                if look(node) in ("convolution", "linear"):
                    maps += 1
                elif look(node) is None:
                    # A block or group: its layers with weights come in pairs of a
                    # map and a normalisation at most.
                    maps += (node.cost.layers + 1) // 2 if node.cost.params else 0
        return maps

    def places(self, unit: int) -> tuple[Size, ...]:
        """The sizes that a unit gives, without the first."""
        return self._nodes(unit)[-1].type.sizes[1:]

    def _kind(self, unit: int, joined: list[Bypass]) -> Kind | None:
        first = self._nodes(unit)[0]
        blind = isinstance(first, Stage) and isinstance(first.target, Unchecked)
        if isinstance(first, Repeat) or look(first) is None or blind:
            # Blocks that get values of the way or constants take them inside.
            return None if any(each.projects for each in joined) else "sum"
        if look(first) != "merge":
            constant = all(each.source is None for each in joined)
            return "gate" if constant else None
        if first.kind in _SUMS:
            return "sum"
        if first.kind == "concat":
            return "concat"
        return "gate" if first.kind == "mul" else None


class _Passed:
    """What stands on the way between two of its units, each looked at once."""

    def __init__(self, ways: _Ways, order: list[int]) -> None:
        self._ways = ways
        self._at = {unit: at for at, unit in enumerate(order)}
        # The maps before each unit; the first of the units before it, one after the
        # other, that give the same places.
        self._maps, self._alike = [0], [0]
        for at, unit in enumerate(order):
            self._maps.append(self._maps[-1] + ways.maps((unit,)))
            same = at and ways.places(order[at - 1]) == ways.places(unit)
            self._alike.append(self._alike[-1] if same else at)
        self._order = order

    def is_part(self, bypass: Bypass, end: int, kind: Kind | None) -> bool:
        """Whether a branch does as much as the way beside it, so that neither passes.

        What is concatenated passes only where it bridges other resolutions, as in an
        hourglass: the branches of a fire module are parts of what it gives.
        """
        if not bypass.projects:
            return False
        begin, to = 0, self._at[end]
        if bypass.source is not None and bypass.source >= 0:
            begin = self._at[bypass.source] + 1
        if kind == "concat":
            places = self._ways.places
            shape = places(bypass.units[-1])
            return begin == to or (
                self._alike[to] <= begin and places(self._order[to - 1]) == shape
            )
        maps = self._maps[to] - self._maps[begin]
        return self._ways.maps(bypass.units) >= maps


def elements(sizes: Sequence[Size]) -> Size:
    """How many numbers a shape holds."""
    total: Size = 1
    for size in sizes:
        total *= size
    return total
