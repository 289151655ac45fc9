"""The order of inputs, where the picture does not show it by itself.

Lines that come from above a merge, from left to right in the order of the inputs, need
no numbers. All others have them, each beside its end.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.backends.svg.channel import Arriving
from archdsl.backends.svg.content import label_size
from archdsl.backends.svg.level import Link, Node

# From a line, or from the box, to the number beside it; and its height.
_OFF = 2.0
_HIGH = 11.0
# An arrowhead.
_HEAD = 6.0
# So much an arrow needs along the flow, with a number beside it.
ARRIVE = 16.0

# Across the flow and along it: the corner and the size.
Place = tuple[float, float, float, float]


def numbers(
    row: Iterable[Node], arriving: Arriving, ordered: dict[Node, list[Link]]
) -> dict[Link, str]:
    """What is written beside lines to the merges of a row, by the wires above it."""
    found = {}
    for node in row:
        links = ordered.get(node)
        if not links:
            continue
        above = [wire.bottoms[at] for wire, at in arriving.get(node, ())]
        above.sort(key=lambda bottom: bottom[0])
        order = [number for _, _, link in above if link for number in link.inputs]
        if len(above) < len(links) or order != sorted(order):
            for link in links:
                found[link] = ", ".join(map(str, link.inputs))
    return found


def above(x: float, head: float, text: str, flat: bool) -> Place:
    """Where a number stands beside a line that comes to the near end of a merge."""
    wide, _ = label_size(text)
    if flat:
        return x + _OFF, head - _HEAD - _OFF - wide, _HIGH, wide
    return x + _OFF + 2, head - _HIGH - 1, wide, _HIGH


def aside(side: float, right: bool, middle: float, text: str, flat: bool) -> Place:
    """Where a number stands beside a line that comes to a side of a merge."""
    wide, _ = label_size(text)
    if flat:
        at = side + _OFF if right else side - _OFF - _HIGH
        return at, middle + _OFF + 1, _HIGH, wide
    at = side + _OFF if right else side - _OFF - wide
    return at, middle - _OFF - _HIGH, wide, _HIGH


def room(node: Node, count: int, flat: bool) -> None:
    """Make a merge wide enough for lines with numbers, and keep its sides free."""
    step = 15.0 if flat else 14.0
    node.wide = max(node.wide, count * step + 8)
    node.left = node.right = node.wide / 2 + _OFF + 3
