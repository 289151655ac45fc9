"""The space between two rows: which line runs where.

Lines go along the flow, and across it on tracks. No two lines of different values
share a piece of track, nor a piece of the way to it.
"""

from __future__ import annotations

import heapq
from bisect import bisect
from collections.abc import Iterable, Iterator

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
    """Give each wire that is not straight a track; returns how many there are.

    The shortest comes first, but for those that must run below one that has none yet.
    """
    reaches = {wire: wire.reach for wire in made if not wire.straight}
    bent = sorted(reaches, key=lambda w: (reaches[w][1] - reaches[w][0], reaches[w]))
    above, below = _orders(bent)
    tracks = Tracks(reaches.values())
    missing = [len(upper) for upper in above]
    ready = [at for at, count in enumerate(missing) if not count]
    first = 0
    for _ in bent:
        while bent[first].track >= 0:
            first += 1
        # Where each must run below another, one has to begin.
        at = heapq.heappop(ready) if ready else first
        wire = bent[at]
        least = max((bent[upper].track + 1 for upper in above[at]), default=0)
        wire.track = tracks.take(reaches[wire], least)
        for lower in below[at]:
            missing[lower] -= 1
            if not missing[lower] and bent[lower].track < 0:
                heapq.heappush(ready, lower)
    return tracks.count


def _orders(bent: list[Wire]) -> tuple[list[list[int]], list[list[int]]]:
    """Which wires must run above each, and which below: by their numbers.

    A wire that comes down where another goes on must run above it.
    """
    tops = sorted((top, at) for at, wire in enumerate(bent) for top in wire.tops)
    above: list[list[int]] = []
    below: list[list[int]] = [[] for _ in bent]
    for at, wire in enumerate(bent):
        upper: set[int] = set()
        for x, *_ in wire.bottoms:
            near = bisect(tops, (x - _NEAR, len(bent)))
            while near < len(tops) and tops[near][0] - x < _NEAR:
                upper.add(tops[near][1])
                near += 1
        upper.discard(at)
        above.append(sorted(upper))
        for other in upper:
            below[other].append(at)
    return above, below


class Tracks:
    """Which tracks are taken where: a tree over the places, with a bit for each track.

    `_all` are the tracks taken all along a part, `_any` those taken somewhere in it.
    """

    def __init__(self, reaches: Iterable[tuple[float, float]]) -> None:
        places = {x for low, high in reaches for x in (low, high + _NEAR)}
        self._at = {x: at for at, x in enumerate(sorted(places))}
        self._leaves = len(self._at)
        self._all = [0] * (2 * self._leaves)
        self._any = [0] * (2 * self._leaves)
        self.count = 0

    def take(self, reach: tuple[float, float], least: int) -> int:
        """Take the first track from `least` on that is free where a wire reaches."""
        begin, end = self._at[reach[0]], self._at[reach[1] + _NEAR]
        parts = list(self._parts(begin, end))
        taken = 0
        for part in parts:
            taken |= self._any[part]
            while part > 1:
                part //= 2
                taken |= self._all[part]
        rest = taken >> least
        track = least + (~rest & (rest + 1)).bit_length() - 1
        bit = 1 << track
        for part in parts:
            self._all[part] |= bit
            while part:
                self._any[part] |= bit
                part //= 2
        self.count = max(self.count, track + 1)
        return track

    def _parts(self, begin: int, end: int) -> Iterator[int]:
        """The parts of the tree that make up a range of places."""
        begin, end = begin + self._leaves, end + self._leaves
        while begin < end:
            if begin % 2:
                yield begin
                begin += 1
            if end % 2:
                end -= 1
                yield end
            begin, end = begin // 2, end // 2
