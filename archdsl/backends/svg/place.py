"""Rows and lanes to places: the geometry of one level.

All is said across the flow and along it, so that both directions are the same.
"""

from __future__ import annotations

from typing import NamedTuple

from archdsl.backends.svg import numbers
from archdsl.backends.svg.channel import TRACK, Wire, assign, wires
from archdsl.backends.svg.content import label_size
from archdsl.backends.svg.lanes import Net, Rows
from archdsl.backends.svg.level import Level, Link, Node

# Between boxes, and between a box and a line that passes by.
GAP = 12.0
PASS = 9.0
PAD = 9.0
# Along the flow: before a channel's tracks, and for the arrow behind them.
LEAVE = 6.0
ARRIVE = 10.0
GUTTER = 19.0
# The flow leaves a frame so far aside, of all there is on that side, that what follows
# goes there.
_ASIDE = 0.4

Point = tuple[float, float]


class Line(NamedTuple):
    """The way of a link, or of all that run together."""

    points: list[Point]
    link: Link


class Label(NamedTuple):
    """Text beside a line; it begins at the point."""

    text: str
    across: float
    along: float
    wide: float
    long: float


class Far(NamedTuple):
    """The link by which a value goes far, and whether it comes to the head's side."""

    link: Link
    aside: bool


class Layout:
    """Where all in a level is, from the level's own corner."""

    def __init__(self, level: Level, rows: Rows, flat: bool) -> None:
        self.level = level
        self.rows = rows
        self.flat = flat
        self.wide = self.long = 0.0
        self.lines: list[Line] = []
        # Lines whose heads stand in a row that is not placed yet.
        self.open: list[Line] = []
        self.labels: list[Label] = []
        # Per row: where it begins and ends, across and along, with what follows.
        self.extents: list[tuple[float, float, float, float]] = []
        # How many values go on from each row to the next.
        self.crossing: list[int] = []
        # Values that leave a column by its side, for another behind a turn; the edge
        # is where they go out and come in. `gone` is how they leave.
        self.far: dict[Net, Far] = {}
        # The same by the rows where they begin and end: one in each at most.
        self.leaving: dict[int, Net] = {}
        self.coming: dict[int, Net] = {}
        self.edge = Node("pass")
        self.gone: dict[Net, list[Point]] = {}
        # What is written beside the ends of lines to a merge.
        self.numbers: dict[Link, str] = {}
        # Space to be left before a row, or below it.
        self.slack: dict[tuple[int, bool], float] = {}

    def clear(self) -> None:
        """Forget where all is, and that anything goes far or is turned."""
        self.lines, self.labels = [], []
        self.far, self.leaving, self.coming = {}, {}, {}
        self.slack, self.numbers = {}, {}
        for node in self.level.nodes:
            node.turned = False

    def label_size(self, text: str) -> tuple[float, float]:
        """The size of a label across the flow and along it."""
        wide, high = label_size(text)
        return (high, wide) if self.flat else (wide, high)


