"""Sizes and shapes. A size remembers where it was bound."""

from __future__ import annotations

from typing import Literal

from archdsl.shapes.expr import Const, Expr, InputSize, Op, op
from archdsl.shapes.size import Size
from archdsl.source import Span
from archdsl.tuples import NamedTuple


class InputOrigin(NamedTuple):
    """A size that came into a block: axis `axis` of its input `input`."""

    input: int
    axis: int


class Dim:
    """One size: its value, its formula, and where it came from.

    Two sizes are equal when their values are: the rest is for people and for the
    emitter.
    """

    __slots__ = ("expr", "origin", "size")

    def __init__(
        self, size: Size, origin: Span | InputOrigin | None, expr: Expr | None = None
    ) -> None:
        if not isinstance(size, int):
            # A symbol keeps its formula to itself, so that what is computed from it
            # has one too.
            size = size if expr is None else size.renamed(expr)
            expr = size.expr
        self.size = size
        self.origin = origin
        self.expr: Expr = Const(size) if expr is None else expr

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dim) and other.size == self.size

    def __hash__(self) -> int:
        return hash(self.size)

    def __repr__(self) -> str:
        return f"Dim({self.size})"


DType = Literal["float", "int", "bool"]


class TensorType(NamedTuple):
    """The shape of a value, channels first, without the batch, and what it holds.

    A value that is not `batched` is the same for all samples: a learned tensor or a
    constant. PyTorch has it with a batch of one.
    """

    dims: tuple[Dim, ...]
    dtype: DType = "float"
    batched: bool = True

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The sizes of all axes."""
        return tuple([dim.size for dim in self.dims])

    @property
    def numbers(self) -> tuple[int, ...]:
        """The sizes, none of which is a symbol. Raises UndecidedError."""
        return tuple(
            dim.size if isinstance(dim.size, int) else int(dim.size)
            for dim in self.dims
        )

    @property
    def rank(self) -> int:
        """How many axes there are."""
        return len(self.dims)

    @property
    def elements(self) -> Size:
        """How many numbers one sample of this shape holds."""
        total: Size = 1
        for dim in self.dims:
            total *= dim.size
        return total

    def __str__(self) -> str:
        return shown(self.sizes)


def shown(sizes: tuple[Size | str, ...]) -> str:
    """Sizes as they are written: `3x224x224`, `64x⌈H/2⌉x(W-4)`, `_x_x3`."""
    return "x".join(
        str(size)
        if isinstance(size, int | str) or len(sizes) == 1 or size.atomic
        else f"({size})"
        for size in sizes
    )


# The names of the axes for each rank, as in `in.c`.
AXES: dict[int, dict[str, int]] = {
    1: {"c": 0, "d": 0},
    2: {"c": 0, "w": 1, "t": 0, "d": 1},
    3: {"c": 0, "h": 1, "w": 2},
    4: {"c": 0, "t": 1, "d": 1, "h": 2, "w": 3},
}


AXIS_NAMES = tuple(dict.fromkeys(name for axes in AXES.values() for name in axes))


def as_input(tensor: TensorType, index: int) -> TensorType:
    """The same shape as a block sees it that gets it as its input `index`."""
    return tensor._replace(
        dims=tuple(
            Dim(dim.size, InputOrigin(index, axis), InputSize(index, axis))
            for axis, dim in enumerate(tensor.dims)
        )
    )


def product(dims: tuple[Dim, ...], origin: Span | None) -> Dim:
    """The product of sizes, as `flatten` has it. The factors stay in the formula."""
    if len(dims) == 1:
        return dims[0]
    size: Size = 1
    for dim in dims:
        size *= dim.size
    if not all(isinstance(dim.size, int) for dim in dims):
        # What is known of symbols may leave one number.
        return Dim(size, origin)
    factors = tuple(dim.expr for dim in dims if dim.expr != Const(1))
    if len(factors) < 2:
        return Dim(size, origin, *factors)
    if all(isinstance(factor, Const) for factor in factors):
        # Not folded: 256 * 6 * 6 tells a reader more than 9216.
        return Dim(size, origin, Op("*", factors, 1 + len(factors)))
    return Dim(size, origin, op("*", size, *factors))
