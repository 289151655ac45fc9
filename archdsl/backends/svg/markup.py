"""Layouts to SVG text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from archdsl.backends.diagram.picture import Box, Frame, Mark, State
from archdsl.backends.diagram.words import SIGN
from archdsl.backends.svg.content import LABEL_HEIGHT, lines
from archdsl.backends.svg.level import Link
from archdsl.backends.svg.metrics import width
from archdsl.backends.svg.place import Layout, Point
from archdsl.backends.svg.theme import FONT, LINE, SMALL, Theme, css
from archdsl.backends.text.wording import visible

_MARGIN = 6.0
# So many lines of a value are held against a new one.
_COMPARED = 4
_HEAD = 20.0
_FOOT = 16.0
_STATES: dict[State, str] = {"wrong": "w", "unknown": "u"}
MARKS: dict[Mark, str] = {"added": " m a", "removed": " m r", "changed": " m c"}


class Placed(NamedTuple):
    """A rectangle in the picture: its corner and its size, in pixels."""

    x: float
    y: float
    wide: float
    high: float


class Drawing(NamedTuple):
    """All that is drawn, with its place in the picture."""

    wide: float
    high: float
    boxes: list[tuple[Box, Placed]]
    frames: list[tuple[Frame, Placed]]
    lines: list[tuple[Link, list[Point]]]
    labels: list[tuple[str, Placed]]
    notes: list[tuple[str, Placed]]


def drawing(layouts: list[Layout], heading: str, notes: str) -> Drawing:
    """Put the levels into one another."""
    by_level = {id(layout.level): layout for layout in layouts}
    whole = layouts[-1]
    size = (whole.long, whole.wide) if whole.flat else (whole.wide, whole.long)
    said = [
        (heading, Placed(_MARGIN + 4, _MARGIN, width(heading, FONT, True), LINE)),
        (notes, Placed(_MARGIN + 4, 0.0, width(notes, SMALL), LINE)),
    ]
    wide = max(size[0] + 2 * _MARGIN, *(n[1].x + n[1].wide + _MARGIN for n in said))
    high = size[1] + _HEAD + _MARGIN
    # The notes stand behind the heading where there is room, else below the picture.
    beside = said[0][1].wide + _MARGIN + 24
    if beside + said[1][1].wide + _MARGIN <= wide:
        said[1] = (notes, said[1][1]._replace(x=beside, y=_MARGIN))
    else:
        said[1] = (notes, said[1][1]._replace(y=high))
        high += _FOOT + _MARGIN
    made = Drawing(wide, high, [], [], [], [], said)
    start = ((wide - size[0]) / 2, _HEAD)
    stack = [(whole, start[::-1] if whole.flat else start, 1)]
    while stack:
        layout, corner, way = stack.pop()
        for level, at, inner in _level(layout, corner, way, made):
            stack.append((by_level[level], at, inner))
    return made


def _level(
    layout: Layout, corner: Point, way: int, made: Drawing
) -> Iterator[tuple[int, Point, int]]:
    """Draw a level from its corner; gives the levels inside it and theirs.

    `way` is -1 where the level is turned: all goes back from the corner.
    """
    across, along = corner

    def rect(a: float, b: float, wide: float, long: float) -> Placed:
        a, b = across + way * a, along + way * b
        if way < 0:
            a, b = a - wide, b - long
        return Placed(b, a, long, wide) if layout.flat else Placed(a, b, wide, long)

    if layout.level.frame.id:
        at = rect(0, 0, layout.wide, layout.long)
        made.frames.append((layout.level.frame, at))
    for node in layout.level.nodes:
        if node.box is not None:
            at = rect(node.left_edge, node.along, node.wide, node.long)
            made.boxes.append((node.box, at))
        elif node.inner is not None:
            a, b, on = node.across - node.left, node.along, way
            if node.turned:
                a, b, on = node.across + node.left, node.along + node.long, -way
            yield id(node.inner), (across + way * a, along + way * b), on
    for line in layout.lines:
        points = [(across + way * a, along + way * b) for a, b in line.points]
        if layout.flat:
            points = [(y, x) for x, y in points]
        made.lines.append((line.link, _plain(points)))
    for label in layout.labels:
        at = rect(label.across, label.along, label.wide, label.long)
        made.labels.append((label.text, at))


def _plain(points: list[Point]) -> list[Point]:
    """The way without points where it does not turn."""
    kept: list[Point] = []
    for point in ((round(x, 1), round(y, 1)) for x, y in points):
        if kept and kept[-1] == point:
            continue
        if len(kept) > 1 and (
            kept[-2][0] == kept[-1][0] == point[0]
            or kept[-2][1] == kept[-1][1] == point[1]
        ):
            kept.pop()
        kept.append(point)
    return kept


def svg(made: Drawing, name: str, description: str, theme: Theme, scale: float) -> str:
    """The picture as SVG text, `scale` times its natural size."""
    wide, high = number(made.wide), number(made.high)
    failed = any(box.state != "checked" for box, _ in made.boxes)
    marked = any(box.mark for box, _ in made.boxes)
    marked = marked or any(frame.mark for frame, _ in made.frames)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(made.wide * scale)}"'
        f' height="{number(made.high * scale)}" viewBox="0 0 {wide} {high}"'
        f' role="img" aria-labelledby="t e">\n'
        f'<title id="t">{escape(name)}</title><desc id="e">{escape(description)}</desc>'
        f"\n<style>{css(theme, failed, marked)}</style>\n"
        f'<rect class="p" width="{wide}" height="{high}"/>\n'
    ]
    for frame, at in made.frames:
        looks = ("g" if frame.times > 1 else "f") + (" d" if frame.training else "")
        looks += MARKS.get(frame.mark, "")
        out.append(
            f"<g><title>{escape(frame.tooltip)}</title>{_rect(at, looks, 6)}</g>\n"
        )
    out += _lines(made.lines)
    for box, at in made.boxes:
        out.append(_box(box, at))
    for text, at in made.labels:
        looks = "l w" if text.startswith(SIGN) else "l"
        middle = at.x + at.wide / 2
        out.append(_text(text, looks, middle, at.y + LABEL_HEIGHT - 3))
    for place, (text, at) in enumerate(made.notes):
        # A heading, then what is needed to read what is below it.
        style = "" if place % 2 else "font-weight:bold"
        out.append(_text(text, "k", at.x, at.y + LINE - 3, style))
    out.append("</svg>\n")
    return "".join(out)


def _lines(lines: Iterable[tuple[Link, list[Point]]]) -> Iterator[str]:
    """The lines, one path for all that begin alike; then all arrowheads."""
    paths: dict[tuple[str, object, str], list[str]] = {}
    drawn: dict[tuple[object, str, bool], list[list[Point]]] = {}
    heads = []
    for link, points in sorted(lines, key=_order):
        if link.arrow:
            heads.append(_arrow(points))
        looks = "d" if link.dotted else "s" if link.skip or link.far else ""
        looks = f"{looks} w".strip() if link.wrong else looks
        # What is wrong is drawn in full, over other lines of the value.
        before = drawn.setdefault((link.tail, link.outof, link.wrong), [])
        # What another line of the value has drawn already is left out.
        rest = min(
            (_after(points, other) for other in before[-_COMPARED:]),
            key=len,
            default=points,
        )
        before.append(points)
        way = f"M{_point(rest[0])}"
        for (x, y), (to_x, to_y) in pairwise(rest):
            way += f"V{number(to_y)}" if x == to_x else f"H{number(to_x)}"
            if x != to_x and y != to_y:
                way += f"V{number(to_y)}"
        paths.setdefault((looks, link.tail, link.outof), []).append(way)
    for (looks, _, _), ways in paths.items():
        style = f' class="{looks}"' if looks else ""
        yield f'<path{style} d="{"".join(ways)}"/>\n'
    if heads:
        yield f'<path class="o" d="{"".join(heads)}"/>\n'


def _order(line: tuple[Link, list[Point]]) -> tuple[bool, bool]:
    """Skips over other lines, and what is wrong over all."""
    link = line[0]
    return link.wrong, link.skip or link.far


def _after(points: list[Point], other: list[Point]) -> list[Point]:
    """The part of a way that does not run along another from the same place."""
    for at, (here, there) in enumerate(zip(points, other, strict=False)):
        if here != there:
            break
        ahead = points[at + 1 : at + 2] + other[at + 1 : at + 2]
        if len(ahead) < 2 or ahead[0] == ahead[1]:
            continue
        (x, y), (a, b), (c, d) = here, *ahead
        if x == a == c and (b - y) * (d - y) > 0:
            return [min(ahead, key=lambda p: abs(p[1] - y)), *_turns(points, at, other)]
        if y == b == d and (a - x) * (c - x) > 0:
            return [min(ahead, key=lambda p: abs(p[0] - x)), *_turns(points, at, other)]
        return points[at:]
    return points


def _turns(points: list[Point], at: int, other: list[Point]) -> list[Point]:
    x, y = points[at]
    mine, its = points[at + 1], other[at + 1]
    nearer = abs(mine[0] - x) + abs(mine[1] - y) < abs(its[0] - x) + abs(its[1] - y)
    return points[at + 2 :] if nearer else points[at + 1 :]


def _arrow(points: list[Point]) -> str:
    (x0, y0), (x, y) = points[-2], points[-1]
    way = f"M{_point((x, y))}"
    if x0 == x:
        return way + ("l-3-6h6z" if y >= y0 else "l-3 6h6z")
    return way + ("l-6-3v6z" if x >= x0 else "l6-3v6z")


def _box(box: Box, at: Placed) -> str:
    middle = at.x + at.wide / 2
    text = lines(box)
    first = at.y + (at.high - len(text) * LINE) / 2 + LINE - 3
    tip = f"<title>{escape(box.tooltip)}</title>"
    if box.shape == "title":
        return f"<g>{tip}{_text(text[0], 't', middle, first)}</g>\n" if text[0] else ""
    if box.shape == "fork":
        return f"<g>{tip}{_rect(at, 'o', 2)}</g>\n"
    looks = [box.look[:3]] if box.look else []
    if box.state != "checked":
        looks = [_STATES[box.state]]
    if box.training:
        looks.append("d")
    looks += MARKS.get(box.mark, "").split()
    faint = "u" if box.state == "unknown" else ""
    radius = at.high / 2 if box.shape == "merge" and box.state != "wrong" else 4
    said = "".join(
        _text(line, faint, middle, first + row * LINE) for row, line in enumerate(text)
    )
    return f"<g>{tip}{_rect(at, ' '.join(looks), radius)}{said}</g>\n"


def _rect(at: Placed, looks: str, radius: float) -> str:
    style = f' class="{looks}"' if looks else ""
    return (
        f'<rect{style} x="{number(at.x)}" y="{number(at.y)}"'
        f' width="{number(at.wide)}" height="{number(at.high)}"'
        f' rx="{number(radius)}"/>'
    )


def _text(text: str, looks: str, x: float, y: float, style: str = "") -> str:
    kind = f' class="{looks}"' if looks else ""
    more = f' style="{style}"' if style else ""
    place = f'x="{number(x)}" y="{number(y)}"'
    return f"<text{kind} {place}{more}>{escape(text)}</text>"


def _point(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"


def number(value: float) -> str:
    """A place or length in few characters: tenths of a pixel are enough."""
    return f"{round(value, 1):g}" if abs(value) < 100_000 else f"{value:.0f}"


def escape(text: str) -> str:
    """Text for an element: nothing in it is markup, and all of it is in XML 1.0.

    Line breaks and what cannot be seen come out as U+FFFD, marks that turn the
    direction of text among them.
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = visible(text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
