"""Level to rows and lanes: what stands below what, and what beside what.

Rows are those of the longest path. A lane is a straight line along the flow: the boxes
of a branch, or a value that passes by. Lanes have one order across the level, so that
what is left of something in one row is left of it in all.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from archdsl.backends.diagram.options import PlanError
from archdsl.backends.svg.level import Level, Link, Node

# So many times lines go by a row in one picture: each is a place of its own.
MAX_PASSED = 50_000


class Lane:
    """A straight line along the flow, and where it branches off."""

    __slots__ = ("begin", "end", "index", "last", "left", "parent", "place", "rank")

    def __init__(self, index: int) -> None:
        self.index = index
        self.parent: int | None = None
        self.left = False
        self.begin = self.end = self.last = -1
        self.rank = 0
        self.place = 0


class Net:
    """A value in a level: the port where it begins, and all lines from there."""

    __slots__ = (
        *("_ends", "_final", "label", "lane", "last", "links", "outof", "side"),
        "tail",
    )

    def __init__(self, tail: Node, outof: str) -> None:
        self.tail = tail
        self.outof = outof
        self.links: list[Link] = []
        self.label = ""
        self.lane = -1
        self.last = -1
        # Links that may come into a merge from the side.
        self.side: set[Link] = set()
        self._ends: dict[int, list[Link]] = {}
        self._final = -1

    def ends(self, row: int) -> list[Link]:
        """The lines that end in a row, once all are known."""
        if not self._ends:
            for link in self.links:
                self._ends.setdefault(link.head.row, []).append(link)
        return self._ends.get(row, [])

    def final(self, away: Link | None = None) -> int:
        """The last row that a line goes to, but for one; -1 if there is none."""
        if away is not None:
            rows = (link.head.row for link in self.links if link is not away)
            return max(rows, default=-1)
        if self._final < 0:
            self._final = max(link.head.row for link in self.links)
        return self._final


class Rows:
    """A level in rows and lanes. `passing[row][net]` is where a net goes by."""

    def __init__(self, passed: int) -> None:
        # How often lines have gone by rows, in the levels before too.
        self.passed = passed
        self.rows: list[list[Node]] = []
        self.nets: list[Net] = []
        self.lanes: list[Lane] = []
        self.passing: list[dict[Net, Node]] = []
        # Merges whose inputs have an order, and the links that come there.
        self.ordered: dict[Node, list[Link]] = {}
        # Links that come to a merge from the side, if nothing is in the way.
        self.aside: set[Link] = set()


def arrange(level: Level, passed: int = 0) -> Rows:
    """Rows and lanes for all nodes of a level.

    In levels before, lines have `passed` so many rows. Raises PlanError where these
    become more than `MAX_PASSED`.
    """
    entering: dict[Node, list[Link]] = {node: [] for node in level.nodes}
    leaving: dict[Node, list[Link]] = {node: [] for node in level.nodes}
    for link in level.links.values():
        entering[link.head].append(link)
        leaving[link.tail].append(link)
    _layer(level, entering, leaving)
    made = Rows(passed)
    count = max((node.row for node in level.nodes), default=-1) + 1
    made.rows = [[] for _ in range(count)]
    made.passing = [{} for _ in range(count)]
    for node in level.nodes:
        made.rows[node.row].append(node)
    for each in (entering, leaving):
        for node in each:
            each[node] = [link for link in each[node] if not link.hidden]
    _lanes(level, entering, leaving, made)
    _nets(leaving, made)
    made.aside = {link for net in made.nets for link in net.side}
    for node, links in entering.items():
        box = node.box
        if box and box.shape == "merge" and not box.commutes and len(links) > 1:
            made.ordered[node] = links
    _order(made.lanes)
    for row in made.rows:
        row.sort(key=lambda node: made.lanes[node.lane].place)
        for slot, node in enumerate(row):
            node.slot = slot
    return made


def _layer(
    level: Level, entering: dict[Node, list[Link]], leaving: dict[Node, list[Link]]
) -> None:
    """Rows by the longest path; what does not hang on the first node, close below."""
    first = 1 if level.title else 0
    hangs = set()
    for node in level.nodes:
        row = 0 if node.kind == "in" or not node.number else first
        for link in entering[node]:
            row = max(row, link.tail.row + 1)
            if link.tail in hangs:
                hangs.add(node)
        node.row = row
        if not node.number or node.kind == "in":
            hangs.add(node)
    for node in reversed(level.nodes):
        if node not in hangs and leaving[node]:
            node.row = min(link.head.row for link in leaving[node]) - 1
    last = max((n.row for n in level.nodes if n.kind != "out"), default=0)
    for node in level.outs.values():
        node.row = last + 1


def _lanes(
    level: Level,
    entering: dict[Node, list[Link]],
    leaving: dict[Node, list[Link]],
    made: Rows,
) -> None:
    lanes = made.lanes
    choice: dict[Node, Node] = {}
    above: dict[Node, Node | None] = {}
    rank: dict[Node, tuple[int, bool]] = {}
    # What the first node leads to: other beginnings do not move the lanes of these.
    hangs = set(level.nodes[:1])
    for node in sorted(level.nodes, key=lambda node: (node.row, node.number)):
        main = [link for link in entering[node] if link.tail in hangs]
        if main:
            hangs.add(node)
        above[node] = over = _over(main or entering[node], above)
        usual = [link for link in entering[node] if not link.skip] or entering[node]
        good = [
            link
            for link in usual
            if choice.get(link.tail) is node
            and lanes[link.tail.lane].last == link.tail.row
        ]
        straight = [link for link in good if over and link.tail.lane == over.lane]
        if straight or (good and not _free(over, usual, choice, lanes)):
            best = max(straight or good, key=lambda link: link.weight)
            node.lane = best.tail.lane
        elif over and _free(over, usual, choice, lanes):
            node.lane = over.lane
            for row in range(over.row + 1, node.row):
                room = Node("room")
                room.row, room.lane = row, over.lane
                made.rows[row].append(room)
        else:
            node.lane = len(lanes)
            lane = Lane(node.lane)
            if entering[node]:
                tail = entering[node][0].tail
                lane.parent, lane.begin = tail.lane, tail.row
                lane.rank, lane.left = rank.get(node, (0, False))
            else:
                lane.begin = node.row - 1
                lane.left = node.kind != "in"
            lanes.append(lane)
        lanes[node.lane].last = node.row
        chosen = _heaviest(leaving[node], rank)
        if chosen:
            choice[node] = chosen
    for node in level.nodes:
        for link in leaving[node]:
            lane = lanes[node.lane]
            lane.end = max(lane.end, link.head.row)
            if lane.parent is None and link.head.lane != node.lane and node.lane:
                lane.parent = link.head.lane
    for lane in lanes:
        # No lane hangs on itself by way of others.
        seen = {lane.index}
        at = lane.parent
        while at is not None and at not in seen and len(seen) < 50:
            seen.add(at)
            at = lanes[at].parent
        if at is not None:
            lane.parent = 0 if lane.index else None


def _free(
    over: Node | None, usual: list[Link], choice: dict[Node, Node], lanes: list[Lane]
) -> bool:
    """Whether a merge stands right below where its branches began."""
    return (
        over is not None
        and len(usual) > 1
        and over not in choice
        and lanes[over.lane].last == over.row
    )


def _over(entering: list[Link], above: dict[Node, Node | None]) -> Node | None:
    """The last node on all ways to here: the immediate dominator."""
    waiting = {link.tail for link in entering}
    # The lowest is first, by row and by number; no two nodes are equal in both.
    heap = [(-node.row, -node.number, node) for node in waiting]
    heapify(heap)
    while len(heap) > 1:
        node = heappop(heap)[2]
        waiting.remove(node)
        over = above[node]
        if over is None:
            return None
        if over not in waiting:
            waiting.add(over)
            heappush(heap, (-over.row, -over.number, over))
    return heap[0][2] if heap else None


def _heaviest(leaving: list[Link], rank: dict[Node, tuple[int, bool]]) -> Node | None:
    """Where the lane goes on: the heaviest way, or the middle of equal branches."""
    usual = [link for link in leaving if not link.skip]
    if not usual:
        # Inside a skip, what it leads to is the only way on.
        return leaving[0].head if len(leaving) == 1 else None
    most = max(link.weight for link in usual)
    # What is farther away is passed by others on the way.
    near = min(link.head.row for link in usual if link.weight == most)
    heads = list(
        dict.fromkeys(
            link.head for link in usual if link.weight == most and link.head.row == near
        )
    )
    if len(heads) == 1:
        return heads[0]
    # With an even number, the lane ends and the branches stand on both sides.
    middle = len(heads) // 2
    for number, head in enumerate(heads):
        rank[head] = (abs(2 * number - len(heads) + 1), number < middle)
    return heads[middle] if len(heads) % 2 else None


def _nets(leaving: dict[Node, list[Link]], made: Rows) -> None:
    """The values, and lanes for those that pass by other rows."""
    for node, links in leaving.items():
        nets: dict[str, Net] = {}
        for link in links:
            net = nets.get(link.outof)
            if net is None:
                net = nets[link.outof] = Net(node, link.outof)
            net.links.append(link)
            if link.label and (link.wrong or not net.label):
                net.label = link.label
        for number, net in enumerate(nets.values()):
            _pass_by(net, number == 0, made)
        made.nets += nets.values()


def _pass_by(net: Net, first: bool, made: Rows) -> None:
    tail, lanes = net.tail, made.lanes
    net.last = tail.row + 1
    for link in net.links:
        last = link.head.row
        box = link.head.box
        aside = link.skip and box is not None and box.shape == "merge"
        straight = link.head.lane == tail.lane and _clear(tail, link.head, made)
        if aside and not straight:
            net.side.add(link)
            last += 1
        net.last = max(net.last, last)
    lane = lanes[tail.lane]
    own = next((one for one in net.links if one.head.lane == tail.lane), None)
    if first and own is None and lane.last == tail.row:
        net.lane = tail.lane
        lane.last = net.last - 1
    elif first and (
        net.last == tail.row + 1
        or (own and net.last == own.head.row and _clear(tail, own.head, made))
    ):
        net.lane = tail.lane
    else:
        net.lane = len(lanes)
        lane = Lane(net.lane)
        lane.parent, lane.begin, lane.end = tail.lane, tail.row, net.last
        lanes.append(lane)
    made.passed += max(0, net.last - tail.row - 1)
    if made.passed > MAX_PASSED:
        raise PlanError(
            "too many lines go past too many boxes, which nobody can read; what belongs"
            " together can be a block, which --depth closes, or try --view tree"
        )
    for row in range(tail.row + 1, net.last):
        node = Node("pass")
        node.row, node.lane = row, net.lane
        made.rows[row].append(node)
        made.passing[row][net] = node


def _clear(tail: Node, head: Node, made: Rows) -> bool:
    """Whether nothing stands between two nodes of a lane."""
    return not any(
        node.lane == tail.lane
        for row in range(tail.row + 1, head.row)
        for node in made.rows[row]
    )


def _order(lanes: list[Lane]) -> None:
    """Put the lanes in one order: a child beside its parent, the longest outermost."""
    children: dict[int | None, list[Lane]] = {}
    for lane in lanes:
        children.setdefault(lane.parent, []).append(lane)
    # A lane, then those to its right, before those of its parent's that are farther.
    stack: list[tuple[Lane, bool]] = [(one, False) for one in children.get(None, ())]
    stack.reverse()
    place = 0
    while stack:
        lane, opened = stack.pop()
        if opened:
            lane.place = place
            place += 1
            continue
        below = sorted(
            children.get(lane.index, ()),
            key=lambda one: (one.end - one.begin, one.rank, one.index),
        )
        stack += [(one, False) for one in reversed(below) if not one.left]
        stack.append((lane, True))
        stack += [(one, False) for one in below if one.left]
