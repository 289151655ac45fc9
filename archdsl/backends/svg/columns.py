"""Where a long level goes on in a new column, and how large the picture becomes."""

from __future__ import annotations

from itertools import product
from math import inf, log, sqrt

from archdsl.backends.svg import numbers
from archdsl.backends.svg.channel import TRACK
from archdsl.backends.svg.content import size
from archdsl.backends.svg.lanes import arrange
from archdsl.backends.svg.level import Level, Node
from archdsl.backends.svg.place import GUTTER, Layout, place
from archdsl.backends.svg.turn import going_past, mark, measure, place_turned, turns

# Width by height that suits a page and a slide.
SHAPE = 1.8
WIDEST = 1.95
TALLEST = 0.7
# On a slide so wide in pixels, the smallest text has six points.
PAGE = 1580.0
# The same for the height.
SLIDE = 860.0
# A frame is folded when it is so much longer than a column ought to be.
LONGER = 1.25
# Columns in a frame are not shorter than this, in pixels: what is short stays whole.
SHORTEST = 460.0
# A whole picture no longer than this stays in one column.
SMALLEST = 320.0
# What a further line between two columns costs, in pixels of height.
CROSSING = 60.0
# So many columns at most go down, and as many up, where the flow turns.
_SIDES = 6
# So many of these ways are tried in full.
_PLACED = 5
# What it costs when all values are led over the top of columns, what a further column
# costs, and what it costs when the text becomes smaller than it may. A turn is worth so
# much more than none.
_OVER = 0.4
_MORE = 0.05
_SMALL = 6.0
_WORTH = 2.0
_TRIES = 24
_ATTEMPTS = 8
# Near enough to the wanted shape.
_CLOSE = 0.12
# What a line between two columns of a frame costs, in the same measure.
_COST = 0.04
# The first and last columns are not to be shorter than this part of the longest, and
# what it costs when they are.
_LAST = 0.25
_STUB = 0.5
_BAND = 30.0


def lay_out(levels: list[Level], flat: bool) -> list[Layout]:
    """Place all levels; the inner ones come first, the whole picture last.

    With `flat` the flow goes from left to right. Raises PlanError where more lines go
    past boxes than anybody could follow.
    """
    layouts: list[Layout] = []
    for level in levels:
        passed = layouts[-1].rows.passed if layouts else 0
        layouts.append(Layout(level, arrange(level, passed), flat))
    by_level = {id(layout.level): layout for layout in layouts}
    folded = _fit(layouts, by_level, 1 / SHAPE if flat else SHAPE)
    whole = layouts[-1]
    if folded and not flat and whole.wide > PAGE:
        wanted = _for_page(whole.wide, whole.long)
        if wanted < SHAPE:
            _fit(layouts, by_level, wanted)
    mark(whole)
    return layouts


def _for_page(wide: float, long: float) -> float:
    """The shape of what is large: it grows down, so that text can be read."""
    return max(TALLEST, PAGE**2 / (wide * long))


def _fit(layouts: list[Layout], by_level: dict[int, Layout], wanted: float) -> bool:
    """Fold frames at such a length that the whole comes near the wanted shape.

    Returns whether there were frames to fold.
    """
    limit = sqrt(sum(_areas(layout) for layout in layouts) / wanted)
    limit = max(limit, SHORTEST)
    least = _attempt(layouts, by_level, wanted, inf)
    best = tried = inf
    if all(layout.long <= LONGER * limit for layout in layouts[:-1]):
        return False
    for _ in range(_ATTEMPTS):
        found, tried = _attempt(layouts, by_level, wanted, limit), limit
        if found < least:
            least, best = found, limit
        whole = layouts[-1]
        ratio = whole.wide / whole.long / wanted
        if found < _CLOSE or not ratio:
            break
        limit = max(limit * max(ratio, 1.1) ** 0.5, SHORTEST)
    if tried != best:
        _attempt(layouts, by_level, wanted, best)
    return True


