"""A level that goes down and comes back up: the columns of an encoder and a decoder.

Where many values go past one place and come back in the reverse order, the flow turns
there. The columns before the turn go down, those behind it stand head down and go up.
A value that goes past the turn leaves its column by the side and comes in by the side:
straight across where the two columns are neighbours, else over the top of others.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from archdsl.backends.svg.channel import TRACK
from archdsl.backends.svg.lanes import Net, Rows
from archdsl.backends.svg.level import Link, Node
from archdsl.backends.svg.place import (
    GUTTER,
    PAD,
    Column,
    Far,
    Layout,
    Line,
    Point,
    fill,
    last_row,
    reaches,
    shift,
    spread,
    stack,
)

# A turn needs so many values that go past it.
FEWEST = 2
# About so many rows at which most values go past are looked at.
_ROWS = 2
# Where more than this stands in rows, values that go by among it, none is looked for.
_MOST = 50_000
# A value that goes past fewer rows does not ask for a turn.
_LONG = 3
# From a column's boxes to where values come out at its side.
_SIDE = 4.0


class _Way(NamedTuple):
    """How a value goes from one column to the next: in a gutter, or past the turn."""

    net: Net
    begin: int
    end: int


def turns(rows: Rows) -> list[int]:
    """The rows before which the flow may turn: most values go past, all in order."""
    if sum(map(len, rows.rows)) > _MOST:
        return []
    ends: dict[int, int] = {}
    for net in rows.nets:
        first = net.tail.row
        last = max(link.head.row for link in net.links)
        if last - first > _LONG:
            ends[first + 2] = ends.get(first + 2, 0) + 1
            ends[last + 1] = ends.get(last + 1, 0) - 1
    counts: dict[int, int] = {}
    past = 0
    for row in range(len(rows.rows)):
        past += ends.get(row, 0)
        counts[row] = past
    most = max(counts.values(), default=0)
    if most < FEWEST:
        return []
    rows_of_most = [row for row, count in counts.items() if count == most]
    some = rows_of_most[:: max(1, len(rows_of_most) // _ROWS)]
    return [row for row in some if len(going_past(rows, row)) >= FEWEST]


def going_past(rows: Rows, turn: int) -> dict[Net, Link]:
    """The values that go past a turn, the outermost first; none if they are not nested.

    One that goes to several places behind the turn is led along with the flow.
    """
    found: dict[Net, Link] = {}
    for net in rows.nets:
        if net.tail.row < turn - 1:
            behind = [link for link in net.links if link.head.row >= turn]
            if len(behind) == 1:
                found[net] = behind[0]
    order = sorted(found, key=lambda net: net.tail.row)
    for outer, inner in pairwise(order):
        nested = found[outer].head.row > found[inner].head.row
        if outer.tail.row == inner.tail.row or not nested:
            return {}
    return {net: found[net] for net in order}


def place_turned(layout: Layout, breaks: list[int], turn: int) -> None:
    """Place the nodes of the whole in columns; those from the row `turn` on go up.

    No value that only goes past the turn may come from the last row of a column.
    """
    made = _Turned(layout, breaks, turn)
    made.run({}, 0.0, 0.0)
    made.align()
    made.finish()


def measure(layout: Layout, turn: int) -> None:
    """Tell how long and wide the rows are when the flow turns: in the extents."""
    made = _Turned(layout, [turn], turn)
    made.run({}, 0.0, 0.0)
    layout.crossing = [len(span) for span in made.spans]


class _Turned:
    def __init__(self, layout: Layout, breaks: list[int], turn: int) -> None:
        layout.clear()
        self.layout = layout
        rows = layout.rows
        self.past = going_past(rows, turn)
        firsts = [0, *breaks]
        afters = [*breaks, len(rows.rows)]
        self.bounds = list(zip(firsts, afters, strict=True))
        # The number of the first column that goes up.
        self.up = firsts.index(turn)
        self.ways = [
            _Way(net, self._column(net.tail.row), self._column(link.head.row))
            for net, link in self.past.items()
        ]
        self.rows: list[list[Node]] = []
        self._leave()
        self.spans = reaches(rows, layout.far)
        self.over = [w for w in self.ways if (w.begin, w.end) != (self.up - 1, self.up)]
        # The most values that are led from one column to the next.
        self.carried = max(len(self.spans[first - 1]) for first in breaks)
        band = (self.carried + len(self.over)) * TRACK + PAD
        self.begin = PAD + band
        self.bottom = 0.0

    def _column(self, row: int) -> int:
        return next(n for n, (_, after) in enumerate(self.bounds) if row < after)

    def _leave(self) -> None:
        """Values leave by the side: they do not go by the rows that follow."""
        layout, rows = self.layout, self.layout.rows
        hidden: set[Node] = set()
        for net, link in self.past.items():
            aside = link in net.side and _clear_side(rows, link.head)
            layout.far[net] = Far(link, aside)
            layout.leaving[net.tail.row], layout.coming[link.head.row] = net, net
            last = last_row(net, layout.far)
            last += any(one in net.side for one in net.links if one is not link)
            for row in range(last, link.head.row + 1):
                node = rows.passing[row].get(net)
                if node is not None:
                    hidden.add(node)
        self.rows = [[node for node in row if node not in hidden] for row in rows.rows]

    # One pass

    def run(
        self, slack: dict[tuple[int, bool], float], first: float, entry: float
    ) -> None:
        """Place all columns; the ways between them are led afterwards.

        `first` is more space above the last column that goes down, `entry` below the
        first that goes up.
        """
        layout, rows = self.layout, self.layout.rows
        layout.lines, layout.labels, layout.slack = [], [], slack
        self.columns: list[Column] = []
        # Per column: how each value comes out of it at the end, and by the side.
        self.trails: list[dict[Net, list[Point]]] = []
        self.gone: dict[Net, list[Point]] = {}
        self.came: dict[Net, Line] = {}
        self.own: list[tuple[list[Line], tuple[int, int]]] = []
        edge = 0.0
        for number, (begin, after) in enumerate(self.bounds):
            column = Column(begin, after - 1)
            carried = self.spans[begin - 1] if number else []
            fill(column, rows, carried)
            column.rows[1:] = self.rows[begin:after]
            spread(column, rows, layout)
            gutter = len(self._gutter(number)) * TRACK + GUTTER if number else PAD
            shift(column, edge + gutter - column.left)
            layout.edge.across = column.right + _SIDE
            start = self.begin + (first if number == self.up - 1 else 0.0)
            if number >= self.up:
                start = PAD + (entry if number == self.up else 0.0)
            trails: dict[Net, list[Point]] = {net: [] for net in carried}
            lines, labels = len(layout.lines), len(layout.labels)
            layout.gone = self.gone
            stack(column, layout, start, trails, self.spans)
            self.columns.append(column)
            self.trails.append(trails)
            told = labels, len(layout.labels)
            self.own.append((layout.lines[lines:], told))
            edge = column.right
        layout.wide = edge + PAD
        far = {id(each.link): net for net, each in layout.far.items()}
        for line in layout.lines:
            if id(line.link) in far:
                self.came[far[id(line.link)]] = line
        self.bottom = max(self._ends(set()))

    def _ends(self, without: set[int]) -> list[float]:
        """How far down the columns ask the bottom to be."""
        return [
            column.end + (PAD if number < self.up else self.begin)
            for number, column in enumerate(self.columns)
            if number not in without
        ]

    def _gutter(self, number: int) -> list[Net]:
        """The values that run along the gutter before a column, from left to right."""
        leaving = [way.net for way in self.over if way.begin == number - 1]
        coming = [way.net for way in self.over[::-1] if way.end == number]
        if number == self.up:
            return leaving + coming
        carried = self.spans[self.bounds[number][0] - 1]
        return leaving + carried if number < self.up else carried + coming

    # Alignment

    def align(self) -> None:
        """Place all again, the two ends of what goes straight across at one height."""
        direct = [way.net for way in self.ways if way not in self.over]
        if not direct:
            return
        down = [self.gone[net][-1][1] for net in direct]
        up = [self.came[net].points[0][1] for net in direct]
        slack: dict[tuple[int, bool], float] = {}
        grown_down = grown_up = 0.0
        for k in range(len(direct) - 1):
            more = (up[k] - up[k + 1]) - (down[k + 1] - down[k])
            if more > 0:
                slack[direct[k + 1].tail.row, True] = more
                grown_down += more
            else:
                link, aside = self.layout.far[direct[k]]
                slack[link.head.row - (not aside), aside] = -more
                grown_up -= more
        left, right = self.columns[self.up - 1], self.columns[self.up]
        # The innermost value goes across so far from the top, and from the bottom.
        last, rest = down[-1] + grown_down, up[-1]
        first = max(0.0, self.begin + right.end + grown_up - rest - last)
        last += first
        others = self._ends({self.up - 1, self.up})
        bottom = max(
            left.end + grown_down + first + PAD,
            last + rest,
            *others,
        )
        self.run(slack, first, bottom - last - rest)
        self.bottom = bottom

    # Ways

    def finish(self) -> None:
        """Turn the columns that go up, and join what goes from column to column."""
        layout = self.layout
        for number in range(self.up, len(self.columns)):
            self._turn(number)
        nets = {(net.tail, net.outof): net for net in layout.rows.nets}
        ends: dict[Net, list[Point]] = {}
        for number in range(len(self.columns)):
            carried = self._lead(number, ends) if number else {}
            for line in self.own[number][0]:
                net = nets[line.link.tail, line.link.outof]
                line.points[:0] = carried.get(net, ())
            ends = {
                net: carried.get(net, []) + self._turned(number, trail)
                for net, trail in self.trails[number].items()
            }
        for way in self.ways:
            self._cross(way)
        layout.long = self.bottom + (self.carried + 1) * TRACK + PAD / 2

    def _turned(self, number: int, points: Iterable[Point]) -> list[Point]:
        if number < self.up:
            return list(points)
        column = self.columns[number]
        ends = column.left + column.right
        return [(ends - x, self.bottom - y) for x, y in points]

    def _turn(self, number: int) -> None:
        column, layout = self.columns[number], self.layout
        ends = column.left + column.right
        for row in column.rows:
            for node in row:
                node.across = ends - node.across
                node.along = self.bottom - node.along - node.long
                node.turned = True
        column.out = {net: ends - x for net, x in column.out.items()}
        lines, (begin, after) = self.own[number]
        for line in lines:
            line.points[:] = self._turned(number, line.points)
        layout.labels[begin:after] = [
            label._replace(
                across=ends - label.across - label.wide,
                along=self.bottom - label.along - label.long,
            )
            for label in layout.labels[begin:after]
        ]

    def _lead(
        self, number: int, ends: dict[Net, list[Point]]
    ) -> dict[Net, list[Point]]:
        """Lead values from the end of one column to the beginning of the next."""
        before, column = self.columns[number - 1], self.columns[number]
        nets = sorted(column.entry, key=lambda net: before.out[net])
        found = {}
        for at, net in enumerate(nets):
            back = len(nets) - 1 - at
            begin, end = before.out[net], column.entry[net].across
            x = before.right + GUTTER / 2 + back * TRACK
            if number == self.up:
                low = self.bottom + TRACK * (back + 1)
                way = [(begin, low), (end, low)]
            elif number < self.up:
                x += TRACK * (len(self._gutter(number)) - len(nets))
                low = self.bottom + TRACK * (back + 1)
                high = self.begin - PAD - TRACK * at
                way = [(begin, low), (x, low), (x, high), (end, high)]
            else:
                low = self.bottom + TRACK * (at + 1)
                high = self.begin - PAD - TRACK * back
                way = [(begin, high), (x, high), (x, low), (end, low)]
            found[net] = ends[net] + way
        return found

    def _cross(self, way: _Way) -> None:
        """Lead a value from the side of one column to that of another."""
        gone, line = self.gone[way.net], self.came[way.net]
        height, end = gone[-1][1], line.points[0][1]
        if way not in self.over:
            # Both are at one height but for what is lost in adding up.
            line.points[:] = gone + [
                (x, height if y == end else y) for x, y in line.points
            ]
            return
        begin, back = self._x(way.begin + 1, way.net), self._x(way.end, way.net)
        level = self.carried + len(self.over) - 1 - self.over.index(way)
        top = self.begin - PAD - TRACK * level
        line.points[:0] = [
            *gone,
            (begin, height),
            (begin, top),
            (back, top),
            (back, end),
        ]

    def _x(self, number: int, net: Net) -> float:
        """Where a value runs in the gutter before a column."""
        at = self._gutter(number).index(net)
        return self.columns[number - 1].right + GUTTER / 2 + at * TRACK


def mark(layout: Layout) -> None:
    """Say that what goes past the turn is drawn as a skip, up to a box."""
    marked = [link for link, _ in layout.far.values()]
    for link in marked:
        link.far = True
        inner = link.head.inner
        if inner is not None and link.into:
            port = inner.ins[link.into]
            marked += [each for each in inner.links.values() if each.tail is port]


def _clear_side(rows: Rows, head: Node) -> bool:
    """Whether nothing but lines stands to the right of a node."""
    return all(node.kind == "pass" for node in rows.rows[head.row][head.slot + 1 :])
