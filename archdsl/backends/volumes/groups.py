"""Volumes of one resolution, which touch, and what is written about them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import NamedTuple

from archdsl.backends.diagram import words
from archdsl.backends.diagram.options import Shown
from archdsl.backends.svg.metrics import width
from archdsl.backends.volumes.measure import Measure, Solid, touching
from archdsl.backends.volumes.scene import SMALL, Body, Text
from archdsl.backends.volumes.spine import Spine, Volume

LINE = 12.0
# Between an edge and what stands along it.
ON_EDGE = 4.0
# What stands for operations that join values.
SIGNS = {"add": "+", "sub": "−"}
# Text below a group is at least this wide before it is broken, and so much wider.
_NARROW, _WIDER = 64.0, 12.0
# A group ends when its fronts are so wide.
_LONGEST = 1100.0
# Text on an arrow is broken when it is wider.
_ON_ARROW = 46.0
# Lines of one operation on an arrow; words beyond a dozen stay on the last.
_MOST_LINES = 3
# Text on an edge may reach so much below it, if the front is so thick.
_BEYOND, _CLEAR = 12.0, 20.0


class Group(NamedTuple):
    """Volumes that touch: their numbers, and the edges of each.

    `arrow` is what stands on the arrow that leads here, `captions` below; `places` is
    the resolution if it fits on the edge, `leaving` that of the last if it is another.
    """

    numbers: range
    volumes: tuple[Volume, ...]
    solids: tuple[Solid, ...]
    slices: tuple[tuple[float, ...], ...]
    channels: tuple[str, ...]
    places: str
    leaving: str
    arrow: tuple[str, ...]
    captions: tuple[str, ...]

    @property
    def thick(self) -> float:
        """The width of all fronts."""
        return sum(solid.thick for solid in self.solids)

    @property
    def wide(self) -> float:
        """The width of all that is seen."""
        ahead, widest = 0.0, 0.0
        for solid in self.solids:
            ahead += solid.thick
            widest = max(widest, ahead + solid.right)
        return widest

    @property
    def reach(self) -> float:
        """How far it reaches above the axis, and below."""
        return max((solid.high + solid.up) / 2 for solid in self.solids)

    def bodies(self, x: float, axis: float) -> list[Body]:
        """The volumes from a left edge on, their middles on the axis."""
        found = []
        rows = zip(self.numbers, self.volumes, self.solids, self.slices, strict=True)
        for number, volume, solid, slices in rows:
            y = axis + (solid.up - solid.high) / 2
            found.append(Body(number, volume, solid, slices, x, y))
            x += solid.thick
        return found


def groups(
    spine: Spine, measure: Measure, show: tuple[Shown, ...], apart: bool = False
) -> list[Group]:
    """The volumes in groups, in order.

    With `apart` a row may end before each of them, as far as shortcuts let it: a group
    also begins where none passes by, if one does where the resolution changes.
    """
    volumes = spine.volumes
    starts = _starts(volumes, measure)
    if apart:
        starts = _apart(starts, free(spine))
    grouper = _Grouper(measure, show)
    found = [
        grouper.group(range(start, end), tuple(volumes[start:end]))
        for start, end in zip(starts, [*starts[1:], len(volumes)], strict=True)
    ]
    behind = [group for group in found if group.leaving]
    if not all(_fits_behind(group.leaving, group.solids[-1]) for group in behind):
        # All or none stand along their edges.
        found = [_with_leaving(group) for group in found]
    return found


def free(spine: Spine) -> set[int]:
    """The volumes before which a row may end.

    Nothing passes by there but shortcuts of the value that goes on to the next row.
    """
    spans = [(skip.source, skip.target) for skip in spine.skips]
    spans += [(each.first - 1, each.last) for each in spine.repetitions]
    return {
        at
        for at in range(1, len(spine.volumes))
        if not any(begin < at - 1 and at <= end for begin, end in spans)
    }


def _apart(starts: list[int], allowed: set[int]) -> list[int]:
    """More starts: the last one before each that is not allowed."""
    found = [0]
    for before, at in pairwise(starts):
        if at not in allowed:
            found += [n for n in range(at - 1, before, -1) if n in allowed][:1]
        found.append(at)
    return found


def _starts(volumes: list[Volume], measure: Measure) -> list[int]:
    """Where a group begins: at another resolution, and beside what is wrong."""
    starts = [0]
    long = 0.0
    for at in range(1, len(volumes)):
        before = measure.axes(volumes[at - 1]).places
        after = measure.axes(volumes[at]).places
        wrong = "wrong" in (volumes[at - 1].kind, volumes[at].kind)
        # What arrives stands alone, and no group is wider than a page.
        if at == 1 or long > _LONGEST or wrong or not touching(before, after):
            starts.append(at)
            long = 0.0
        long += measure.solid(volumes[at]).thick
    return starts


class _Grouper:
    """Makes groups in order: sizes are told when they change."""

    def __init__(self, measure: Measure, show: tuple[Shown, ...]) -> None:
        self._measure = measure
        self._show = show
        self._places = self._channels = ""

    def group(self, numbers: range, members: tuple[Volume, ...]) -> Group:
        """The next group."""
        slices = tuple(tuple(self._measure.slices(volume)) for volume in members)
        solids = tuple(
            self._measure.solid(volume)._replace(thick=sum(parts))
            for volume, parts in zip(members, slices, strict=True)
        )
        channels = tuple(self._told(volume) for volume in members)
        places = leaving = ""
        if "shapes" in self._show:
            places = self._measure.places(members[0])
            leaving = self._measure.places(members[-1])
        shown = places if places != self._places else ""
        self._places = leaving
        first = numbers[0] == 0
        room = max(_NARROW, sum(solid.thick for solid in solids) + _WIDER)
        captions = _wrapped(_captions(members, self._show, first), room)
        if shown and not _fits(shown, solids[0], channels[0]):
            captions, shown = [shown, *captions], ""
        arrow = [] if first else _broken(members[0].text)
        if members[0].fault:
            arrow = members[0].fault.split(" · ")
            captions = [*members[0].text.split("\n"), *captions]
        return Group(
            numbers,
            members,
            solids,
            slices,
            channels,
            shown,
            leaving if leaving != places else "",
            tuple(arrow),
            tuple(captions),
        )

    def _told(self, volume: Volume) -> str:
        """The channels of a volume, if they are not those of the one before."""
        before = self._channels
        if "shapes" in self._show:
            self._channels = self._measure.channels(volume)
        return "" if self._channels == before else self._channels


def _with_leaving(group: Group) -> Group:
    """The group with the resolution that leaves it among what stands below."""
    if not group.leaving:
        return group
    first, *rest = group.captions or ("",)
    said = [f"to {group.leaving}", *group.captions]
    if not group.places and first:
        # The one that arrives is there too.
        said = [f"{first} to {group.leaving}", *rest]
    return group._replace(captions=tuple(said), leaving="")


def _fits(text: str, solid: Solid, channels: str) -> bool:
    """Whether a text fits on the edge of a front, below the axis.

    It may reach beyond the corner, if that keeps it clear of what is written below.
    """
    beyond = 0.0 if channels and solid.thick < _CLEAR else _BEYOND
    return width(text, SMALL) + 6 <= (solid.high + solid.up) / 2 + beyond


def _fits_behind(text: str, solid: Solid) -> bool:
    """Whether a text fits right of the side, below the axis."""
    return width(text, SMALL) + 6 <= (solid.high - solid.up) / 2


def on_edges(group: Group, bodies: list[Body], axis: float) -> list[Text]:
    """The resolutions that arrive and leave, along the edges below the axis."""
    found = []
    first, last = bodies[0], bodies[-1]
    if group.places:
        low = first.y + first.solid.high
        low = max(low, axis + width(group.places, SMALL) + 6)
        found.append(Text(group.places, first.x - ON_EDGE, low, turned=True))
    if group.leaving:
        low = last.y - last.solid.up + last.solid.high
        right = last.x + last.solid.wide + ON_EDGE + SMALL * 0.8
        found.append(Text(group.leaving, right, low, turned=True))
    return found


def _captions(
    members: tuple[Volume, ...], show: tuple[Shown, ...], first: bool
) -> list[str]:
    """What the volumes of a group are; the first one has its operation on an arrow."""
    found: list[tuple[str, int]] = []
    row, closed = "", False
    for number, volume in enumerate(members):
        if number == 0 and not first:
            continue
        if volume.text in SIGNS:
            # The colour of a sum says what it is. Layers before and after it are
            # not counted as one row, but blocks are.
            row = row if closed else ""
            continue
        if found and row == volume.text:
            found[-1] = volume.text, found[-1][1] + 1
        else:
            found.append((volume.text, 1))
        row, closed = volume.text, volume.kind == "closed"
    said = [
        (f"{count} × " if count > 1 else "") + text.replace("\n", " · ")
        for text, count in found
    ]
    cost = [volume.cost for volume in members]
    params = sum(each.params for each in cost)
    if "params" in show and params:
        said.append(f"{words.count(params)} parameters")
    macs = sum((each.macs for each in cost[1:]), start=cost[0].macs)
    if "macs" in show and macs != 0:
        said.append(f"{words.count(macs)} MACs")
    return said


def _wrapped(texts: list[str], wide: float) -> list[str]:
    """Texts, several on a line where they fit."""
    found: list[str] = []
    for text in texts:
        joined = f"{found[-1]} · {text}" if found else text
        if found and width(joined, SMALL) <= wide:
            found[-1] = joined
        else:
            found.append(text)
    return found


def _broken(text: str) -> list[str]:
    """The lines of what stands on an arrow: few, and narrow."""
    found: list[str] = []
    for part in SIGNS.get(text, text).split("\n"):
        words_of = _words(part)
        best = [part]
        for count in range(1, min(_MOST_LINES, len(words_of)) + 1):
            best = min(
                (_cut(words_of, cuts) for cuts in _cuts(len(words_of), count)),
                key=_widest,
            )
            if _widest(best) <= _ON_ARROW:
                break
        found += best
    return found


def _words(text: str) -> list[str]:
    """Where a line may break: `conv`, `3×3,`, `/2,`, `groups 32`."""
    first, *others = text.split(", ")
    if not others:
        return first.split(" ")
    *more, last = others
    return [*f"{first},".split(" "), *(f"{each}," for each in more), last]


def _cuts(words_in: int, lines: int) -> Iterator[tuple[int, ...]]:
    return combinations(range(1, words_in), lines - 1)


def _cut(said: list[str], cuts: tuple[int, ...]) -> list[str]:
    ends = (*cuts, len(said))
    return [" ".join(said[a:b]) for a, b in zip((0, *cuts), ends, strict=True)]


def _widest(lines: list[str]) -> float:
    return max(width(line, SMALL) for line in lines)


def labels(group: Group, bodies: list[Body]) -> list[Text]:
    """The channels below the volumes of a group, those that would touch one lower."""
    found: list[Text] = []
    bottom = max(body.y + body.solid.high for body in bodies)
    ends = [float("-inf")] * 3
    for body, text in zip(bodies, group.channels, strict=True):
        if not text:
            continue
        middle = body.x + body.solid.thick / 2
        half = width(text, SMALL, True) / 2 + 2
        row = next((n for n, end in enumerate(ends) if middle - half >= end), 2)
        ends[row] = middle + half
        found.append(Text(text, middle, bottom + LINE * (row + 1), SMALL, bold=True))
    return found