def _attempt(
    layouts: list[Layout], by_level: dict[int, Layout], wanted: float, limit: float
) -> float:
    """Place all, with frames folded at a limit; returns how far off the shape is."""
    whole = layouts[-1]
    cost = 0
    for layout in layouts:
        _measure(layout, by_level)
        place(layout, [])
        if layout is not whole and layout.long > LONGER * limit:
            breaks = _without_stubs(layout, _breaks(layout, limit))
            place(layout, breaks)
            cost += sum(layout.crossing[at - 1] for at in breaks)
    breaks = _best(whole, wanted)
    wide, long = _estimate(whole, breaks)
    if not whole.flat and wide > PAGE and _for_page(wide, long) < wanted:
        breaks = _best(whole, _for_page(wide, long))
    plain = _detour(whole, *_estimate(whole, breaks))
    placed = not breaks
    if turns(whole.rows):
        placed = _turned(whole, plain + _WORTH)
    if not placed:
        place(whole, breaks)
    small = 0.0 if whole.flat else max(0.0, log(whole.wide / PAGE))
    off = _distance(whole, whole.wide, whole.long, wanted)
    return off + _COST * cost + _SMALL * small


def _areas(layout: Layout) -> float:
    """The area that boxes take, with the space around them."""
    return sum(
        (node.wide + 2 * TRACK) * (node.long + 3 * TRACK)
        for node in layout.level.nodes
        if node.kind == "box"
    )


def _measure(layout: Layout, by_level: dict[int, Layout]) -> None:
    for node in layout.level.nodes:
        if node.box is not None:
            wide, long = size(node.box)
            node.wide, node.long = (long, wide) if layout.flat else (wide, long)
            node.left = node.right = node.wide / 2
            links = layout.rows.ordered.get(node)
            if links:
                count = sum(link not in layout.rows.aside for link in links)
                numbers.room(node, count, layout.flat)
        elif node.inner is not None:
            _frame(node, by_level[id(node.inner)])
    for net in layout.rows.nets:
        if net.label:
            port = net.tail.leaves.get(net.outof, 0.0)
            wide = layout.label_size(net.label)[0]
            net.tail.right = max(net.tail.right, port + wide + 6)


def _frame(node: Node, inner: Layout) -> None:
    title = inner.level.title
    anchor = title.across if title else inner.wide / 2
    node.wide, node.long = inner.wide, inner.long
    node.left, node.right = anchor, inner.wide - anchor
    node.enters = {key: one.across - anchor for key, one in inner.level.ins.items()}
    node.enters[""] = 0.0
    node.leaves = {key: one.across - anchor for key, one in inner.level.outs.items()}


def _best(layout: Layout, wanted: float) -> list[int]:
    """The breaks that bring the picture nearest to the wanted shape."""
    best: list[int] = []
    if not layout.flat and layout.long <= SMALLEST:
        return best
    least = _distance(layout, layout.wide, layout.long, wanted)
    tallest = max((e[3] - e[2] for e in layout.extents), default=0.0)
    tries = {
        tallest + (layout.long - tallest) * (k / _TRIES) ** 2 for k in range(_TRIES)
    }
    for limit in sorted(tries):
        breaks = _breaks(layout, limit)
        wide, long = _estimate(layout, breaks)
        found = _distance(layout, wide, long, wanted)
        found += 0.05 * sum(layout.crossing[at - 1] - 1 for at in breaks)
        found += _short(layout, breaks, long)
        if breaks and found < least:
            best, least = breaks, found
    return best


def _turned(layout: Layout, most: float) -> bool:
    """Place a level with a turn, where it goes down and comes back up.

    Returns whether there is a turn that costs at most so much.
    """
    tried: list[tuple[float, float, list[int], int]] = []
    for turn in turns(layout.rows):
        past = going_past(layout.rows, turn)
        measure(layout, turn)
        ends = [(net.tail.row, link.head.row) for net, link in past.items()]
        # What goes on by the side alone does not leave from the end of a column.
        begins = {net.tail.row for net in past if len(net.links) == 1}
        for downs, ups in product(range(1, _SIDES + 1), repeat=2):
            left = _parts(layout, 0, turn, downs, begins)
            right = _parts(layout, turn, len(layout.extents), ups, begins)
            last, first = (left or [0])[-1], (right or [len(layout.extents)])[0]
            over = sum(begin < last or end >= first for begin, end in ends)
            breaks = [*left, turn, *right]
            wide, long = _estimate(layout, breaks)
            wide, long = wide + 2 * TRACK * over, long + TRACK * over
            cost = _detour(layout, wide, long)
            more = _OVER * over / len(past) + _MORE * len(breaks)
            tried.append((cost + more, cost, breaks, turn))
    tried.sort(key=lambda one: one[0])
    placed = []
    for cost, estimated, breaks, turn in tried[:_PLACED]:
        place_turned(layout, breaks, turn)
        cost += _detour(layout, layout.wide, layout.long) - estimated
        placed.append((cost, breaks, turn))
    least, breaks, turn = min(placed, key=lambda one: one[0], default=(inf, [], 0))
    if least <= most:
        place_turned(layout, breaks, turn)
    return least <= most


