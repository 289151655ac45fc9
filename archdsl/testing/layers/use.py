"""One use of a layer: where it fits, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from archdsl.testing.drawing import Value
from archdsl.testing.writer import Writer
from archdsl.tuples import NamedTuple

Drawn: TypeAlias = tuple[str, Value]


class Use(NamedTuple):
    """How a layer is drawn.

    `fits` tells where it can stand, `write` draws its arguments from what the shape
    there permits, and says what becomes of the shape. One that `keeps` obeys
    `Writer.keep`; others stand only where every shape will do.
    """

    layer: str
    fits: Callable[[Value], bool]
    write: Callable[[Writer, Value], Drawn]
    keeps: bool = False


def is_map(value: Value) -> bool:
    """Channels that are known, and places."""
    return (
        value.rank > 1
        and value.dtype == "float"
        and isinstance(value.sizes[0], int)
        and value.elements <= 4096
    )


def is_float(value: Value) -> bool:
    """Any real numbers."""
    return value.dtype == "float"


def is_sequence(value: Value) -> bool:
    """Vectors of a known width."""
    return (
        value.rank == 2
        and value.dtype == "float"
        and isinstance(value.sizes[1], int)
        and value.sizes[1] <= 64
    )


def is_short_sequence(value: Value) -> bool:
    """A sequence over which a recurrent layer takes few steps."""
    return is_sequence(value) and (
        isinstance(value.sizes[0], str) or value.sizes[0] <= 4
    )


def has_vectors(value: Value) -> bool:
    """A last axis that is known."""
    return (
        value.dtype == "float"
        and isinstance(value.sizes[-1], int)
        and value.sizes[-1] <= 512
    )


def known_axes(value: Value) -> list[int]:
    """The axes whose sizes are numbers."""
    return [at for at, size in enumerate(value.sizes) if isinstance(size, int)]
