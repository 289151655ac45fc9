"""Groups of volumes from left to right, in as many rows as a page wants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from archdsl.backends.svg.metrics import width
from archdsl.backends.volumes.groups import LINE, ON_EDGE, Group, free, labels, on_edges
from archdsl.backends.volumes.scene import SMALL, Body, Box, Line, Point, Text
from archdsl.backends.volumes.spine import Skip, Spine

# Between a group and the next: room for an arrow, and beside text.
_ARROW = 20.0
_BESIDE = 8.0
# A group may touch so many of the groups before it.
_NEAR = 4
# What follows a turn is right of the line that comes down there.
_TURN_ROOM = Box(0.0, float("-inf"), 0.0, float("inf"))
# Text on an arrow stands so much above it.
_LIFT = 5.0
# A shortcut that arrives and one that leaves are so far from the middle.
_APART = 2.5
# Between the lines of shortcuts, and between rows.
_LEVEL = 11.0
_GUTTER = 26.0


class Placed(NamedTuple):
    """What is drawn, and how much room it takes."""

    wide: float
    high: float
    bodies: list[Body]
    lines: list[Line]
    texts: list[Text]


def breaks(found: Sequence[Group], spine: Spine) -> list[int]:
    """The groups before which a row may end."""
    allowed = free(spine)
    return [at for at, group in enumerate(found) if group.numbers[0] in allowed]


def split(found: Sequence[Group], allowed: Sequence[int], count: int) -> list[int]:
    """Where `count` rows begin, so that the widest is as narrow as it can be.

    There are fewer where no more breaks are allowed.
    """
    starts = [0, *allowed]
    room = [
        sum(g.wide + _ARROW + 24 for g in found[a:b])
        for a, b in zip(starts, [*starts[1:], len(found)], strict=True)
    ]
    count = min(count, len(room))
    # best[k] is the widest row and the begins, when k pieces are in rows.
    worst: tuple[float, tuple[int, ...]] = (float("inf"), ())
    best = [(0.0, worst[1]), *[worst] * len(room)]
    for _ in range(count):
        longer = [worst] * (len(room) + 1)
        for end in range(1, len(room) + 1):
            total = 0.0
            for begin in range(end - 1, -1, -1):
                total += room[begin]
                if total >= longer[end][0]:
                    break
                widest = max(best[begin][0], total)
                if widest < longer[end][0]:
                    longer[end] = (widest, (*best[begin][1], starts[begin]))
        best = longer
    return list(best[-1][1])


def rows(found: Sequence[Group], spine: Spine, starts: Sequence[int]) -> Placed:
    """Place all groups, a row from each start on."""
    bodies: list[Body] = []
    lines: list[Line] = []
    texts: list[Text] = []
    top, wide, right = 0.0, 0.0, 0.0
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else len(found)
        row = _row(found[start:end], spine, begins=number == 0)
        moved = shifted(row, _GUTTER if number else 0.0, top)
        if number:
            lines.append(_turn(bodies[-1], moved, top, right))
            moved = _from_turn(moved)
        bodies += moved.bodies
        lines += moved.lines
        texts += moved.texts
        top += row.high + (_GUTTER if number + 1 < len(starts) else 0.0)
        right = moved.wide + _BESIDE / 2
        turns = number + 1 < len(starts)
        wide = max(wide, right + _BESIDE / 2 if turns else moved.wide)
    return Placed(wide, top, bodies, lines, texts)


def _turn(last: Body, row: Placed, top: float, right: float) -> Line:
    """From the end of a row to the beginning of the next, between the two."""
    first = row.bodies[0]
    between = top - _GUTTER / 2
    points = (
        last.side,
        (right, last.middle),
        (right, between),
        (_BESIDE / 2, between),
        (_BESIDE / 2, first.middle),
        (first.x, first.middle),
    )
    wrong = bool(first.volume.fault)
    return Line(points, (last.number, first.number), leaves=last.end, wrong=wrong)


def _from_turn(row: Placed) -> Placed:
    """The row with shortcuts from the row before beginning on the line of the turn."""
    first = row.bodies[0].number
    lines = [
        line._replace(points=((_BESIDE / 2, line.points[0][1]), *line.points[1:]))
        if line.ends and line.ends[0] < first
        else line
        for line in row.lines
    ]
    return row._replace(lines=lines)


class _Row:
    """One row, its axis at 0; what follows a turn leaves room for it on the left."""

    def __init__(self, begins: bool) -> None:
        self._begins = begins
        self._end = 0.0 if begins else _BESIDE
        # The boxes of the last groups, which the next must not touch.
        self._near: list[list[Box]] = [] if begins else [[_TURN_ROOM]]
        self.bodies: list[Body] = []
        self.lines: list[Line] = []
        self.texts: list[Text] = []
        self.lows: dict[int, float] = {}

    def add(self, group: Group) -> None:
        """Place a group as far left as there is room."""
        texts = _around(group, 0.0)
        own = [text.box for text in texts]
        own.append(Box(0.0, -group.reach, group.wide, group.reach))
        x = max(self._end + self._gap(group), *self._rooms(own))
        placed = group.bodies(x, 0.0)
        wrong = bool(group.volumes[0].fault)
        if self.bodies:
            before = self.bodies[-1]
            ends = (before.number, placed[0].number)
            line = Line((before.side, (x, 0.0)), ends, leaves=before.end, wrong=wrong)
            self.lines.append(line)
        for number, text in enumerate(reversed(group.arrow)):
            y = -_LIFT - number * LINE
            middle = (self._end + x) / 2
            self.texts.append(Text(text, middle, y, bold=wrong, wrong=wrong))
        texts = _around(group, x)
        self.texts += texts
        self.bodies += placed
        low = max([group.reach, *(text.box.bottom for text in texts)]) + 2
        self.lows.update(dict.fromkeys(group.numbers, low))
        behind = [text.box.right for text in texts if text.turned]
        self._end = max([x + group.wide, *behind])
        boxes = [Box(b.left + x, b.top, b.right + x, b.bottom) for b in own]
        self._near = [*self._near[1 - _NEAR :], boxes]

    def _gap(self, group: Group) -> float:
        """Room for what leads to a group."""
        bold = bool(group.volumes[0].fault)
        on_arrow = max((width(text, SMALL, bold) for text in group.arrow), default=0.0)
        if self.bodies or not self._begins:
            return max(_ARROW, on_arrow + _BESIDE)
        return SMALL + ON_EDGE if group.places else 0.0

    def _rooms(self, own: Sequence[Box]) -> Iterator[float]:
        """How far right a group must be so that no box touches an earlier one."""
        for boxes in self._near:
            for there in boxes:
                for here in own:
                    if there.top < here.bottom and here.top < there.bottom:
                        yield there.right + _BESIDE - here.left
        yield 0.0


def _around(group: Group, x: float) -> list[Text]:
    """What is written below a group and along its edges, its left edge at `x`."""
    placed = group.bodies(x, 0.0)
    found = [*on_edges(group, placed, 0.0), *labels(group, placed)]
    below = max([group.reach, *(text.y for text in found)])
    middle = x + group.thick / 2
    for number, text in enumerate(group.captions, 1):
        found.append(Text(text, middle, below + number * LINE))
    return found


def _row(found: Sequence[Group], spine: Spine, begins: bool) -> Placed:
    """One row; its own top left corner is the origin."""
    row = _Row(begins)
    for group in found:
        row.add(group)
    bodies, texts = row.bodies, row.texts
    arcs = _arcs(bodies, spine.skips, begins, [text.box for text in texts])
    lines = [*row.lines, *(line for line, _ in arcs)]
    texts += [text for _, text in arcs if text is not None]
    brackets, badges = _badges(bodies, spine, row.lows)
    lines += brackets
    texts += badges
    tops = [y for line in lines for _, y in line.points]
    tops += [body.y - body.solid.up for body in bodies]
    highest = min([*tops, *(text.box.top for text in texts)]) - 2
    low = max([*row.lows.values(), *(text.box.bottom + 2 for text in badges)])
    left = min([0.0, *(text.box.left for text in texts)])
    right = max(body.x + body.solid.wide for body in bodies)
    right = max([right, *(text.box.right for text in texts)])
    made = Placed(right - left, low - highest, bodies, lines, texts)
    return shifted(made, -left, -highest)


def _arcs(
    bodies: Sequence[Body], skips: Iterable[Skip], begins: bool, said: Sequence[Box]
) -> list[tuple[Line, Text | None]]:
    """Shortcuts above the volumes, the shorter ones below the longer.

    They pass above what is `said`, too. Those that come from the row before leave the
    line that comes from there.
    """
    place = {body.number: body for body in bodies}
    first = bodies[0].number
    earlier = None if begins else first - 1
    found: list[tuple[Line, Text | None]] = []
    drawn: list[tuple[int, int, float]] = []
    inside = [
        skip
        for skip in skips
        if skip.target in place and (skip.source in place or skip.source == earlier)
    ]
    for skip in sorted(inside, key=lambda s: (s.target - s.source, s.source)):
        passed = [place[n] for n in range(max(skip.source, first), skip.target + 1)]
        level = min(body.y - body.solid.up for body in passed) - _LEVEL
        for begin, end, y in drawn:
            if begin < skip.target and skip.source < end:
                level = min(level, y - _LEVEL)
        # One that arrives and one that leaves stand beside each other.
        x1, y1 = place[skip.target].top
        x1 -= _APART
        x0 = _BESIDE / 2
        if skip.source in place:
            x0 = place[skip.source].top[0] + _APART
        over = (box.top - 4 for box in said if box.right > x0 and box.left < x1)
        level = min([level, *over])
        points: tuple[Point, ...] = ((x0, level), (x1, level), (x1, y1))
        if skip.source in place:
            points = ((x0, place[skip.source].top[1]), *points)
        ends = (skip.source, skip.target)
        line = Line(points, ends, dashed=skip.projects)
        text = None
        high = level
        if skip.text:
            text = Text(skip.text, (x0 + x1) / 2, level - 3)
            high = text.box.top
        drawn.append((skip.source, skip.target, high))
        found.append((line, text))
    return found


def _badges(
    bodies: Sequence[Body], spine: Spine, lows: dict[int, float]
) -> tuple[list[Line], list[Text]]:
    """Brackets below what is repeated, and how often; `lows` is what is above them."""
    place = {body.number: body for body in bodies}
    lines: list[Line] = []
    texts: list[Text] = []
    for each in sorted(spine.repetitions, key=lambda r: r.last - r.first):
        if each.first not in place or each.last not in place:
            continue
        first, last = place[each.first], place[each.last]
        passed = range(each.first, each.last + 1)
        y = max(lows[number] for number in passed)
        left, right = first.x + 1.5, last.x + last.solid.thick - 1.5
        bracket = ((left, y), (left, y + 4), (right, y + 4), (right, y))
        lines.append(Line(bracket, arrow=False))
        middle = (left + right) / 2
        text = Text(f"×{each.times:,}", middle, y + 4 + LINE, bold=True)
        while any(_meet(text.box, other.box) for other in texts):
            text = text._replace(y=text.y + LINE)
        texts.append(text)
        # What is written below a group is as wide as the group.
        lows.update(dict.fromkeys(passed, y + 8 + LINE))
    return lines, texts


def _meet(one: Box, other: Box) -> bool:
    return (
        one.left < other.right
        and other.left < one.right
        and one.top < other.bottom
        and other.top < one.bottom
    )


def shifted(made: Placed, x: float, y: float) -> Placed:
    """The same, moved to the right and down."""
    return Placed(
        made.wide + x,
        made.high,
        [body._replace(x=body.x + x, y=body.y + y) for body in made.bodies],
        [line_shifted(line, x, y) for line in made.lines],
        [text._replace(x=text.x + x, y=text.y + y) for text in made.texts],
    )


def line_shifted(line: Line, x: float, y: float) -> Line:
    """The same, moved to the right and down."""
    leaves = None if line.leaves is None else line.leaves + x
    points = tuple((a + x, b + y) for a, b in line.points)
    return line._replace(points=points, leaves=leaves)