def _detour(layout: Layout, wide: float, long: float) -> float:
    """How far a picture with a turn is from one that suits a page or a slide."""
    if layout.flat:
        wide, long = long, wide
    ratio = log(wide / long)
    small = log(max(wide / PAGE, long / SLIDE))
    over = abs(ratio) - log(WIDEST)
    return (
        _SMALL * max(0.0, small) + 0.05 * abs(ratio - log(SHAPE)) + 12 * max(0.0, over)
    )


def _parts(
    layout: Layout, first: int, after: int, count: int, past: set[int]
) -> list[int]:
    """Breaks into parts of about one length, none right below a row in `past`."""
    extents = layout.extents
    begin, end = extents[first][2], extents[after - 1][3]
    breaks: list[int] = []
    for part in range(1, count):
        ideal = begin + (end - begin) * part / count
        rows = [
            row
            for row in range((breaks or [first])[-1] + 1, after)
            if row - 1 not in past and (row > 1 or not layout.level.title)
        ]
        if rows:
            breaks.append(min(rows, key=lambda row: abs(extents[row][2] - ideal)))
    return breaks


def _without_stubs(layout: Layout, breaks: list[int]) -> list[int]:
    """Breaks, but for those of a first or last column that hardly holds anything."""
    extents = layout.extents
    while breaks:
        ends = [extents[row - 1][3] for row in breaks] + [extents[-1][3]]
        begins = [extents[row][2] for row in [0, *breaks]]
        longs = [end - begin for begin, end in zip(begins, ends, strict=True)]
        least = _LAST * max(longs)
        if longs[0] < least:
            breaks = breaks[1:]
        elif longs[-1] < least:
            breaks = breaks[:-1]
        else:
            break
    return breaks


def _short(layout: Layout, breaks: list[int], long: float) -> float:
    """What a first or last column costs that hardly holds anything."""
    if not breaks:
        return 0.0
    extents = layout.extents
    first = extents[breaks[0] - 1][3] - extents[0][2]
    last = extents[-1][3] - extents[breaks[-1]][2]
    return _STUB * ((first < _LAST * long) + (last < _LAST * long))


def _distance(layout: Layout, wide: float, long: float, wanted: float) -> float:
    """How far a picture is from the wanted shape, on a scale of ratios."""
    if not wide or not long:
        return 0.0
    ratio = log(wide / long)
    # Too wide is worse than too tall: the text shrinks on a page.
    over = abs(ratio) - log(WIDEST)
    return abs(ratio - log(wanted)) + 12 * max(0.0, over)


def _breaks(layout: Layout, limit: float) -> list[int]:
    """Fill columns to a limit, and break where few lines have to be led over."""
    extents, crossing = layout.extents, layout.crossing
    breaks: list[int] = []
    first = 0
    last = len(extents) - 1
    while extents and extents[last][3] - extents[first][2] > limit:
        best, least = -1, inf
        for row in range(first, last):
            used = extents[row][3] - extents[first][2]
            if used > limit and best >= 0:
                break
            if row == 0 and layout.level.title:
                continue
            loss = limit - used + CROSSING * (crossing[row] - 1)
            if loss <= least:
                best, least = row, loss
        if best < 0 or (best + 1 == last and not extents[last][3] - extents[last][2]):
            break
        breaks.append(best + 1)
        first = best + 1
    return breaks


def _estimate(layout: Layout, breaks: list[int]) -> tuple[float, float]:
    wide, long = 0.0, 0.0
    extents = layout.extents
    for first, after in zip([0, *breaks], [*breaks, len(extents)], strict=True):
        rows = extents[first:after]
        wide += max(r[1] for r in rows) - min(r[0] for r in rows)
        long = max(long, rows[-1][3] - rows[0][2])
    wide += sum(GUTTER + layout.crossing[at - 1] * TRACK for at in breaks)
    return wide + 20, long + (_BAND if breaks else 0.0) + 20
