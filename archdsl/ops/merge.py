"""Layers with several inputs."""

from __future__ import annotations

from archdsl.ops.axes import axis, axis_arg, rank_problem, replaced, torch_axis
from archdsl.ops.form import Code, Form, Infix, Input, Inputs, X, apply
from archdsl.ops.record import (
    ANY_DTYPE,
    Arg,
    ArgType,
    Layer,
    Problem,
    Sight,
    Site,
    own_place,
)
from archdsl.shapes.expr import op
from archdsl.shapes.size import is_known
from archdsl.shapes.tensor import AXES, Dim, DType, TensorType

_HOLDS: dict[DType, str] = {
    "float": "real numbers",
    "int": "whole numbers",
    "bool": "truth values",
}


def _unlike(site: Site) -> Problem | None:
    """Why inputs of different kinds are refused."""
    first = site.x
    for number, tensor in enumerate(site.ins):
        if tensor.dtype != first.dtype:
            return Problem(
                "E0309",
                f"{site.layer.name} takes inputs of one kind, but gets"
                f" {_HOLDS[first.dtype]} and {_HOLDS[tensor.dtype]}",
                at=number,
                dims=(
                    (first.dims[0], f"the {_HOLDS[first.dtype]} come from here"),
                    (tensor.dims[0], f"the {_HOLDS[tensor.dtype]} come from here"),
                ),
            )
    return None


def _is_channel_vector(small: TensorType, big: TensorType) -> bool:
    return small.rank == 1 and small.dims[0] == big.dims[0]


def _elementwise_shape(site: Site) -> TensorType | Problem:
    problem = _unlike(site)
    if problem:
        return problem
    if site.truth("broadcast"):
        return _broadcast_shape(site)
    widest = max(site.ins, key=lambda tensor: tensor.rank)
    for number, tensor in enumerate(site.ins):
        if tensor.sizes == widest.sizes or _is_channel_vector(tensor, widest):
            continue
        if number > 0:
            return _unequal(site, widest, number)
        return _unequal(site, tensor, site.ins.index(widest))
    return widest


def _broadcast_shape(site: Site) -> TensorType | Problem:
    """The shape of all inputs together, where a size of 1 fits any other."""
    rank = max(tensor.rank for tensor in site.ins)
    dims: list[Dim] = []
    for at in range(-rank, 0):
        there = [tensor.dims[at] for tensor in site.ins if -at <= tensor.rank]
        wide = [dim for dim in there if dim.size != 1] or there
        for other in wide:
            if other != wide[0]:
                number = next(
                    n
                    for n, tensor in enumerate(site.ins)
                    if -at <= tensor.rank and tensor.dims[at] is other
                )
                return _not_broadcast(site, number, wide[0], other)
        dims.append(wide[0])
    return TensorType(tuple(dims))


def _not_broadcast(site: Site, number: int, one: Dim, other: Dim) -> Problem:
    shapes = " and ".join(map(str, site.ins))
    return Problem(
        "E0304",
        f"{site.layer.name} cannot broadcast {shapes}: {one.size} and {other.size}"
        f" differ, and neither is 1{_where_they_differ(one, other)}",
        at=number,
        label=f"this is {site.ins[number]}",
        dims=(
            (one, f"the {one.size} comes from here"),
            (other, f"the {other.size} comes from here"),
        ),
        notes=("sizes are compared from the last one on",),
    )


def _unequal(site: Site, first: TensorType, number: int) -> Problem:
    """Why an input does not go with one that stands before it."""
    tensor = site.ins[number]
    hints: tuple[str, ...] = ()
    dims: tuple[tuple[Dim, str], ...]
    where = ""
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
        where = _where_they_differ(first.dims[axis], tensor.dims[axis])
        dims = (
            (first.dims[axis], f"the {first.dims[axis].size} comes from here"),
            (tensor.dims[axis], f"the {tensor.dims[axis].size} comes from here"),
        )
        hints = _to_make_equal(first, tensor)
        if any(1 in pair for pair in zip(first.sizes, tensor.sizes, strict=True)):
            hints = (*hints, f"`{site.layer.name}(…) broadcast` repeats a size of 1")
    return Problem(
        "E0304",
        f"{site.layer.name} needs equal shapes, but gets {first} and {tensor}{where}",
        at=number,
        label=f"this is {tensor}",
        dims=dims,
        hints=hints,
    )


