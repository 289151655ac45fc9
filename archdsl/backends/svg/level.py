"""Picture to levels: the graph of each frame, with ports for what crosses its border.

A frame is a single node in the level around it. A value that enters a frame other than
by its title, or leaves it, is a port of that node, and a node of its own inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archdsl.backends.diagram.picture import Box, Edge, Frame, Picture

Kind = Literal["box", "frame", "in", "out", "pass", "room"]


class Node:
    """Something with a place in a level.

    Sizes are across the flow (`wide`) and along it (`long`); `left` and `right` are
    the distances from the node's lane to its edges. `enters` and `leaves` are where
    ports lie, from the lane. A `pass` is where a line goes by, a `room` is kept free.
    What is `turned` stands head down: the flow through it goes back.
    """

    __slots__ = (
        "across", "along", "box", "enters", "inner", "key", "kind", "lane", "leaves",
        "left", "long", "number", "right", "row", "slot", "turned", "wide",
    )  # fmt: skip

    def __init__(self, kind: Kind, key: str = "", box: Box | None = None) -> None:
        self.kind = kind
        self.key = key
        self.box = box
        self.inner: Level | None = None
        self.number = self.row = self.lane = self.slot = 0
        self.wide = self.long = self.left = self.right = 0.0
        self.across = self.along = 0.0
        self.turned = False
        self.enters: dict[str, float] = {}
        self.leaves: dict[str, float] = {}

    @property
    def left_edge(self) -> float:
        """Where a box begins, across the flow."""
        return self.across - self.wide / 2

    @property
    def right_edge(self) -> float:
        """Where a box ends, across the flow."""
        return self.across + self.wide / 2


class Link:
    """A line from a port of one node to a port of another, in one level.

    What is `far` goes from one side of a turn to the other, and is drawn as a skip.
    `inputs` tells which inputs of a box the line leads to, from 1.
    """

    __slots__ = (
        "arrow", "dotted", "far", "head", "hidden", "inputs", "into", "label", "outof",
        "skip", "tail", "weight", "wrong",
    )  # fmt: skip

    def __init__(self, tail: Node, outof: str, head: Node, into: str) -> None:
        self.tail = tail
        self.outof = outof
        self.head = head
        self.into = into
        self.label = ""
        self.weight = 0
        self.skip = self.hidden = self.dotted = True
        self.arrow = self.far = self.wrong = False
        self.inputs: list[int] = []


class Level:
    """The graph inside a frame."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.nodes: list[Node] = []
        self.links: dict[tuple[Node, str, Node, str], Link] = {}
        self.ins: dict[str, Node] = {}
        self.outs: dict[str, Node] = {}

    @property
    def title(self) -> Node | None:
        """The node of the frame's title."""
        first = self.nodes[0] if self.nodes else None
        titled = first and first.box and first.box.shape == "title"
        return first if titled else None

    def link(self, tail: Node, outof: str, head: Node, into: str, edge: Edge) -> Link:
        """The line between two ports, of all edges that run along it."""
        key = (tail, outof, head, into)
        link = self.links.get(key)
        if link is None:
            link = self.links[key] = Link(*key)
        link.weight = max(link.weight, edge.weight)
        link.skip &= edge.skip
        link.hidden &= edge.hidden
        link.dotted &= edge.head.training
        link.wrong |= edge.wrong
        return link

    def entry(self, key: str) -> Node:
        """The node at which a value from outside comes in."""
        if key not in self.ins:
            self.ins[key] = Node("in", key)
        return self.ins[key]

    def exit(self, key: str) -> Node:
        """The node at which a value goes out."""
        if key not in self.outs:
            self.outs[key] = Node("out", key)
        return self.outs[key]


def levels(picture: Picture) -> list[Level]:
    """The levels of a picture, each after those inside it; the last is the whole."""
    found = [Level(picture.root)]
    node_of: dict[Box | Frame, Node] = {}
    around: dict[Box | Frame, Level] = {}
    for level in found:
        for item in level.frame.items:
            if isinstance(item, Frame):
                node = Node("frame", item.id)
                node.inner = Level(item)
                found.append(node.inner)
            else:
                node = Node("box", item.id, item)
            level.nodes.append(node)
            node_of[item] = node
            around[item] = level
    arrived: dict[Box, int] = {}
    for edge in picture.edges:
        link = _thread(edge, node_of, around)
        if not edge.hidden:
            arrived[edge.head] = arrived.get(edge.head, 0) + 1
            link.inputs.append(arrived[edge.head])
    for level in found:
        first = 1 if level.title else 0
        level.nodes[first:first] = level.ins.values()
        level.nodes += level.outs.values()
        for number, node in enumerate(level.nodes):
            node.number = number
    return found[::-1]


def _thread(
    edge: Edge, node_of: dict[Box | Frame, Node], around: dict[Box | Frame, Level]
) -> Link:
    """Lead an edge through the levels that it crosses; returns its last line."""
    target: Box | Frame = edge.head
    if edge.head.shape == "title":
        target = around[edge.head].frame
    up = list(_upwards(edge.tail, around))
    known = {id(around[item]): at for at, item in enumerate(up)}
    down = []
    for item in _upwards(target, around):
        down.append(item)
        if id(around[item]) in known:
            break
    top = known[id(around[down[-1]])]
    key = edge.tail.id
    node, port = node_of[edge.tail], ""
    for item in up[:top]:
        level = around[item]
        level.link(node, port, level.exit(key), "", edge)
        node, port = node_of[level.frame], key
    for item in reversed(down):
        level = around[item]
        into = "" if item is target else key
        link = level.link(node, port, node_of[item], into, edge)
        if item is down[-1] and edge.label:
            link.label = edge.label
        link.arrow |= item is target and edge.head.shape != "fork"
        if item is not target:
            inner = node_of[item].inner
            assert inner is not None
            node, port = inner.entry(key), ""
    return link


def _upwards(
    item: Box | Frame, around: dict[Box | Frame, Level]
) -> Iterator[Box | Frame]:
    """An item and the frames around it, from the inside out."""
    while item in around:
        yield item
        item = around[item].frame
