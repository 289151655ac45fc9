"""A picture of volumes before it is written: bodies, lines and text with their places.

All places are in pixels, from the top left.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from archdsl.backends.svg.metrics import width
from archdsl.backends.volumes.measure import Solid
from archdsl.backends.volumes.spine import Kind, Volume

SMALL = 10.0
LARGE = 12.0

Point: TypeAlias = tuple[float, float]
Anchor: TypeAlias = Literal["start", "middle"]
# Light falls from above: the side of a body is darkest.
Shade: TypeAlias = Literal["front", "top", "side"]


class Box(NamedTuple):
    """A rectangle, from corner to corner."""

    left: float
    top: float
    right: float
    bottom: float


class Face(NamedTuple):
    """A side of a body that is seen. One that is copied stands for a shortcut."""

    points: tuple[Point, ...]
    kind: Kind
    shade: Shade


class Text(NamedTuple):
    """A line of text at its baseline; turned, it reads upwards."""

    text: str
    x: float
    y: float
    size: float = SMALL
    anchor: Anchor = "middle"
    bold: bool = False
    turned: bool = False
    wrong: bool = False

    @property
    def box(self) -> Box:
        """The room it takes."""
        long = width(self.text, self.size, self.bold)
        if self.turned:
            return Box(self.x - self.size * 0.8, self.y - long, self.x + 2, self.y)
        left = self.x if self.anchor == "start" else self.x - long / 2
        return Box(left, self.y - self.size * 0.8, left + long, self.y + 2)


class Line(NamedTuple):
    """A line; the bodies where it begins and ends, which it may touch.

    One that begins on the side of a body is on it as far as `leaves`. A line that is
    `wrong` brings what is refused.
    """

    points: tuple[Point, ...]
    ends: tuple[int, ...] = ()
    arrow: bool = True
    dashed: bool = False
    leaves: float | None = None
    wrong: bool = False


class Body(NamedTuple):
    """A volume in its place: the top left corner of its front."""

    number: int
    volume: Volume
    solid: Solid
    slices: tuple[float, ...]
    x: float
    y: float

    @property
    def middle(self) -> float:
        """Where its axis is, halfway up, in the middle of its depth."""
        return self.y + (self.solid.high - self.solid.up) / 2

    @property
    def side(self) -> Point:
        """The middle of its side."""
        return self.x + self.solid.thick + self.solid.right / 2, self.middle

    @property
    def end(self) -> float:
        """Where all that is seen ends on the right."""
        return self.x + self.solid.wide

    @property
    def top(self) -> Point:
        """The middle of the edge behind: what goes up from there hides nothing."""
        solid = self.solid
        return self.x + solid.right + solid.thick / 2, self.y - solid.up

    @property
    def outline(self) -> tuple[Point, ...]:
        """The six corners of all that is seen."""
        x, y, s = self.x, self.y, self.solid
        return (
            (x, y),
            (x + s.right, y - s.up),
            (x + s.wide, y - s.up),
            (x + s.wide, y - s.up + s.high),
            (x + s.thick, y + s.high),
            (x, y + s.high),
        )

    def faces(self) -> list[Face]:
        """What is seen: the side, then a front and a top for each slice."""
        s, found = self.solid, []
        x, y = self.x, self.y
        volume = self.volume
        last = volume.slices[-1].kind if volume.slices else volume.kind
        end = x + s.thick
        side = (
            (end, y),
            (end + s.right, y - s.up),
            (end + s.right, y - s.up + s.high),
            (end, y + s.high),
        )
        found.append(Face(side, last, "side"))
        kinds = [each.kind for each in volume.slices] or [volume.kind]
        for kind, thick in zip(kinds, self.slices, strict=True):
            top = (
                (x, y),
                (x + s.right, y - s.up),
                (x + s.right + thick, y - s.up),
                (x + thick, y),
            )
            front = ((x, y), (x + thick, y), (x + thick, y + s.high), (x, y + s.high))
            found += [Face(top, kind, "top"), Face(front, kind, "front")]
            x += thick
        return found


class Scene(NamedTuple):
    """All that is drawn. `swatches` are the colours of the legend."""

    wide: float
    high: float
    bodies: list[Body]
    lines: list[Line]
    texts: list[Text]
    swatches: list[Face]
    name: str
    description: str
