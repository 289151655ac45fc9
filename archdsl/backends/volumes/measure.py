"""How large a tensor is drawn, and what is written beside it.

Height and depth grow with the square root of height and width, thickness with the
logarithm of the channels. Vectors are bars that grow with the logarithm. Nothing is
to scale, but what is larger is never drawn smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2, sqrt
from typing import NamedTuple

from archdsl.backends.diagram import words
from archdsl.backends.volumes.spine import Sizes, Spine, Volume
from archdsl.shapes.size import Size

# No edge is shorter, in pixels.
FLOOR = 5.0
_SLAB = 6.0
# A bar for a vector: how long it is for two numbers, and how thick.
_BAR, _BAR_THICKNESS = 9.0, 8.0
_BAR_DEPTH = 12.0
# Where depth leads on paper: to the right, and up.
RIGHT, UP = 0.22, 0.24
# Symbols are drawn as if they were so large.
_NOMINAL = 224


class Axes(NamedTuple):
    """Sizes by what they mean; spatial ones are None for vectors."""

    channels: Size | None
    height: Size | None
    width: Size | None
    places: tuple[Size, ...]


class Solid(NamedTuple):
    """The edges of a volume on paper in pixels, and how depth leads away."""

    thick: float
    high: float
    right: float
    up: float

    @property
    def wide(self) -> float:
        """The width of all that is seen."""
        return self.thick + self.right


class Measure:
    """Measures volumes in pixels.

    `scale` is the height of a map of one row, `growth` what twice as many channels add
    to the thickness.
    """

    def __init__(self, spine: Spine, scale: float, growth: float) -> None:
        self._scale = scale
        self._growth = growth
        self._last = _channels_last(spine)

    def axes(self, volume: Volume, copy: int = -1) -> Axes:
        """Which size of a volume is what, in one of the copies it stands for."""
        sizes = volume.sizes[copy]
        if len(sizes) < 2:
            return Axes(sizes[0] if sizes else None, None, None, ())
        channels, places = sizes[0], sizes[1:]
        if id(volume) in self._last:
            channels, places = sizes[-1], sizes[:-1]
        if len(places) == 1:
            return Axes(channels, places[0], None, places)
        return Axes(channels, places[-2], places[-1], places)

    def solid(self, volume: Volume) -> Solid:
        """How a volume is drawn."""
        axes = self.axes(volume)
        if axes.height is None:
            high = _BAR * log2(1 + nominal(axes.channels or 1)) + FLOOR
            return Solid(_BAR_THICKNESS, high, _BAR_DEPTH * RIGHT, _BAR_DEPTH * UP)
        thick = _SLAB if _is_thin(volume) else self.thickness(axes.channels)
        deep = self._edge(axes.width) if axes.width is not None else _BAR_DEPTH
        return Solid(thick, self._edge(axes.height), deep * RIGHT, deep * UP)

    def slices(self, volume: Volume) -> list[float]:
        """How thick the parts of a concatenation are."""
        if not volume.slices:
            return [self.solid(volume).thick]
        return [self.thickness(each.channels) for each in volume.slices]

    def _edge(self, size: Size) -> float:
        return max(FLOOR, self._scale * sqrt(nominal(size)))

    def thickness(self, channels: Size | None) -> float:
        """How thick so many channels are."""
        return max(FLOOR, self._growth * log2(1 + nominal(channels or 1)))

    def channels(self, volume: Volume) -> str:
        """What is written below a volume: `64`, or `96–256` for several copies."""
        each = (self.axes(volume, copy) for copy in range(len(volume.sizes)))
        return words.shape([(a.channels,) for a in each if a.channels is not None])

    def places(self, volume: Volume) -> str:
        """What is written on its edge: `56×56`; nothing for a vector."""
        found = [self.axes(volume, copy).places for copy in range(len(volume.sizes))]
        return words.shape(found) if found[-1] else ""


def _channels_last(spine: Spine) -> set[int]:
    """The volumes whose channels are their last axis.

    Convolutions and pools have them first, linear maps of maps and of sequences last.
    Other layers leave them where they were, unless they move just that axis.
    """
    found: set[int] = set()
    convolves = any(
        volume.kind == "convolution" and len(volume.sizes[0]) == 2
        for volume in spine.volumes
    )
    last = False
    before: Sizes = ()
    for volume in spine.volumes:
        sizes = volume.sizes[-1]
        if len(sizes) != len(before):
            last = len(sizes) == 2 and not convolves
        if volume.kind in ("convolution", "pooling"):
            last = False
        elif volume.kind == "linear":
            last = True
        elif before and sizes == (*before[1:], before[0]):
            last = last or sizes != before
        elif before and sizes == (before[-1], *before[:-1]):
            last = False
        if last:
            found.add(id(volume))
        before = volume.sizes[-1]
    return found


def _is_thin(volume: Volume) -> bool:
    """Pools and sums give as many channels as they get: they are slabs."""
    if volume.kind in ("pooling", "wrong", "unchecked"):
        return True
    return volume.kind == "merge" and not volume.slices


def nominal(size: Size) -> int:
    """The number a size is drawn as."""
    if isinstance(size, int):
        return max(size, 1)
    try:
        return max(size.at(dict.fromkeys(size.symbols, _NOMINAL)), 1)
    except (ZeroDivisionError, KeyError):
        return _NOMINAL


def touching(before: Sequence[Size], after: Sequence[Size]) -> bool:
    """Whether two maps have the same resolution, or nearly so.

    Convolutions that are not padded take a little off each side.
    """
    if len(before) != len(after) or not before:
        return False
    return all(
        0.9 <= nominal(b) / nominal(a) <= 1 / 0.9
        for a, b in zip(before, after, strict=True)
    )
