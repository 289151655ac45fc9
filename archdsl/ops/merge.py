"""Layers with several inputs."""

from __future__ import annotations

from archdsl.ops.form import Form, Infix, Input, Inputs, apply
from archdsl.ops.record import Arg, ArgType, Layer, Problem, Site
from archdsl.shapes.expr import op
from archdsl.shapes.tensor import AXES, Dim, TensorType


def _is_channel_vector(small: TensorType, big: TensorType) -> bool:
    return small.rank == 1 and big.rank > 1 and small.dims[0] == big.dims[0]


def _elementwise_shape(site: Site) -> TensorType | Problem:
    widest = max(site.ins, key=lambda tensor: tensor.rank)
    for number, tensor in enumerate(site.ins):
        if tensor.sizes == widest.sizes or _is_channel_vector(tensor, widest):
            continue
        return _unequal(site, number, tensor)
    return widest


def _unequal(site: Site, number: int, tensor: TensorType) -> Problem:
    first = site.ins[0]
    if number == 0:
        number, tensor = 1, site.ins[1]
    hints: tuple[str, ...] = ()
    dims: tuple[tuple[Dim, str], ...]
    if first.rank != tensor.rank:
        dims = ((first.dims[-1], f"{first} comes from here"),)
        vector, other = sorted((first, tensor), key=lambda t: t.rank)
        if vector.rank == 1:
            hints = (
                f"a vector is applied to the channels if it has as many numbers:"
                f" {other.sizes[0]}, not {vector}",
            )
    else:
        axis = next(a for a in range(first.rank) if first.dims[a] != tensor.dims[a])
        dims = (
            (first.dims[axis], f"the {first.dims[axis].size} comes from here"),
            (tensor.dims[axis], f"the {tensor.dims[axis].size} comes from here"),
        )
        hints = _to_make_equal(first, tensor)
    return Problem(
        "E0304",
        f"{site.layer.name} needs equal shapes, but gets {first} and {tensor}",
        at=number,
        label=f"this is {tensor}",
        dims=dims,
        hints=hints,
    )


def _to_make_equal(a: TensorType, b: TensorType) -> tuple[str, ...]:
    """What would make two shapes of the same rank equal."""
    big, small = sorted((a, b), key=lambda t: t.elements // t.sizes[0], reverse=True)
    window = "x".join("1" * (a.rank - 1))
    if big.sizes[1:] == small.sizes[1:]:
        if a.rank == 1:
            return (f"an `fc {a.sizes[0]}` on the branch of {b} makes them equal",)
        return (
            f"a `conv {a.sizes[0]} {window}` on the branch of {b} makes the channels"
            " equal",
        )
    pairs = tuple(zip(big.sizes[1:], small.sizes[1:], strict=True))
    for stride in range(2, 9):
        if all(-(-m // stride) == n for m, n in pairs):
            return (
                f"a `conv {small.sizes[0]} {window} s{stride}` on the branch of {big}"
                " makes them equal",
            )
    return ("the padding differs between the branches: does one lack `same`?",)


def _elementwise_torch(operator: str, site: Site) -> Form:
    widest = max(tensor.rank for tensor in site.ins)
    operands = tuple(
        Input(number, widest - tensor.rank) for number, tensor in enumerate(site.ins)
    )
    return Form(None, Infix(operator, operands))


def _elementwise(name: str, doc: str, operator: str) -> Layer:
    return Layer(
        name=name,
        doc=doc + " A vector of as many numbers as there are channels is applied to"
        " each channel.",
        example=f"input 64x56x56 | {name}(id, conv 64x3x3 p1)",
        look="merge",
        inputs=(2, None),
        shape=_elementwise_shape,
        torch=lambda site: _elementwise_torch(operator, site),
    )


def _axis(site: Site) -> int | Problem:
    name = site.args["axis"].value
    axes = AXES[site.x.rank]
    if name not in axes:
        return Problem(
            "E0405",
            f"a value of {site.x} has no axis `{name}`",
            at="axis",
            hints=("its axes are " + ", ".join(axes),),
        )
    return axes[str(name)]


def _concat_shape(site: Site) -> TensorType | Problem:
    axis = _axis(site)
    if isinstance(axis, Problem):
        return axis
    first = site.x
    for number, tensor in enumerate(site.ins[1:], start=1):
        unequal = [
            a
            for a in range(min(first.rank, tensor.rank))
            if a != axis and first.dims[a] != tensor.dims[a]
        ]
        if first.rank == tensor.rank and not unequal:
            continue
        at = unequal[0] if unequal else -1
        return Problem(
            "E0304",
            f"concat needs shapes that differ in axis"
            f" {site.args['axis'].value} only, but gets {first} and {tensor}",
            at=number,
            label=f"this is {tensor}",
            dims=(
                (first.dims[at], f"the {first.dims[at].size} comes from here"),
                (tensor.dims[at], f"the {tensor.dims[at].size} comes from here"),
            ),
            hints=("the stride or padding differs between the branches",)
            if first.rank == tensor.rank
            else (),
        )
    size = sum(tensor.dims[axis].size for tensor in site.ins)
    expr = op("+", size, *(tensor.dims[axis].expr for tensor in site.ins))
    joined = Dim(size, site.span, expr)
    return TensorType((*first.dims[:axis], joined, *first.dims[axis + 1 :]))


def _concat_torch(site: Site) -> Form:
    axis = _axis(site)
    assert isinstance(axis, int)
    return Form(None, apply("torch.cat", Inputs(), dim=1 + axis))


CONCAT = Layer(
    name="concat",
    doc="Joins its inputs along an axis.",
    example="input 64x28x28 | concat(id, conv 32x3x3 p1)",
    look="merge",
    args=(Arg("axis", ArgType("axis"), "c", "the axis to join along", ("dim",)),),
    positional=("axis",),
    inputs=(1, None),
    shape=_concat_shape,
    torch=_concat_torch,
)

LAYERS = (
    _elementwise("add", "The sum of its inputs.", "+"),
    _elementwise("mul", "The product of its inputs, number by number.", "*"),
    CONCAT,
)
