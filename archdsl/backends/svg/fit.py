"""How much of a network is drawn so that it can be read on a slide."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from archdsl.backends.diagram.closing import OPEN, Closer, Closing, Steps
from archdsl.backends.diagram.picture import Box, Frame, Picture
from archdsl.backends.svg.content import size
from archdsl.backends.svg.markup import Drawing
from archdsl.backends.svg.theme import SMALL

# Pixels and points in an inch.
PIXELS = 96.0
POINTS = 72.0
# A slide in inches, the smallest text on it in points, and the longest picture.
SLIDE = (13.33, 7.5)
LEAST = 6.0
LONGEST = 2.0
# Boxes with some space around take about a quarter of a picture, and never this part.
_FILLED = 0.5
_SPACE = 8.0
# So many classes of blocks are tried whether they can be opened again.
_TRIES = 8


def slide_points(wide: float, high: float) -> float:
    """The size of the smallest text in points, when a picture is put on a slide."""
    scale = min(SLIDE[0] * PIXELS / wide, SLIDE[1] * PIXELS / high)
    return SMALL * POINTS / PIXELS * scale


def legible(made: Drawing) -> bool:
    """Whether a drawing can be read on a slide, and is not too long for one."""
    longer, shorter = max(made.wide, made.high), min(made.wide, made.high)
    return slide_points(made.wide, made.high) >= LEAST and longer <= LONGEST * shorter


def fitted(
    planned: Callable[[Closer], Picture], drawn: Callable[[Picture], Drawing]
) -> Drawing:
    """The drawing that shows most of those that can be read.

    If none of them can be read, it is the one with all blocks closed.
    """
    closer = Closer()
    found: dict[Closing, Drawing | None] = {}

    def attempt(closing: Closing, last: bool = False) -> Drawing | None:
        if closing not in found or last:
            closer.begin(closing)
            picture = planned(closer)
            found[closing] = None
            if last or not _overflows(picture):
                made = drawn(picture)
                found[closing] = made if last or legible(made) else None
        return found[closing]

    closer.begin(OPEN)
    picture = planned(closer)
    steps = Steps(closer)
    if len(steps) == 1 or not _overflows(picture):
        made = drawn(picture)
        if len(steps) == 1 or legible(made):
            return made
    low, high = 1, len(steps) - 1
    while low < high:
        middle = (low + high) // 2
        if attempt(steps[middle]) is None:
            low = middle + 1
        else:
            high = middle
    closing = steps[low]
    best = attempt(closing, low == len(steps) - 1)
    assert best is not None
    for opened in islice(steps.wider(closing), _TRIES):
        wider = attempt(closing.without(opened))
        if wider is not None:
            closing, best = closing.without(opened), wider
    return best


def _overflows(picture: Picture) -> bool:
    """Whether the boxes alone take more room than there is, however they are laid."""
    room = (SLIDE[0] * PIXELS) * (SLIDE[1] * PIXELS) * _FILLED
    room *= (SMALL * POINTS / PIXELS / LEAST) ** 2
    stack: list[Frame] = [picture.root]
    while stack:
        for item in stack.pop().items:
            if isinstance(item, Box):
                wide, high = size(item)
                room -= (wide + _SPACE) * (high + _SPACE)
            else:
                stack.append(item)
        if room < 0:
            return True
    return False
