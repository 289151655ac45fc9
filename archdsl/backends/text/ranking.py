"""Where a network's numbers come from: its layers by size, and totals by group.

The copies of a module are counted and never written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archdsl.backends.text.wording import bytes_text, call, shortened, title
from archdsl.ir.fold import Fold, Folder
from archdsl.ir.names import Child, children, copies
from archdsl.ir.network import Cost, Module, Network, Repeat, Stage

_HEADS = {"macs": "MACs", "params": "parameters", "activations": "activations"}
_MAX_NAME = 44
_MAX_CALL = 36


class UndecidedOrderError(ValueError):
    """Layers cannot be ranked by numbers that depend on sizes that are not known."""

    def __init__(self, what: str, symbols: tuple[str, ...]) -> None:
        named = " and ".join(symbols)
        are = "is" if len(symbols) == 1 else "are"
        super().__init__(f"the {what} depend on {named}, which {are} not known")
        self.symbols = symbols


class _Times(NamedTuple):
    """How often something stands in the net.

    `evaluated` leaves out what is computed in training only, `owned` what uses the
    weights of another one.
    """

    standing: int
    evaluated: int
    owned: int

    def plus(self, outer: _Times, use: _Times) -> _Times:
        """With a part of `outer` that holds it so often."""
        pairs = zip(self, outer, use, strict=True)
        return _Times(*(before + a * b for before, a, b in pairs))


_ONCE = _Times(1, 1, 1)


class Place(NamedTuple):
    """A layer, how often it stands in the net, and the block around it.

    `cost` is that of all its equals together: what it adds to the net's totals.
    """

    path: str
    stage: Stage
    times: int
    block: str
    cost: Cost


class _Strict(Folder):
    """Takes only copies together that are equal, sizes too."""

    def folded(self, repeat: Repeat) -> list[Fold]:
        return [Fold((run.stage,), (run.count,)) for run in repeat.runs]


class _Scope(NamedTuple):
    """A module where it stands first."""

    module: Module
    path: str
    block: str


def places(network: Network) -> list[Place]:
    """Every layer once, in the order of the text, with the number of its equals."""
    folder = _Strict()
    layers: dict[int, tuple[str, Stage, str]] = {}
    uses: dict[int, list[tuple[int, _Times]]] = {}
    order: list[int] = []
    first = _Scope(network.root, "", "")
    uses[id(network.root)] = []
    stack = [(first, _stages(children(network.root, folder=folder), folder))]
    while stack:
        scope, rest = stack[-1]
        found = next(rest, None)
        if found is None:
            order.append(id(scope.module))
            stack.pop()
            continue
        name, stage, times = found
        path = scope.path + name
        target = stage.target
        here = uses[id(scope.module)]
        if not isinstance(target, Module):
            here.append((id(stage), times))
            layers.setdefault(id(stage), (path, stage, scope.block))
            continue
        here.append((id(target), times))
        if id(target) not in uses:
            uses[id(target)] = []
            block = scope.block if target.kind == "group" else _named(target, network)
            inner = _Scope(target, f"{path}.", block)
            stack.append((inner, _stages(children(target, folder=folder), folder)))
    # Each module after all that use it.
    counts = dict.fromkeys((*uses, *layers), _Times(0, 0, 0))
    counts[id(network.root)] = _ONCE
    for module in reversed(order):
        for used, times in uses[module]:
            counts[used] = counts[used].plus(counts[module], times)
    return [
        Place(path, stage, counts[at].standing, b, _cost(stage.cost, counts[at]))
        for at, (path, stage, b) in layers.items()
    ]


def _cost(one: Cost, times: _Times) -> Cost:
    return Cost(
        params=one.params * times.owned,
        trainable=one.trainable * times.owned,
        macs=one.macs * times.evaluated,
        activation_bytes=one.activation_bytes * times.evaluated,
        connections=one.connections * times.evaluated,
        layers=one.layers * times.standing,
    )


def _stages(
    found: Iterable[Child], folder: Folder, before: _Times = _ONCE
) -> Iterator[tuple[str, Stage, _Times]]:
    """The stages of a scope with their names, and how often each stands there."""
    for child in found:
        count = 1
        for copy in child.within:
            count *= copy.fold.count if copy.fold else 1
        times = _Times(
            before.standing * count,
            0 if child.training else before.evaluated * count,
            0 if child.node.shared else before.owned * count,
        )
        if isinstance(child.node, Repeat):
            inner = _stages(copies(child.node, folder), folder, times)
            for name, stage, each in inner:
                yield f"{child.name}.{name}", stage, each
        else:
            yield child.name, child.node, times


def _named(block: Module, network: Network) -> str:
    """A block's name, with its file if that is another one than the net's."""
    source = block.span.source
    own = source is network.root.span.source
    return block.name if own else f"{block.name} ({source.name})"


def measure(cost: Cost, by: str, batch: int = 1) -> int:
    """One of the numbers that layers are sorted by; activations are bytes.

    Raises UndecidedOrderError if it depends on sizes that are not known.
    """
    if by == "params":
        return cost.params
    number = batch * (cost.macs if by == "macs" else cost.activation_bytes)
    if not isinstance(number, int):
        raise UndecidedOrderError(_HEADS[by], number.symbols)
    return number


def sorted_table(network: Network, by: str, batch: int = 1) -> str:
    """The layers, the largest first, each with its share of the total.

    Raises UndecidedOrderError if the numbers depend on sizes that are not known.
    """
    total = measure(network.root.cost, by, batch)
    found = [(measure(place.cost, by, batch), place) for place in places(network)]
    shown = [pair for pair in found if pair[0]]
    shown.sort(key=lambda pair: -pair[0])
    rows: list[tuple[str, ...]] = [
        (
            shortened(place.path, _MAX_NAME),
            f"×{place.times:,}" if place.times > 1 else "",
            shortened(call(place.stage), _MAX_CALL),
            str(place.stage.type),
            _size(number, by),
            _share(number, total),
        )
        for number, place in shown
    ]
    head = ("layer", "", "call", "output", _HEADS[by], "share")
    last = ("total", "", "", "", _size(total, by), "")
    lines = _table(head, rows, last, left=(0, 2, 3))
    if any(place.times > 1 for _, place in shown):
        lines += [
            "",
            "A layer beside ×n stands for equal copies; its number is for all of them.",
        ]
    idle = [p for number, p in found if not number]
    none = sum(p.times for p in idle if not measure(p.stage.cost, by))
    if none:
        what = f"{none:,} {'layer has' if none == 1 else 'layers have'}"
        lines += ["", f"{what} no {_HEADS[by]}."]
    if any(measure(place.stage.cost, by) for place in idle):
        lines += ["", "What is computed in training only is left out."]
    return "\n".join((title(network, batch), "", *lines)) + "\n"


def grouped_table(network: Network, by: str, batch: int = 1) -> str:
    """Totals by the kind of layer, or by the innermost block around it.

    Raises UndecidedOrderError if the numbers depend on sizes that are not known.
    """
    whole = network.root.cost
    for key in ("macs", "activations"):
        measure(whole, key)
    totals: dict[str, Cost] = {}
    for place in places(network):
        key = place.stage.kind if by == "kind" else place.block
        totals[key] = totals.get(key, Cost()).plus(place.cost)
    ordered = sorted(
        totals.items(), key=lambda item: (-item[1].macs, -item[1].params, item[0])
    )

    def cells(name: str, cost: Cost, shares: bool) -> tuple[str, ...]:
        row = [name, f"{cost.layers:,}"]
        for key in ("params", "macs", "activations"):
            number = measure(cost, key, batch)
            row += [_size(number, key) if number or not shares else ""]
            total = measure(whole, key, batch)
            row += [_share(number, total) if shares and number else ""]
        return tuple(row)

    rows = [cells(name or "(the net)", cost, True) for name, cost in ordered]
    head = (by, "layers", "parameters", "", "MACs", "", "activations", "")
    lines = _table(head, rows, cells("total", whole, False), left=(0,))
    if by == "block":
        lines += ["", "A layer counts for the innermost block around it."]
    return "\n".join((title(network, batch), "", *lines)) + "\n"


def _size(number: int, by: str) -> str:
    return bytes_text(number) if by == "activations" else f"{number:,}"


def _share(number: int, total: int) -> str:
    # In whole numbers: the totals may be larger than a float is exact.
    tenths = (2000 * number + total) // (2 * total) if total else 0
    return f"{tenths // 10}.{tenths % 10} %" if tenths else "< 0.1 %"


def _table(
    head: tuple[str, ...],
    rows: list[tuple[str, ...]],
    last: tuple[str, ...],
    left: tuple[int, ...],
) -> list[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, last, strict=True)]

    def line(cells: tuple[str, ...]) -> str:
        return "  ".join(
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()

    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    return [line(head), rule, *map(line, rows), rule, line(last)]