def _where_they_differ(a: Dim, b: Dim) -> str:
    """For which symbols two sizes are not the same, as a part of a message."""
    from archdsl.shapes.symbols import difference

    found = difference(a.size, b.size)
    if not found:
        return ""
    return ": they differ at " + ", ".join(f"{k}={v}" for k, v in found.items())


def _to_make_equal(a: TensorType, b: TensorType) -> tuple[str, ...]:
    """What would make two shapes of the same rank equal."""
    if not all(map(is_known, (*a.sizes, *b.sizes))):
        return ()
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


def _to_join(a: TensorType, b: TensorType, joined_axis: int) -> tuple[str, ...]:
    """What would let two shapes of the same rank be joined."""
    known = all(map(is_known, (*a.sizes[1:], *b.sizes[1:])))
    if joined_axis == 0 and a.rank > 2 and known:
        big, small = sorted((a, b), key=lambda t: t.sizes[1:], reverse=True)
        pairs = zip(big.sizes[1:], small.sizes[1:], strict=True)
        if all(least <= most < 2 * least for most, least in pairs):
            middle = "x".join(map(str, small.sizes[1:]))
            return (
                "the padding differs between the branches",
                f"`crop {middle}` on the branch of {big} leaves its middle",
            )
    return ("the stride or padding differs between the branches",)


def _elementwise_torch(operator: str, site: Site) -> Form:
    widest = max(tensor.rank for tensor in site.ins)
    batched = any(tensor.batched for tensor in site.ins)
    operands = []
    for number, tensor in enumerate(site.ins):
        missing = widest - tensor.rank
        loose = batched and not tensor.batched
        if site.truth("broadcast"):
            operands.append(Input(number, front=missing, loose=loose))
        else:
            operands.append(Input(number, missing, loose=loose and not missing))
    return Form(None, Infix(operator, tuple(operands)))


def _elementwise_sees(site: Site, out: TensorType) -> tuple[Sight, ...] | None:
    if any(
        tensor.rank > 1 and tensor.sizes[1:] != out.sizes[1:] for tensor in site.ins
    ):
        return None
    return own_place(site, out)


def _elementwise(
    name: str,
    doc: str,
    operator: str,
    most: int | None = None,
    kinds: tuple[DType, ...] = ("float", "int"),
) -> Layer:
    return Layer(
        name=name,
        doc=doc + " A vector of as many numbers as there are channels is applied to"
        f" each channel, and `{name}(…) broadcast` repeats what has a size of 1, or"
        " lacks the first sizes, as PyTorch does.",
        example=f"input 64x56x56 | {name}(id, conv 64x3x3 p1)",
        look="merge",
        args=(
            Arg(
                "broadcast",
                ArgType("truth"),
                False,
                "repeat along axes of size 1, and along first axes that are missing",
            ),
        ),
        inputs=(2, most),
        shape=_elementwise_shape,
        sees=_elementwise_sees,
        torch=lambda site: _elementwise_torch(operator, site),
        dtypes=(kinds,),
    )


def _concat_shape(site: Site) -> TensorType | Problem:
    joined_axis = axis(site)
    if isinstance(joined_axis, Problem):
        return joined_axis
    problem = _unlike(site)
    if problem:
        return problem
    first = site.x
    for number, tensor in enumerate(site.ins[1:], start=1):
        unequal = [
            a
            for a in range(min(first.rank, tensor.rank))
            if a != joined_axis and first.dims[a] != tensor.dims[a]
        ]
        if first.rank == tensor.rank and not unequal:
            continue
        at = unequal[0] if unequal else -1
        return Problem(
            "E0304",
            f"concat needs shapes that differ in axis"
            f" {site.args['axis'].value} only, but gets {first} and {tensor}"
            + _where_they_differ(first.dims[at], tensor.dims[at]),
            at=number,
            label=f"this is {tensor}",
            dims=(
                (first.dims[at], f"the {first.dims[at].size} comes from here"),
                (tensor.dims[at], f"the {tensor.dims[at].size} comes from here"),
            ),
            hints=_to_join(first, tensor, joined_axis)
            if first.rank == tensor.rank
            else (),
        )
    size = sum(tensor.dims[joined_axis].size for tensor in site.ins)
    expr = op("+", size, *(tensor.dims[joined_axis].expr for tensor in site.ins))
    return replaced(first, joined_axis, Dim(size, site.span, expr))