class Column:
    """Some rows on end. What comes from the column before stands in row -1."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        self.rows: list[list[Node]] = []
        self.entry: dict[Net, Node] = {}
        self.out: dict[Net, float] = {}
        self.left = self.right = self.end = 0.0


def place(layout: Layout, breaks: list[int]) -> None:
    """Place the nodes of a level, in columns that begin at the rows in `breaks`."""
    rows, level = layout.rows, layout.level
    layout.clear()
    layout.extents = [(0.0, 0.0, 0.0, 0.0)] * len(rows.rows)
    spans = reaches(rows, {})
    layout.crossing = [len(span) for span in spans]
    trails: dict[Net, list[Point]] = {}
    columns = []
    firsts = [0, *breaks]
    for first, after in zip(firsts, [*breaks, len(rows.rows)], strict=True):
        columns.append(Column(first, after - 1))
    whole = not level.frame.id
    most = max((len(spans[row - 1]) for row in breaks), default=0)
    band = most * TRACK + PAD if breaks else 0.0
    begin = (PAD if whole else 3.0) + band
    edge = 0.0
    for number, column in enumerate(columns):
        carried = spans[column.first - 1] if number else []
        fill(column, rows, carried)
        spread(column, rows, layout)
        gutter = len(carried) * TRACK + GUTTER if number else PAD
        shift(column, edge + gutter - column.left)
        if number:
            _carry(columns[number - 1], column, trails, edge, begin, layout)
        stack(column, layout, begin, trails, spans)
        edge = column.right
    layout.wide = edge + PAD
    bottom = max(column.end for column in columns)
    if breaks:
        _sink(bottom + PAD / 2, layout)
        bottom += band
    layout.long = bottom + (PAD if whole or not level.outs else 0.0)
    for node in level.outs.values():
        node.along = layout.long
    for line in layout.lines:
        if line.link.head.kind == "out":
            line.points[-1] = (line.points[-1][0], layout.long)


def reaches(rows: Rows, far: dict[Net, Far]) -> list[list[Net]]:
    """The values that go from each row to the next, not counting where they go far."""
    found: list[list[Net]] = [[] for _ in rows.rows]
    for net in rows.nets:
        for row in range(net.tail.row, last_row(net, far)):
            found[row].append(net)
    return found


def last_row(net: Net, far: dict[Net, Far]) -> int:
    """The last row that a value goes to along the flow."""
    away = far[net].link if net in far else None
    last = net.final(away)
    return last if last >= 0 else net.tail.row + 1


def fill(column: Column, rows: Rows, carried: list[Net]) -> None:
    """Give a column its rows, and one above them for what is carried into it."""
    entry = []
    for net in carried:
        node = Node("pass")
        node.lane = net.lane
        node.row = column.first - 1
        column.entry[net] = node
        entry.append(node)
    entry.sort(key=lambda node: rows.lanes[node.lane].place)
    column.rows = [entry, *rows.rows[column.first : column.last + 1]]


def _gap(before: Node, after: Node) -> float:
    gaps = {"box": GAP, "frame": GAP, "room": GAP / 2}
    return max(gaps.get(before.kind, PASS), gaps.get(after.kind, PASS))


def spread(column: Column, rows: Rows, layout: Layout) -> None:
    """Find the lanes' places: as near to their parents as the rows allow."""
    beside: dict[int, list[tuple[Node, Node | None, Node | None]]] = {}
    for row in column.rows:
        for slot, node in enumerate(row):
            before = row[slot - 1] if slot else None
            after = row[slot + 1] if slot + 1 < len(row) else None
            beside.setdefault(node.lane, []).append((node, before, after))
    order = sorted(beside, key=lambda lane: rows.lanes[lane].place)
    at: dict[int, float] = {}
    for lane in order:
        x = 0.0
        for node, before, _ in beside[lane]:
            if before is not None:
                room = before.right + _gap(before, node) + node.left
                x = max(x, at[before.lane] + room)
            else:
                x = max(x, node.left)
        at[lane] = x
    for lane in reversed(order):
        parent = rows.lanes[lane].parent
        if parent is None or parent not in at or at[parent] <= at[lane]:
            continue
        x = at[parent]
        for node, _, after in beside[lane]:
            if after is not None:
                room = after.left + _gap(node, after) + node.right
                x = min(x, at[after.lane] - room)
        at[lane] = max(x, at[lane])
    for row in column.rows:
        for node in row:
            node.across = at[node.lane]
    _hang(column.rows)
    everything = [node for row in column.rows for node in row]
    column.left = min((n.across - n.left for n in everything), default=0.0)
    column.right = max((n.across + n.right for n in everything), default=0.0)


def _hang(rows: list[list[Node]]) -> None:
    """Put what stands alone below a folded frame under its last column."""
    first = len(rows)
    while first and len(rows[first - 1]) == 1:
        first -= 1
    alone = [row[0] for row in rows[first:]]
    by = 0.0
    for number, node in enumerate(alone):
        node.across += by
        if node.kind == "frame" and len(node.leaves) == 1:
            right = node.across + node.right
            (port,) = node.leaves.values()
            after = alone[number + 1 :]
            if port > _ASIDE * node.right and all(
                below.across + by + port + below.right <= right for below in after
            ):
                by += port


