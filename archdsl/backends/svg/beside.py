"""Two drawings in one."""

from __future__ import annotations

from archdsl.backends.svg.markup import Drawing, Placed
from archdsl.backends.svg.metrics import width
from archdsl.backends.svg.theme import FONT, LINE, SMALL

_GAP, _EDGE = 24.0, 10.0
_HEAD = 20.0


def beside(left: Drawing, right: Drawing, old: str, new: str, legend: str) -> Drawing:
    """Both, each with a title above it, and a legend below."""
    titles = old, new
    wide = [
        max(made.wide, width(title, FONT, True) + 2 * _EDGE)
        for made, title in zip((left, right), titles, strict=True)
    ]
    whole = max(wide[0] + _GAP + wide[1], width(legend, SMALL) + 2 * _EDGE)
    high = _HEAD + max(left.high, right.high)
    parts = [_moved(left, 0.0), _moved(right, wide[0] + _GAP)]
    said = [
        (title, Placed(x + _EDGE, 6.0, width(title, FONT, True), LINE))
        for title, x in zip(titles, (0.0, wide[0] + _GAP), strict=True)
    ]
    last = Placed(_EDGE, high + 2, width(legend, SMALL), LINE)
    # Headings and notes take turns.
    notes = [said[0], ("", last), *parts[0].notes, said[1], (legend, last)]
    notes += parts[1].notes
    return Drawing(
        whole,
        high + LINE + 10,
        parts[0].boxes + parts[1].boxes,
        parts[0].frames + parts[1].frames,
        parts[0].lines + parts[1].lines,
        parts[0].labels + parts[1].labels,
        notes,
    )


def _moved(made: Drawing, x: float) -> Drawing:
    def placed(at: Placed) -> Placed:
        return at._replace(x=at.x + x, y=at.y + _HEAD)

    return Drawing(
        made.wide,
        made.high,
        [(box, placed(at)) for box, at in made.boxes],
        [(frame, placed(at)) for frame, at in made.frames],
        [
            (link, [(a + x, b + _HEAD) for a, b in points])
            for link, points in made.lines
        ],
        [(text, placed(at)) for text, at in made.labels],
        [(text, placed(at)) for text, at in made.notes],
    )