def _joining(site: Site, function: str, for_all: str, dim: Code) -> Form:
    """A function of all inputs, another one where some are the same for all samples."""
    if len({tensor.batched for tensor in site.ins}) > 1:
        code = apply(for_all, Inputs(), dim=dim)
        return Form(None, code, function_helper=for_all)
    return Form(None, apply(function, Inputs(), dim=dim))


CONCAT = Layer(
    name="concat",
    doc="Joins its inputs along an axis.",
    example="input 64x28x28 | concat(id, conv 32x3x3 p1)",
    look="merge",
    args=(axis_arg("the axis to join along"),),
    positional=("axis",),
    inputs=(1, None),
    shape=_concat_shape,
    sees=own_place,
    torch=lambda site: _joining(site, "torch.cat", "joined", torch_axis(site)),
    dtypes=ANY_DTYPE,
)


def _stack_shape(site: Site) -> TensorType | Problem:
    most = max(AXES)
    if site.x.rank == most:
        return rank_problem(site, f"values of less than {most} sizes")
    problem = _unlike(site)
    if problem:
        return problem
    for number, tensor in enumerate(site.ins):
        if tensor.sizes != site.x.sizes:
            return _unequal(site, site.x, number)
    count = len(site.ins)
    return TensorType((Dim(count, site.span), *site.x.dims))


STACK = Layer(
    name="stack",
    doc="Its inputs one beside the other, along a new first axis.",
    example="input 28x28 | stack(id, relu)",
    look="merge",
    inputs=(1, None),
    shape=_stack_shape,
    torch=lambda site: _joining(site, "torch.stack", "stacked", 1),
    dtypes=ANY_DTYPE,
)


def _matmul_shape(site: Site) -> TensorType | Problem:
    a, b = site.ins
    shapes = f"gets {a} and {b}"
    if a.rank != b.rank or a.sizes[:-2] != b.sizes[:-2]:
        return Problem(
            "E0304",
            f"matmul needs inputs that differ in the last two sizes only, but {shapes}",
            at=1,
            label=f"this is {b}",
            dims=((a.dims[0], f"{a} comes from here"),),
        )
    inner, other = a.dims[-1], b.dims[-2]
    if inner != other:
        flipped = b.sizes[-1] == inner.size
        return Problem(
            "E0304",
            f"matmul needs as many columns on the left as rows on the right, but"
            f" {shapes}",
            at=1,
            label=f"this is {b}",
            dims=(
                (inner, f"the {inner.size} comes from here"),
                (other, f"the {other.size} comes from here"),
            ),
            hints=("`permute` exchanges the axes of the second input",)
            if flipped
            else (),
        )
    return TensorType((*a.dims[:-1], b.dims[-1]))


MATMUL = Layer(
    name="matmul",
    doc="The matrix product of its two inputs, over the last two axes.",
    example="input 64x49 | matmul(id, permute 1 0)",
    look="merge",
    inputs=(2, 2),
    ranks=(2, 3, 4),
    shape=_matmul_shape,
    macs=lambda site, out: out.elements * site.x.dims[-1].size,
    torch=lambda site: Form(None, apply("torch.matmul", X, Input(1))),
)

LAYERS = (
    _elementwise("add", "The sum of its inputs.", "+"),
    _elementwise("sub", "The first input less the second.", "-", most=2),
    _elementwise("mul", "The product of its inputs, number by number.", "*"),
    _elementwise(
        "div",
        "The first input by the second, number by number.",
        "/",
        most=2,
        kinds=("float",),
    ),
    CONCAT,
    STACK,
    MATMUL,
)