def shift(column: Column, by: float) -> None:
    """Move a column across the flow."""
    for row in column.rows:
        for node in row:
            node.across += by
    column.left += by
    column.right += by


def _carry(
    before: Column,
    column: Column,
    trails: dict[Net, list[Point]],
    edge: float,
    begin: float,
    layout: Layout,
) -> None:
    """Lead values up the gutter between two columns, over to where they go on."""
    order = sorted(column.entry, key=lambda net: -column.entry[net].across)
    for number, net in enumerate(order):
        x = edge + GUTTER / 2 + number * TRACK
        top = begin - PAD - (len(order) - 1 - number) * TRACK
        # How far down the line comes is known once all columns are filled.
        trails[net] += [
            (before.out[net], -1.0 - number),
            (x, -1.0 - number),
            (x, top),
            (column.entry[net].across, top),
        ]


def _sink(bottom: float, layout: Layout) -> None:
    """Put the lines between columns below all columns."""
    for line in layout.lines:
        line.points[:] = [
            (x, bottom + TRACK * (-1 - y) if y < 0 else y) for x, y in line.points
        ]


def stack(
    column: Column,
    layout: Layout,
    begin: float,
    trails: dict[Net, list[Point]],
    spans: list[list[Net]],
) -> None:
    """Place the rows of a column one after another, with the channels between."""
    rows = layout.rows
    at = begin
    for number, row in enumerate(column.rows):
        index = column.first - 1 + number
        tops: dict[Net, float] = {}
        if number:
            at += layout.slack.get((index, True), 0.0)
            high = max((node.long for node in row), default=0.0)
            for node in row:
                node.along = at + (high - node.long) / 2
                if node.kind == "in":
                    node.along = 0.0
            _arrive(rows, index, layout, trails)
            left = min((n.across - n.left for n in row), default=0.0)
            right = max((n.across + n.right for n in row), default=0.0)
            start, at = at, at + high
            for net in spans[index] if index < len(spans) else ():
                if net.tail.row == index:
                    x = net.tail.across + net.tail.leaves.get(net.outof, 0.0)
                    trails[net] = [(x, net.tail.along + net.tail.long)]
                else:
                    x = rows.passing[index][net].across
                tops[net] = x
            at = _labels(tops, index, at, layout)
        else:
            start, left, right = at, 0.0, 0.0
            tops = {net: node.across for net, node in column.entry.items()}
        if not number and not column.first:
            continue
        if index == column.last:
            at = _leave(tops, index, at, layout, trails)
            column.out = tops
            column.end = at
        else:
            at = _channel(tops, index, at, layout, trails)
        if number:
            layout.extents[index] = (left, right, start, at)
    column.end = max(column.end, at)


def _leave(
    tops: dict[Net, float],
    index: int,
    at: float,
    layout: Layout,
    trails: dict[Net, list[Point]],
) -> float:
    """Let a value go out by the side below the last row; returns where that ends."""
    net = layout.leaving.get(index)
    if net is not None:
        at += LEAVE
        way = [(tops[net], at), (layout.edge.across, at)]
        layout.gone[net] = [*trails[net], *way]
    return at


def _labels(tops: dict[Net, float], row: int, at: float, layout: Layout) -> float:
    """Put labels beside the lines that begin here; returns where they end."""
    told = [net for net in tops if net.label and net.tail.row == row]
    if not told:
        return at
    most = 0.0
    for net in told:
        wide, long = layout.label_size(net.label)
        layout.labels.append(Label(net.label, tops[net] + 4, at + 2, wide, long))
        most = max(most, long)
    return at + most + 2


