"""Groups of volumes from left to right, in as many rows as a page wants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from archdsl.backends.svg.metrics import width
from archdsl.backends.volumes.groups import LINE, ON_EDGE, Group, labels, on_edges
from archdsl.backends.volumes.scene import SMALL, Body, Line, Text
from archdsl.backends.volumes.spine import Skip, Spine

# Between a group and the next: room for an arrow, and beside text.
_ARROW = 20.0
_BESIDE = 8.0
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
    """The groups before which a row may end.

    Nothing passes by there but shortcuts of the value that goes on to the next row.
    """
    spans = [(skip.source, skip.target) for skip in spine.skips]
    spans += [(each.first - 1, each.last) for each in spine.repetitions]
    allowed = []
    for at, group in enumerate(found[1:], 1):
        first = group.numbers[0]
        if not any(begin < first - 1 and first <= end for begin, end in spans):
            allowed.append(at)
    return allowed


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
    best: list[tuple[float, tuple[int, ...]]] = [(0.0, ())] + [
        (float("inf"), ())
    ] * len(room)
    for _ in range(count):
        nextbest = [(float("inf"), ())] * (len(room) + 1)
        for end in range(1, len(room) + 1):
            total = 0.0
            for begin in range(end - 1, -1, -1):
                total += room[begin]
                if total >= nextbest[end][0]:
                    break
                widest = max(best[begin][0], total)
                if widest < nextbest[end][0]:
                    nextbest[end] = (widest, (*best[begin][1], starts[begin]))
        best = nextbest
    return list(best[-1][1])


def rows(found: Sequence[Group], spine: Spine, starts: Sequence[int]) -> Placed:
    """Place all groups, a row from each start on."""
    bodies: list[Body] = []
    lines: list[Line] = []
    texts: list[Text] = []
    top, wide = 0.0, 0.0
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else len(found)
        row = _row(found[start:end], spine, begins=number == 0)
        moved = shifted(row, _GUTTER if number else 0.0, top)
        if number:
            lines.append(_turn(bodies[-1], moved, top))
        bodies += moved.bodies
        lines += moved.lines
        texts += moved.texts
        top += row.high + (_GUTTER if number + 1 < len(starts) else 0.0)
        wide = max(wide, moved.wide)
    return Placed(wide, top, bodies, lines, texts)


def _turn(last: Body, row: Placed, top: float) -> Line:
    """From the end of a row to the beginning of the next, between the two."""
    first = row.bodies[0]
    s = last.solid
    right = last.x + s.wide + _ARROW / 2
    between = top - _GUTTER / 2
    points = (
        (last.x + s.thick + s.right / 2, last.middle),
        (right, last.middle),
        (right, between),
        (_BESIDE / 2, between),
        (_BESIDE / 2, first.middle),
        (first.x, first.middle),
    )
    return Line(points, (last.number, first.number))


def _row(found: Sequence[Group], spine: Spine, begins: bool) -> Placed:
    """One row; its own top left corner is the origin."""
    bodies: list[Body] = []
    lines: list[Line] = []
    texts: list[Text] = []
    # How far each kind of thing reaches to the right: bodies, channels, captions.
    ends = [0.0, -_BESIDE, -_BESIDE] if begins else [_BESIDE, 0.0, 0.0]
    lows: dict[int, float] = {}
    for at, group in enumerate(found):
        # Its left edge is at 0 first.
        own = group.bodies(0.0, 0.0)
        channels = labels(group, own)
        middle = group.thick / 2
        half = max((width(t, SMALL) for t in group.captions), default=0.0) / 2
        reach = [
            0.0,
            min((t.box.left for t in channels), default=0.0),
            middle - half,
        ]
        on_arrow = max((width(t, SMALL) for t in group.arrow), default=0.0)
        gap = 0.0
        if at:
            gap = max(_ARROW, on_arrow + _BESIDE)
        elif not begins:
            gap = max(_ARROW, on_arrow + _BESIDE)
        elif group.places:
            gap = SMALL + ON_EDGE
        x = max(
            ends[0] + gap,
            *(end + _BESIDE - left for end, left in zip(ends[1:], reach[1:], strict=True)),
        )
        placed = group.bodies(x, 0.0)
        if at:
            before = bodies[-1]
            begin = before.x + before.solid.thick + before.solid.right / 2
            line = Line(((begin, 0.0), (x, 0.0)), (before.number, placed[0].number))
            lines.append(line)
        if on_arrow:
            for number, text in enumerate(reversed(group.arrow)):
                y = -_LIFT - number * LINE
                texts.append(Text(text, (ends[0] + x) / 2, y))
        edges = on_edges(group, placed, 0.0)
        texts += edges
        channels = labels(group, placed)
        texts += channels
        below = max((t.y for t in channels), default=group.reach)
        for number, text in enumerate(group.captions, 1):
            texts.append(Text(text, x + middle, below + number * LINE))
        low = below + len(group.captions) * LINE + 4
        lows.update(dict.fromkeys(group.numbers, low))
        bodies += placed
        ends = [
            max(x + group.wide, *(t.box.right for t in edges), 0.0),
            max((t.box.right for t in channels), default=ends[1]),
            x + middle + half,
        ]
    arcs, over = _arcs(bodies, spine.skips, begins)
    lines += [line for line, _ in arcs]
    texts += [text for _, text in arcs if text is not None]
    badges = _badges(bodies, spine, lows)
    lines += badges[0]
    texts += badges[1]
    highest = min(
        [over, *(b.y - b.solid.up for b in bodies), *(t.box.top for t in texts)]
    )
    low = max([*lows.values(), *(text.box.bottom + 2 for text in badges[1])])
    left = min([0.0, *(text.box.left for text in texts)])
    right = max([*ends, *(text.box.right for text in texts)])
    made = Placed(right - left, low - highest, bodies, lines, texts)
    return shifted(made, -left, -highest)


def _arcs(
    bodies: Sequence[Body], skips: Iterable[Skip], begins: bool
) -> tuple[list[tuple[Line, Text | None]], float]:
    """Shortcuts above the volumes, the shorter ones below the longer; their top.

    Those that come from the row before leave the line that comes from there.
    """
    place = {body.number: body for body in bodies}
    first = bodies[0].number
    earlier = None if begins else first - 1
    found: list[tuple[Line, Text | None]] = []
    drawn: list[tuple[int, int, float]] = []
    over = 0.0
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
        points = ((x1, level), (x1, y1))
        x0 = _BESIDE / 2
        if skip.source in place:
            x0, y0 = place[skip.source].top
            x0 += _APART
            points = ((x0, y0), (x0, level), *points)
        else:
            points = ((x0, level), *points)
        ends = (skip.source, skip.target)
        line = Line(points, ends, dashed=skip.projects)
        text = None
        high = level
        if skip.text:
            text = Text(skip.text, (x0 + x1) / 2, level - 3)
            high = text.box.top
        drawn.append((skip.source, skip.target, high))
        over = min(over, high - 2)
        found.append((line, text))
    return found, over


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
        texts.append(Text(f"×{each.times}", middle, y + 4 + LINE, bold=True))
        # What is written below a group is as wide as the group.
        lows.update(dict.fromkeys(passed, y + 8 + LINE))
    return lines, texts


def shifted(made: Placed, x: float, y: float) -> Placed:
    """The same, moved to the right and down."""
    return Placed(
        made.wide + x,
        made.high,
        [body._replace(x=body.x + x, y=body.y + y) for body in made.bodies],
        [
            line._replace(points=tuple((a + x, b + y) for a, b in line.points))
            for line in made.lines
        ],
        [text._replace(x=text.x + x, y=text.y + y) for text in made.texts],
    )
