"""A picture before it is written: boxes, frames and edges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from archdsl.ir.network import Cost, Stage
from archdsl.ops.record import Look
from archdsl.shapes.size import Size

SPINE = 50
BRANCH = 3

Shape = Literal["layer", "merge", "end", "source", "closed", "title", "fork"]
State = Literal["checked", "wrong", "unknown"]
# What has become of something, where two nets are compared.
Mark = Literal["", "added", "removed", "changed"]


@dataclass(slots=True, eq=False)
class Box:
    """A node of the picture.

    `params` and `macs` are the least and the most of one copy; `cost` is what all the
    copies that the box stands for add to the totals. What `commutes` gives the same
    whatever the order of its inputs. `note` tells of that what is
    to be shown. `out` is the shape that flows
    out, of a title what flows out of its frame; `shown` is the shape that was last
    told on the way here. What is in `training` exists only then. `home` is the id
    of the frame around it. `state` tells of a net whose check failed: `fault` is what
    flows in amiss, in words. `stages` are those that the box stands for, and `mark`
    what has become of them.
    """

    id: str
    shape: Shape
    lines: list[str]
    look: Look | None
    tooltip: str
    params: tuple[int, int] = (0, 0)
    macs: tuple[Size, Size] = (0, 0)
    cost: Cost = field(default_factory=Cost)
    note: str = ""
    out: str = ""
    shown: str = ""
    times: int = 1
    sums: bool = False
    commutes: bool = False
    training: bool = False
    home: str = ""
    state: State = "checked"
    fault: str = ""
    stages: tuple[Stage, ...] = ()
    mark: Mark = ""

    def count(self, cost: Cost) -> None:
        """Add a cost; what is computed in training only is not in the totals."""
        if self.training:
            cost = cost._replace(macs=0, activation_bytes=0, connections=0)
        self.cost = self.cost.plus(cost)


@dataclass(slots=True, eq=False)
class Frame:
    """A cluster: a block or labelled group, or copies of something.

    Its title is its first box: an edge goes in through the title, and never across.
    """

    id: str
    tooltip: str
    times: int
    items: list[Box | Frame] = field(default_factory=list)
    training: bool = False
    stages: tuple[Stage, ...] = ()
    mark: Mark = ""


@dataclass(slots=True, eq=False)
class Edge:
    """A line from one box to another.

    Skips pass by other boxes, or through fewer of them. `weight` is how much the edge
    pulls the picture straight and short. Hidden edges only hold boxes in place. One
    that is `wrong` carries what its head refuses.
    """

    tail: Box
    head: Box
    label: str
    skip: bool = False
    weight: int = 1
    hidden: bool = False
    wrong: bool = False


class Picture(NamedTuple):
    """All that is drawn; `closed` are blocks that nobody asked to be closed."""

    root: Frame
    edges: list[Edge]
    closed: tuple[str, ...] = ()


def mark(edges: list[Edge], spans: list[tuple[Box, Box]]) -> None:
    """Tell the spine from the skips, where values are merged.

    `spans` are the entries and exits of frames; where equal branches lie between the
    two, they are put in line.
    """
    entering: dict[str, list[Edge]] = {}
    leaving: dict[str, list[Edge]] = {}
    # How many boxes on the way there learn something, and how many do not.
    depth: dict[str, tuple[int, int]] = {}
    for edge in edges:
        if not edge.hidden:
            entering.setdefault(edge.head.id, []).append(edge)
            leaving.setdefault(edge.tail.id, []).append(edge)
            learning, others = depth.get(edge.tail.id, (0, 0))
            if edge.head.params[1]:
                learning += 1
            elif edge.head.shape not in ("title", "fork"):
                others += 1
            below = learning, others
            depth[edge.head.id] = max(depth.get(edge.head.id, below), below)
    for arriving in entering.values():
        main = max(arriving, key=lambda edge: depth.get(edge.tail.id, (0, 0)))
        main.weight = SPINE
        for edge in arriving:
            if depth.get(edge.tail.id) == depth.get(main.tail.id):
                continue
            if _branches(edge.tail, leaving):
                edge.skip, edge.weight = True, 0
            elif edge.head.sums:
                _project(edge, entering, leaving)
    for begin, end in spans:
        out, back = leaving.get(begin.id, []), entering.get(end.id, [])
        if any(edge.skip for edge in (*out, *back)) or len(out) < 2 or len(back) < 2:
            continue
        for edge in out:
            edge.weight = 2 * BRANCH
        for edge in back:
            edge.weight = BRANCH


def _branches(box: Box, leaving: dict[str, list[Edge]]) -> bool:
    first, *others = leaving[box.id]
    return any(edge.head is not first.head for edge in others)


def _project(
    edge: Edge, entering: dict[str, list[Edge]], leaving: dict[str, list[Edge]]
) -> None:
    """A shorter branch of a sum, back to where it begins, is a skip of its own.

    One that begins in another frame is none, and stays near the sum.
    """
    branch = [edge]
    while not _branches(branch[-1].tail, leaving):
        before = entering.get(branch[-1].tail.id, ())
        if len(before) != 1:
            return
        branch.append(before[0])
    if branch[-1].tail.home != edge.head.home:
        for part in branch:
            part.weight = BRANCH if part.tail.home == edge.head.home else 0
        return
    for part in branch:
        # The heavier edges hold the branch at its beginning.
        part.skip, part.weight = True, 1 if part is edge else BRANCH
