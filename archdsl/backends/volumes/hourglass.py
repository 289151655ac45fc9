"""Groups of volumes down and up again, equal resolutions side by side, as in U-Net.

O. Ronneberger, P. Fischer and T. Brox (2015): U-Net, figure 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from archdsl.backends.svg.metrics import width
from archdsl.backends.volumes.groups import LINE, ON_EDGE, Group, on_edges
from archdsl.backends.volumes.measure import nominal
from archdsl.backends.volumes.rows import Placed, shifted
from archdsl.backends.volumes.scene import SMALL, Body, Line, Text
from archdsl.backends.volumes.spine import Spine

# An hourglass has so many shortcuts from one side to the other.
_FEWEST = 2
_ARROW = 22.0
_BESIDE = 6.0
# Between the last volume of a level and the arrow that goes up from there.
_TURN = 14.0
_GAP = 16.0


def hourglass(found: Sequence[Group], spine: Spine) -> Placed | None:
    """Place all groups, or None if they do not go down and up with shortcuts across."""
    levels = _levels(found, spine)
    return None if levels is None else _Hourglass(found, spine, levels).placed()


def _levels(found: Sequence[Group], spine: Spine) -> list[int] | None:
    """The level of each group, 0 at the top; the input is beside the first."""
    wrong = any(volume.fault for volume in spine.volumes)
    if wrong or len(found) < 4 or spine.repetitions or len(spine.skips) < _FEWEST:
        return None
    sizes = []
    for group in found[1:]:
        shape = group.volumes[0].sizes[-1]
        if len(shape) < 3:
            return None
        sizes.append(nominal(shape[-2]))
    low = sizes.index(min(sizes))
    falls = [b - a for a, b in pairwise(sizes)]
    if any(fall >= 0 for fall in falls[:low]) or any(rise <= 0 for rise in falls[low:]):
        return None
    # The input is not among the sizes.
    low += 1
    group_of = {n: at for at, group in enumerate(found) for n in group.numbers}
    levels = [0, *range(low), *[-1] * (len(sizes) - low)]
    for skip in spine.skips:
        source, target = group_of[skip.source], group_of[skip.target]
        if not 0 < source < low < target or levels[target] >= 0:
            return None
        levels[target] = levels[source]
    for at in range(low + 1, len(levels)):
        if levels[at] < 0:
            levels[at] = levels[at - 1] - 1
        if not 0 <= levels[at] < levels[at - 1]:
            return None
    return levels


class _Hourglass:
    def __init__(
        self, found: Sequence[Group], spine: Spine, levels: Sequence[int]
    ) -> None:
        self._found = found
        self._spine = spine
        self._levels = levels
        self._low = max(range(1, len(levels)), key=lambda at: levels[at])
        self._axes = self._heights()
        self._bodies: list[list[Body]] = []
        self._lines: list[Line] = []
        self._texts: list[Text] = []

    def _heights(self) -> list[float]:
        """Where the axis of each level is."""
        axes: list[float] = []
        below = 0.0
        for level in range(max(self._levels) + 1):
            here = [
                group
                for group, own in zip(self._found, self._levels, strict=True)
                if own == level
            ]
            reach = max(group.reach for group in here)
            above = max(len(group.captions) for group in here) + 1
            if axes:
                on_arrow = max(len(_on_arrow(group)) for group in here)
                on_arrow = max(on_arrow, self._leaving(level))
                axes.append(axes[-1] + below + _GAP + (above + on_arrow) * LINE + reach)
            else:
                axes.append(above * LINE + reach)
            below = reach
        return axes

    def _leaving(self, level: int) -> int:
        """How many lines stand on the arrow up from a level."""
        ups = range(self._low + 1, len(self._levels))
        found = [
            len(_on_arrow(self._found[at]))
            for at in ups
            if self._levels[at - 1] == level
        ]
        return max(found, default=0)

    def placed(self) -> Placed:
        """All groups from left to right."""
        for at in range(len(self._found)):
            if at <= 1:
                self._first(at)
            elif at <= self._low:
                self._down(at)
            else:
                self._up(at)
        self._across()
        bodies = [body for group in self._bodies for body in group]
        texts = self._texts
        left = min([b.x for b in bodies] + [t.box.left for t in texts])
        top = min([b.y - b.solid.up for b in bodies] + [t.box.top for t in texts])
        right = max([b.x + b.solid.wide for b in bodies] + [t.box.right for t in texts])
        low = max([b.y + b.solid.high for b in bodies] + [t.box.bottom for t in texts])
        made = Placed(right - left, low - top, bodies, self._lines, texts)
        return shifted(made, -left, -top)

    # Groups

    def _first(self, at: int) -> None:
        """The input, and beside it the first volumes."""
        group = self._found[at]
        x, axis = 0.0, self._axes[0]
        if at:
            before = self._bodies[0][-1]
            long = max((width(text, SMALL) for text in group.arrow), default=0.0)
            x = before.x + before.solid.wide + max(_ARROW, long + _BESIDE)
        placed = self._put(group, x, axis)
        if at:
            self._arrow((before.side, (x, axis)), before, placed[0])
            middle = (before.x + before.solid.wide + x) / 2
            for number, text in enumerate(reversed(group.arrow)):
                self._texts.append(Text(text, middle, axis - 5 - number * LINE))
        self._told(group, placed, placed[0].x + placed[0].solid.right)

    def _down(self, at: int) -> None:
        """A group below the last volume of the one before."""
        group, axis = self._found[at], self._axes[self._levels[at]]
        before = self._bodies[-1][-1]
        middle = before.x + before.solid.thick / 2
        first = group.solids[0]
        placed = self._put(group, middle - first.thick / 2 - first.right, axis)
        begin = (middle, before.y + before.solid.high)
        end = placed[0].top
        self._arrow((begin, (middle, end[1])), before, placed[0])
        top = self._told(group, placed, middle + _BESIDE)
        for number, text in enumerate(reversed(_on_arrow(group))):
            y = top - number * LINE
            self._texts.append(Text(text, middle + _BESIDE, y, anchor="start"))

    def _up(self, at: int) -> None:
        """A group above what is right of the one before."""
        group, axis = self._found[at], self._axes[self._levels[at]]
        before = self._bodies[-1][-1]
        turn = before.x + before.solid.wide + _TURN
        offset = self._entry(group)
        x = max(turn - offset, self._free(at))
        placed = self._put(group, x, axis)
        turn = x + offset
        low = placed[0].y + placed[0].solid.high
        middle = before.middle
        self._arrow((before.side, (turn, middle), (turn, low)), before, placed[0])
        for number, text in enumerate(_on_arrow(group), 1):
            y = low + number * LINE + 2
            self._texts.append(Text(text, turn + _BESIDE, y, anchor="start"))
        self._told(group, placed, placed[0].x + placed[0].solid.right)

    @staticmethod
    def _entry(group: Group) -> float:
        """How far from its left edge the arrow reaches a group: not at a copy."""
        ahead = 0.0
        first = group.volumes[0]
        for at, thick in enumerate(group.slices[0]):
            if not first.slices or not first.slices[at].copied:
                return ahead + thick / 2
            ahead += thick
        return group.solids[0].thick / 2

    def _free(self, at: int) -> float:
        """Where a group may begin: right of its shortcuts, and of what is on them."""
        numbers = self._found[at].numbers
        least = float("-inf")
        for skip in self._spine.skips:
            if skip.target not in numbers:
                continue
            end = self._end_of(skip.source)
            room = max(_ARROW, width(skip.text, SMALL) + 2 * _BESIDE)
            edge = SMALL + ON_EDGE if self._found[at].places else 0.0
            least = max(least, end.x + end.solid.wide + room + edge)
        return least

    def _end_of(self, number: int) -> Body:
        """The last volume of a group: the others hide their sides."""
        for bodies in self._bodies:
            if any(body.number == number for body in bodies):
                return bodies[-1]
        raise AssertionError("a shortcut begins where something is drawn")

    # Lines and text

    def _across(self) -> None:
        """The shortcuts, from side to side."""
        place = {body.number: body for bodies in self._bodies for body in bodies}
        for skip in self._spine.skips:
            begin, end = self._end_of(skip.source), place[skip.target]
            y = begin.middle
            line = Line(
                (begin.side, (end.x, y)),
                (begin.number, end.number),
                dashed=skip.projects,
                leaves=begin.end,
            )
            self._lines.append(line)
            if skip.text:
                free = begin.x + begin.solid.wide
                self._texts.append(Text(skip.text, (free + end.x) / 2, y - 5))

    def _put(self, group: Group, x: float, axis: float) -> list[Body]:
        placed = group.bodies(x, axis)
        self._bodies.append(placed)
        self._texts += on_edges(group, placed, axis)
        return placed

    def _told(self, group: Group, placed: list[Body], left: float) -> float:
        """Write the channels above, and what is done above them; gives the top."""
        top = min(body.y - body.solid.up for body in placed) - 4
        end = left - 2
        for body, text in zip(placed, group.channels, strict=True):
            if text:
                half = width(text, SMALL, True) / 2
                middle = max(body.top[0], end + half + 2)
                self._texts.append(Text(text, middle, top, bold=True))
                end = middle + half
        for number, text in enumerate(reversed(group.captions), 1):
            x = left
            if len(self._bodies) > self._low:
                # What goes up from the side of the last volume stays clear.
                most = placed[-1].x + placed[-1].solid.wide + _TURN - _BESIDE
                x = min(left, most - width(text, SMALL))
            self._texts.append(Text(text, x, top - number * LINE, anchor="start"))
        return top - (len(group.captions) + 1) * LINE

    def _arrow(
        self, points: tuple[tuple[float, float], ...], begin: Body, end: Body
    ) -> None:
        leaves = begin.end if points[0] == begin.side else None
        self._lines.append(Line(points, (begin.number, end.number), leaves=leaves))


def _on_arrow(group: Group) -> list[str]:
    """The lines beside an arrow down or up, where there is room."""
    return group.volumes[0].text.split("\n")
