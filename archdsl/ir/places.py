"""Which whole numbers a net's inputs may hold: the places in tables they stand for."""

from __future__ import annotations

from typing import TypeAlias

from archdsl.ir.fold import Folder
from archdsl.ir.network import Module, Network, Repeat, Stage
from archdsl.ops import LAYERS
from archdsl.ops.record import Site

_EMBEDDING, _INDEX = LAYERS["embedding"], LAYERS["index"]
# These only move numbers, as those that change the shape alone do.
_MOVES = (LAYERS["concat"], LAYERS["stack"])

# The smallest table reached, and whether the output holds such places too.
_Reached: TypeAlias = tuple[int | None, bool]


def table_sizes(network: Network) -> tuple[int | None, ...]:
    """For each input the number of entries of the smallest table it looks up.

    None where it looks up none, or where that cannot be told since arithmetic comes
    between.
    """
    tables = _Tables()
    root = network.root
    return tuple(
        tables.module(root, frozenset((number,)))[0] if tensor.dtype == "int" else None
        for number, tensor in enumerate(root.inputs)
    )


class _Tables:
    """One pass over a network; `places` are the inputs that hold places of tables."""

    def __init__(self) -> None:
        self._folder = Folder()
        self._known: dict[tuple[int, frozenset[int]], _Reached] = {}

    def module(self, module: Module, places: frozenset[int]) -> _Reached:
        key = (id(module), places)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._search(module, places)
        return found

    def _search(self, module: Module, places: frozenset[int]) -> _Reached:
        flat = self._folder.flat(module)
        held = {-1 - number for number in places}
        smallest: int | None = None
        for at, node in enumerate(flat.nodes):
            given = frozenset(
                number for number, came in enumerate(flat.sources[at]) if came in held
            )
            if not given:
                continue
            size, goes_on = self._node(node, given)
            smallest = _smaller(smallest, size)
            if goes_on:
                held.add(at)
        return smallest, flat.output in held

    def _node(self, node: Stage | Repeat, places: frozenset[int]) -> _Reached:
        if isinstance(node, Stage):
            return self._stage(node, places)
        smallest: int | None = None
        goes_on = True
        for run in node.runs:
            if not goes_on:
                places -= {0}
            stage = run.stage
            taken = frozenset(at for at, k in enumerate(stage.inputs) if k in places)
            size, goes_on = self._stage(stage, taken)
            smallest = _smaller(smallest, size)
        return smallest, goes_on

    def _stage(self, stage: Stage, places: frozenset[int]) -> _Reached:
        target = stage.target
        if not places:
            return None, False
        if isinstance(target, Module):
            return self.module(target, places)
        return _looked_up(target, places)


def _looked_up(site: Site, places: frozenset[int]) -> _Reached:
    layer = site.layer
    if layer is _EMBEDDING:
        return site.whole("n"), False
    if layer is _INDEX and 1 in places:
        size = site.x.sizes[0]
        return (size if isinstance(size, int) else None), False
    return None, layer.look == "shape" or any(layer is each for each in _MOVES)


def _smaller(a: int | None, b: int | None) -> int | None:
    if a is None or b is None:
        return b if a is None else a
    return min(a, b)
