"""What is wrong with the geometry of a drawing, in words."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import combinations, pairwise, product
from typing import NamedTuple

from archdsl.backends.diagram.picture import Frame
from archdsl.backends.svg.level import Link
from archdsl.backends.svg.markup import Drawing, Placed
from archdsl.backends.svg.place import Point

# What rounding may shift.
SLACK = 0.2


class Piece(NamedTuple):
    """A straight piece of a line."""

    at: Placed
    link: Link
    level: bool


def meet(one: Placed, other: Placed) -> bool:
    return (
        one.x + SLACK < other.x + other.wide - SLACK
        and other.x + SLACK < one.x + one.wide - SLACK
        and one.y + SLACK < other.y + other.high - SLACK
        and other.y + SLACK < one.y + one.high - SLACK
    )


def holds(outer: Placed, inner: Placed) -> bool:
    return (
        inner.x >= outer.x - SLACK
        and inner.y >= outer.y - SLACK
        and inner.x + inner.wide <= outer.x + outer.wide + SLACK
        and inner.y + inner.high <= outer.y + outer.high + SLACK
    )


def faults(made: Drawing) -> list[str]:
    """All that breaks the rules: overlaps, lines through things, things outside."""
    solid = [(box.id, at) for box, at in made.boxes]
    solid += [(f"label {text}", at) for text, at in (*made.labels, *made.notes)]
    solid.sort(key=lambda one: one[1].y)
    pieces = list(_pieces(made))
    return [
        *_overlaps(solid),
        *_outside(made, solid),
        *_struck(solid, pieces),
        *_shared(pieces),
        *_frames(made, pieces),
        *_ends(made),
    ]


def _pieces(made: Drawing) -> Iterator[Piece]:
    for link, points in made.lines:
        for (a, b), (c, d) in pairwise(points):
            at = Placed(min(a, c), min(b, d), abs(a - c), abs(b - d))
            yield Piece(at, link, at.wide > at.high)


def _overlaps(solid: list[tuple[str, Placed]]) -> Iterator[str]:
    near: list[tuple[str, Placed]] = []
    for name, at in solid:
        near = [one for one in near if one[1].y + one[1].high > at.y]
        yield from (f"{name} on {other}" for other, there in near if meet(at, there))
        near.append((name, at))


def _outside(made: Drawing, solid: list[tuple[str, Placed]]) -> Iterator[str]:
    paper = Placed(0, 0, made.wide, made.high)
    for name, at in solid:
        if not holds(paper, at):
            yield f"{name} off the paper"
    place = {frame.id: at for frame, at in made.frames}
    for box, at in made.boxes:
        if box.home and not holds(place[box.home], at):
            yield f"{box.id} outside its frame"
    for frame, at in made.frames:
        for item in frame.items:
            if isinstance(item, Frame) and not holds(at, place[item.id]):
                yield f"{item.id} outside its frame"


def _struck(solid: list[tuple[str, Placed]], pieces: list[Piece]) -> Iterator[str]:
    """Lines may touch boxes at the border, and labels not at all."""
    tops = [at.y for _, at in solid]
    tallest = max(at.high for _, at in solid)
    for piece in pieces:
        at, link = piece.at, piece.link
        if min(at.wide, at.high) > SLACK:
            yield f"{link.tail.key} -> {link.head.key} is not straight"
        first = bisect_left(tops, at.y - tallest)
        for name, there in solid[first : bisect_right(tops, at.y + at.high)]:
            if meet(at, there):
                yield f"{link.tail.key} -> {link.head.key} through {name}"


def _shared(pieces: list[Piece]) -> Iterator[str]:
    """Lines that share no end run apart."""
    on: dict[tuple[bool, float], list[tuple[float, float, Link]]] = {}
    for at, link, level in pieces:
        where = round(at.y if level else at.x)
        begin, size = (at.x, at.wide) if level else (at.y, at.high)
        on.setdefault((level, where), []).append((begin, begin + size, link))
    for found in on.values():
        found.sort(key=lambda one: one[:2])
        for number, (_, end, link) in enumerate(found):
            for begin, _, other in found[number + 1 :]:
                if begin >= end - 1:
                    break
                apart = (link.tail, link.outof) != (other.tail, other.outof)
                if apart and (link.head, link.into) != (other.head, other.into):
                    yield f"{link.tail.key} and {other.tail.key} on one line"


def _frames(made: Drawing, pieces: list[Piece]) -> Iterator[str]:
    """Lines go through the frames only that hold one of their ends."""
    links: dict[Link, list[Placed]] = {}
    for piece in pieces:
        links.setdefault(piece.link, []).append(piece.at)
    # The frames inside one level are the nodes beside the ends of its lines.
    place = {frame.id: at for frame, at in made.frames}
    beside: dict[str, list[str]] = {}
    around: dict[str, str] = {}
    for frame, _ in made.frames:
        for item in frame.items:
            around[item.id] = frame.id
    for frame, _ in made.frames:
        beside.setdefault(around.get(frame.id, ""), []).append(frame.id)
    for link, parts in links.items():
        end = link.tail if link.tail.kind in ("box", "frame") else link.head
        if end.kind not in ("box", "frame"):
            continue
        for name in beside.get(around.get(end.key, ""), ()):
            if any(meet(place[name], part) for part in parts):
                yield f"{link.tail.key} -> {link.head.key} through frame {name}"


def _ends(made: Drawing) -> Iterator[str]:
    """Each line begins and ends at its boxes."""
    place = {box.id: at for box, at in made.boxes}
    place |= {frame.id: at for frame, at in made.frames}
    for link, points in made.lines:
        for node, (x, y) in ((link.tail, points[0]), (link.head, points[-1])):
            if node.kind not in ("box", "frame"):
                continue
            at = place[node.key]
            if not holds(at, Placed(x, y, 0, 0)):
                yield f"{link.tail.key} -> {link.head.key} ends beside {node.key}"


# Order


def crossings(ways: list[list[Point]]) -> Iterator[tuple[int, int]]:
    """Which ways cross which."""
    for (one, a), (other, b) in combinations(enumerate(ways), 2):
        for first, second in product(pairwise(a), pairwise(b)):
            if _cross(first, second) or _cross(second, first):
                yield one, other


def _cross(level: tuple[Point, Point], upright: tuple[Point, Point]) -> bool:
    (x, y), (to_x, to_y) = level
    (a, b), (to_a, to_b) = upright
    return (
        y == to_y
        and a == to_a
        and min(x, to_x) < a < max(x, to_x)
        and min(b, to_b) < y < max(b, to_b)
    )


def disorder(made: Drawing, direction: str) -> list[str]:
    """Merges of which the picture does not tell the order of their inputs.

    Lines that come in along the flow are in order, seen as the flow goes; others have
    numbers beside their ends.
    """
    ends: dict[str, list[tuple[Link, list[Point]]]] = {}
    for link, points in made.lines:
        box = link.head.box
        if box and box.shape == "merge" and not box.commutes:
            ends.setdefault(box.id, []).append((link, points))
    numbers = [(text, at) for text, at in made.labels if "×" not in text]
    found = []
    for name, lines in ends.items():
        if len(lines) < 2:
            continue
        along = 0 if direction == "LR" else 1
        straight = all(p[-1][1 - along] == p[-2][1 - along] for _, p in lines)
        back = any(p[-1][along] < p[-2][along] for _, p in lines)
        lines.sort(key=lambda line: line[1][-1][1 - along], reverse=back)
        order = [number for link, _ in lines for number in link.inputs]
        if straight and order == sorted(order):
            continue
        for link, points in lines:
            text = ", ".join(map(str, link.inputs))
            x, y = points[-1]
            near = any(
                said == text
                and abs(at.x + at.wide / 2 - x) < 14
                and abs(at.y + at.high / 2 - y) < 18
                for said, at in numbers
            )
            if not near:
                found.append(f"input {text} of {name} is not numbered")
    return found
