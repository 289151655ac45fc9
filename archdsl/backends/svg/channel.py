"""The space between two rows: which line runs where.

Lines go along the flow, and across it on tracks. No two lines of different values
share a piece of track, nor a piece of the way to it.
"""

from __future__ import annotations

from archdsl.backends.svg.lanes import Net
from archdsl.backends.svg.level import Link, Node

TRACK = 8.0
# So close are lines taken for one.
_NEAR = 4.0


class Wire:
    """Values that run to the same places: where they come from and where they end."""

    __slots__ = ("bottoms", "nets", "tops", "track")

    def __init__(self) -> None:
        self.nets: list[Net] = []
        self.tops: list[float] = []
        # Where it goes on, with the node and the link that ends there, if one does.
        self.bottoms: list[tuple[float, Node, Link | None]] = []
        self.track = -1

    @property
    def straight(self) -> bool:
        at = self.tops[0]
        ends = (*self.tops, *(bottom[0] for bottom in self.bottoms))
        return all(abs(x - at) < 0.01 for x in ends)

    @property
    def reach(self) -> tuple[float, float]:
        ends = [*self.tops, *(bottom[0] for bottom in self.bottoms)]
        return min(ends), max(ends)


# The wires that come to each box, and which of their ends do.
Arriving = dict[Node, list[tuple[Wire, int]]]


def wires(
    tops: dict[Net, float], ends: dict[Net, list[tuple[Node, Link | None]]]
) -> tuple[list[Wire], Arriving]:
    """Join what ends in the same places, and give each wire its place on the heads."""
    joined: dict[tuple[object, ...], Wire] = {}
    for net, x in tops.items():
        key: tuple[object, ...] = (net,)
        if all(
            link is not None and (node.box is None or node.box.commutes)
            for node, link in ends[net]
        ):
            key = tuple((node, link.into) for node, link in ends[net] if link)
        wire = joined.get(key)
        if wire is None:
            wire = joined[key] = Wire()
            wire.bottoms = [(0.0, node, link) for node, link in ends[net]]
        wire.nets.append(net)
        wire.tops.append(x)
    made = list(joined.values())
    arriving: Arriving = {}
    for wire in made:
        for at, (_, node, link) in enumerate(wire.bottoms):
            if link is not None and node.kind == "frame":
                x = node.across + node.enters[link.into]
                wire.bottoms[at] = (x, node, link)
            elif node.kind != "box":
                wire.bottoms[at] = (node.across, node, link)
            else:
                arriving.setdefault(node, []).append((wire, at))
    for node, found in arriving.items():
        for (wire, at), x in zip(found, _spread(node, found), strict=True):
            wire.bottoms[at] = (x, node, wire.bottoms[at][2])
    return made, arriving


def _spread(node: Node, found: list[tuple[Wire, int]]) -> list[float]:
    """Where lines come in on a box: in the order in which they arrive."""
    if len(found) == 1:
        return [node.across]
    middle = [sum(wire.tops) / len(wire.tops) for wire, _ in found]
    order = sorted(range(len(found)), key=lambda k: (middle[k], k))
    step = min(14.0, (node.wide - 8) / len(found))
    straight = [k for k in order if abs(middle[k] - node.across) < 0.01]
    zero = (len(found) - 1) / 2
    if straight:
        zero = order.index(straight[0])
        most = max(zero, len(found) - 1 - zero)
        step = min(14.0, (node.wide / 2 - 4) / most)
    at = [0.0] * len(found)
    for number, k in enumerate(order):
        at[k] = node.across + (number - zero) * step
    return at


def assign(made: list[Wire]) -> int:
    """Give each wire that is not straight a track; returns how many there are."""
    bent = [wire for wire in made if not wire.straight]
    above: dict[Wire, list[Wire]] = {wire: [] for wire in bent}
    for wire in bent:
        for other in bent:
            if other is not wire and _before(other, wire):
                above[wire].append(other)
    tracks: list[list[tuple[float, float]]] = []
    waiting = sorted(bent, key=lambda wire: (wire.reach[1] - wire.reach[0], wire.reach))
    while waiting:
        ready = [w for w in waiting if all(o.track >= 0 for o in above[w])]
        wire = (ready or waiting)[0]
        waiting.remove(wire)
        low, high = wire.reach
        least = max((other.track + 1 for other in above[wire]), default=0)
        while least < len(tracks) and any(
            low < end + _NEAR and begin < high + _NEAR for begin, end in tracks[least]
        ):
            least += 1
        while least >= len(tracks):
            tracks.append([])
        tracks[least].append((low, high))
        wire.track = least
    return len(tracks)


def _before(upper: Wire, lower: Wire) -> bool:
    """Whether a wire must run above another: it comes down where that one goes on."""
    return any(
        abs(top - bottom[0]) < _NEAR for top in upper.tops for bottom in lower.bottoms
    )
