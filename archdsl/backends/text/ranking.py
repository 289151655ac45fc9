"""Where a network's numbers come from: its layers by size, and totals by group.

The copies of a module are counted and never written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archdsl.backends.text.wording import call, human
from archdsl.ir.fold import Fold, Folder
from archdsl.ir.names import Child, children, copies
from archdsl.ir.network import Cost, Module, Network, Repeat, Stage

_HEADS = {"macs": "MACs", "params": "parameters", "activations": "activations"}
_MAX_NAME = 44
_MAX_CALL = 36


class Place(NamedTuple):
    """A layer, how often it stands in the net, and the block around it."""

    path: str
    stage: Stage
    times: int
    block: str


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
    uses: dict[int, list[tuple[int, int]]] = {}
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
            block = scope.block if target.kind == "group" else target.name
            inner = _Scope(target, f"{path}.", block)
            stack.append((inner, _stages(children(target, folder=folder), folder)))
    # Each module after all that use it.
    counts = dict.fromkeys((*uses, *layers), 0)
    counts[id(network.root)] = 1
    for module in reversed(order):
        for used, times in uses[module]:
            counts[used] += counts[module] * times
    return [
        Place(path, stage, counts[at], b) for at, (path, stage, b) in layers.items()
    ]


def _stages(
    found: Iterable[Child], folder: Folder, before: int = 1
) -> Iterator[tuple[str, Stage, int]]:
    """The stages of a scope with their names, and how often each stands there."""
    for child in found:
        times = before
        for copy in child.within:
            times *= copy.fold.count if copy.fold else 1
        if isinstance(child.node, Repeat):
            for name, stage, count in _stages(copies(child.node, folder), folder):
                yield f"{child.name}.{name}", stage, times * count
        else:
            yield child.name, child.node, times


def measure(cost: Cost, by: str, batch: int = 1) -> int:
    """One of the numbers that layers are sorted by; activations are bytes."""
    if by == "params":
        return cost.params
    return batch * (cost.macs if by == "macs" else cost.activation_bytes)


def sorted_table(network: Network, by: str, batch: int = 1) -> str:
    """The layers, the largest first, each with its share of the total."""
    found = [
        (measure(place.stage.cost.times(place.times), by, batch), place)
        for place in places(network)
    ]
    shown = [pair for pair in found if pair[0]]
    shown.sort(key=lambda pair: -pair[0])
    total = measure(network.root.cost, by, batch)
    rows: list[tuple[str, ...]] = [
        (
            _cut(place.path, _MAX_NAME),
            f"×{place.times:,}" if place.times > 1 else "",
            _cut(call(place.stage), _MAX_CALL),
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
    none = sum(place.times for number, place in found if not number)
    if none:
        what = f"{none:,} {'layer has' if none == 1 else 'layers have'}"
        lines += ["", f"{what} no {_HEADS[by]}."]
    return "\n".join((*_title(network, batch), *lines)) + "\n"


def grouped_table(network: Network, by: str, batch: int = 1) -> str:
    """Totals by the kind of layer, or by the innermost block around it."""
    totals: dict[str, Cost] = {}
    for place in places(network):
        key = place.stage.kind if by == "kind" else place.block
        cost = place.stage.cost.times(place.times)
        totals[key] = totals.get(key, Cost()).plus(cost)
    ordered = sorted(
        totals.items(), key=lambda item: (-item[1].macs, -item[1].params, item[0])
    )
    whole = network.root.cost

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
    return "\n".join((*_title(network, batch), *lines)) + "\n"


def _title(network: Network, batch: int) -> tuple[str, str]:
    root = network.root
    samples = "" if batch == 1 else f", a batch of {batch:,}"
    name = network.name or network.source_name
    return f"{name}: {', '.join(map(str, root.inputs))} → {root.type}{samples}", ""


def _size(number: int, by: str) -> str:
    if by != "activations":
        return f"{number:,}"
    return f"{human(number)}B" if number >= 1000 else f"{number} B"


def _share(number: int, total: int) -> str:
    # In whole numbers: the totals may be larger than a float is exact.
    tenths = (2000 * number + total) // (2 * total) if total else 0
    return f"{tenths // 10}.{tenths % 10} %" if tenths else "< 0.1 %"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


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