def _channel(
    tops: dict[Net, float],
    index: int,
    at: float,
    layout: Layout,
    trails: dict[Net, list[Point]],
) -> float:
    """Lead the lines from one row to the next; returns where that begins."""
    rows = layout.rows
    at += layout.slack.get((index, False), 0.0)
    ends: dict[Net, list[tuple[Node, Link | None]]] = {}
    for net in tops:
        there: list[tuple[Node, Link | None]] = []
        far = layout.far.get(net)
        away = far.link if far is not None else None
        if away is not None and net.tail.row == index and net not in layout.gone:
            there.append((layout.edge, None))
        goes_on = net.final(away) > index + 1
        for link in net.ends(index + 1):
            if link is away:
                continue
            if link in net.side and _beside(rows, net, link, index + 1):
                goes_on = True
            else:
                there.append((link.head, link))
        if goes_on:
            there.append((rows.passing[index + 1][net], None))
        if there:
            ends[net] = there
    come = layout.coming.get(index + 1)
    if come is not None and not layout.far[come].aside:
        tops = {**tops, come: layout.edge.across}
        trails[come] = []
        link = layout.far[come].link
        ends[come] = [(link.head, link)]
    made, arriving = wires({net: x for net, x in tops.items() if net in ends}, ends)
    count = assign(made)
    arrives = any(
        link is not None and link.arrow for w in made for _, _, link in w.bottoms
    )
    told = numbers.numbers(rows.rows[index + 1], arriving, rows.ordered)
    layout.numbers.update(told)
    room = count * TRACK + (ARRIVE if arrives else LEAVE)
    if told:
        room += numbers.ARRIVE - ARRIVE
    if count or not arrives:
        room += LEAVE - 2
    after = at + max(room, 8.0)
    for wire in made:
        track = at + LEAVE - 2 + wire.track * TRACK + TRACK / 2
        _draw(wire, track, index + 1, layout, trails)
    return after


def _draw(
    wire: Wire, track: float, row: int, layout: Layout, trails: dict[Net, list[Point]]
) -> None:
    straight = wire.straight
    for net, top in zip(wire.nets, wire.tops, strict=True):
        trail = trails[net]
        # The wire's own links are those of one of its values.
        links = {(one.head, one.into): one for one in net.ends(row)}
        for x, node, joined in wire.bottoms:
            way = [] if straight else [(top, track), (x, track)]
            if node is layout.edge:
                layout.gone[net] = [*trail, *way]
                continue
            if joined is None:
                trails[net] = [*trail, *way]
                continue
            # Where the head begins is known when its row is placed.
            way.append((x, 0.0))
            line = Line([*trail, *way], links[joined.head, joined.into])
            layout.lines.append(line)
            layout.open.append(line)


def _arrive(
    rows: Rows, index: int, layout: Layout, trails: dict[Net, list[Point]]
) -> None:
    """End the lines that come to this row; those to a merge may come from aside."""
    for line in layout.open:
        x, head = line.points[-1][0], line.link.head.along
        line.points[-1] = (x, head)
        text = layout.numbers.get(line.link)
        if text:
            found = numbers.above(x, head, text, layout.flat)
            layout.labels.append(Label(text, *found))
    layout.open = []
    come = layout.coming.get(index)
    if come is not None and layout.far[come].aside:
        _come(layout, [], layout.edge.across, layout.far[come].link)
    for net, node in rows.passing[index].items():
        far = layout.far.get(net)
        for link in net.ends(index):
            if link not in net.side or (far is not None and link is far.link):
                continue
            if _beside(rows, net, link, index):
                _come(layout, trails[net], node.across, link)


def _come(layout: Layout, trail: list[Point], x: float, link: Link) -> None:
    """Lead a line to the side of a merge."""
    head = link.head
    middle = head.along + head.long / 2
    right = x > head.across
    side = head.right_edge if right else head.left_edge
    layout.lines.append(Line([*trail, (x, middle), (side, middle)], link))
    text = layout.numbers.get(link)
    if text:
        found = numbers.aside(side, right, middle, text, layout.flat)
        layout.labels.append(Label(text, *found))


def _beside(rows: Rows, net: Net, link: Link, index: int) -> bool:
    """Whether nothing is between a passing line and the merge that it goes to."""
    row = rows.rows[index]
    node = rows.passing[index][net]
    at = node.slot
    return any(
        0 <= near < len(row) and row[near] is link.head for near in (at - 1, at + 1)
    )
