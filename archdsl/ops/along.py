"""Layers that work along axes: means, parts, shifts."""

from __future__ import annotations

from archdsl.ops.axes import (
    axis,
    axis_arg,
    rank_problem,
    replaced,
    same_on_axis,
    torch_axis,
)
from archdsl.ops.form import Form, Slot, X, apply, fixed
from archdsl.ops.record import (
    ANY_DTYPE,
    REQUIRED,
    Arg,
    ArgType,
    Layer,
    Problem,
    Site,
)
from archdsl.ops.symbolic import is_symbol
from archdsl.shapes.expr import Const, Expr, op
from archdsl.shapes.size import Size, divides, require
from archdsl.shapes.tensor import AXES, Dim, DType, TensorType

# Over axes that are left out

_REDUCED = ("axis", "second", "third")


def _axes(site: Site) -> tuple[int, ...] | Problem:
    """The axes that are named, in order, the batch not counted."""
    known = AXES[site.x.rank]
    found: dict[int, str] = {}
    for name in _REDUCED:
        word = site.args[name].value
        if word is None:
            continue
        at = known.get(str(word))
        if at is None:
            return Problem(
                "E0405",
                f"a value of {site.x} has no axis `{word}`",
                at=name,
                hints=("its axes are " + ", ".join(known),),
            )
        if at in found:
            twice = f"`{word}`" if found[at] == word else f"`{found[at]}` and `{word}`"
            return Problem(
                "E0405", f"{twice} would leave out the same axis twice", at=name
            )
        found[at] = str(word)
    return tuple(sorted(found))


def _reduced_shape(site: Site) -> TensorType | Problem:
    if site.x.rank == 1:
        return rank_problem(site, "two sizes or more: one is left out")
    axes = _axes(site)
    if isinstance(axes, Problem):
        return axes
    if len(axes) == site.x.rank:
        return Problem(
            "E0405",
            f"{site.layer.name} over every axis of {site.x} leaves no size",
            at=_REDUCED[len(axes) - 1],
            hints=("leave at least one axis",),
        )
    return TensorType(
        tuple(dim for at, dim in enumerate(site.x.dims) if at not in axes)
    )


def _torch_axes(site: Site) -> tuple[Slot, ...]:
    axes = _axes(site)
    assert not isinstance(axes, Problem)
    return tuple(fixed(1 + at) for at in axes)


def _reduced(
    name: str,
    doc: str,
    function: str,
    helper: str,
    dtypes: tuple[tuple[DType, ...], ...],
) -> Layer:
    def form(site: Site) -> Form:
        axes = _torch_axes(site)
        together = axes[0] if len(axes) == 1 else apply("", *axes)
        return Form(
            apply(helper, *axes),
            apply(function, X, together),
            helper=helper.lower(),
        )

    return Layer(
        name=name,
        doc=doc,
        example=f"input 197x768 | {name} t",
        look="pooling",
        args=(
            axis_arg("axis that is left out", REQUIRED),
            Arg("second", ArgType("axis"), None, "another one"),
            Arg("third", ArgType("axis"), None, "another one"),
        ),
        positional=_REDUCED,
        shape=_reduced_shape,
        torch=form,
        dtypes=dtypes,
    )


MEAN = _reduced(
    "mean",
    "The mean over one axis or several.",
    "torch.mean",
    "Mean",
    (("float",),),
)
AMAX = _reduced(
    "amax",
    "The largest number along one axis or several.",
    "torch.amax",
    "Amax",
    ANY_DTYPE,
)

# Parts of an axis


def _along(site: Site) -> Dim | Problem:
    at = axis(site)
    return at if isinstance(at, Problem) else site.x.dims[at]


def _part(site: Site, part: Dim) -> TensorType:
    """The shape with another size along the axis."""
    at = axis(site)
    assert isinstance(at, int)
    return replaced(site.x, at, part)


def _beyond(site: Site, name: str, dim: Dim) -> Problem:
    return Problem(
        "E0405",
        f"`{name}` is {site.whole(name)}, but axis {site.args['axis'].value} has"
        f" {dim.size} entries, counted from 0",
        at=name,
        dims=((dim, f"the {dim.size} comes from here"),),
    )


def _take_shape(site: Site) -> TensorType | Problem:
    if site.x.rank == 1:
        return rank_problem(site, "two sizes or more: one is left out")
    dim = _along(site)
    if isinstance(dim, Problem):
        return dim
    index = site.whole("index")
    least = index + 1 if index >= 0 else -index
    if not require(dim.size, ">=", least):
        return _beyond(site, "index", dim)
    at = axis(site)
    assert isinstance(at, int)
    return replaced(site.x, at)


TAKE = Layer(
    name="take",
    doc="One entry of an axis, which is left out: the class token, say.",
    example="input 197x768 | take 0 t",
    look="shape",
    args=(
        Arg("index", ArgType("whole"), REQUIRED, "entry; from the end if below 0"),
        axis_arg("axis that is left out", REQUIRED),
    ),
    positional=("index", "axis"),
    shape=_take_shape,
    torch=lambda site: Form(
        apply("Take", torch_axis(site), site.slot("index")),
        apply("torch.select", X, torch_axis(site), site.slot("index")),
        helper="take",
    ),
    dtypes=ANY_DTYPE,
)


def _narrow(site: Site, start: Slot, length: Slot) -> Form:
    arguments = (torch_axis(site), start, length)
    return Form(
        apply("Narrow", *arguments),
        apply("torch.narrow", X, *arguments),
        helper="narrow",
    )


def _slice_shape(site: Site) -> TensorType | Problem:
    dim = _along(site)
    if isinstance(dim, Problem):
        return dim
    start, end = site.whole("start"), site.whole("end")
    if not require(dim.size, ">=", end):
        return _beyond(site, "end", dim)
    if not require(end, ">", start):
        return Problem(
            "E0405", f"the end, {end}, is not behind the start, {start}", at="end"
        )
    length = _slice_length(site)
    return _part(site, Dim(end - start, site.span, length.expr))


def _slice_length(site: Site) -> Slot:
    length = site.whole("end") - site.whole("start")
    return Slot(length, op("-", length, site.args["end"].expr, site.args["start"].expr))


def _slice_torch(site: Site) -> Form:
    return _narrow(site, site.slot("start"), _slice_length(site))


SLICE = Layer(
    name="slice",
    doc="The entries of an axis from `start` up to, but not including, `end`.",
    example="input 64x28x28 | slice 0 32",
    look="shape",
    args=(
        Arg("start", ArgType("whole", 0), REQUIRED, "first entry"),
        Arg("end", ArgType("whole", 1), REQUIRED, "entry behind the last", ("to",)),
        axis_arg("axis to cut"),
    ),
    positional=("start", "end", "axis"),
    shape=_slice_shape,
    torch=_slice_torch,
    dtypes=ANY_DTYPE,
)

_INDEX = Arg("index", ArgType("whole", 0), REQUIRED, "which of them, from 0", ("part",))


def _no_such_part(site: Site, count: int) -> Problem:
    return Problem(
        "E0405",
        f"`index` is {site.whole('index')}, but there are {count} parts, counted"
        " from 0",
        at="index",
    )


def _chunk_shape(site: Site) -> TensorType | Problem:
    dim = _along(site)
    if isinstance(dim, Problem):
        return dim
    parts = site.whole("n")
    if site.whole("index") >= parts:
        return _no_such_part(site, parts)
    if not divides(parts, dim.size):
        return Problem(
            "E0405",
            f"{parts} equal parts of the {dim.size} entries of axis"
            f" {site.args['axis'].value} are not possible",
            at="n",
            label=f"{dim.size} is not a multiple of {parts}",
            dims=((dim, f"the {dim.size} comes from here"),),
            hints=("`split` takes a list of sizes",),
        )
    size = dim.size // parts
    return _part(site, Dim(size, site.span, _part_size(site, dim, size)))


def _part_size(site: Site, dim: Dim, size: Size) -> Expr:
    return op("//", size, dim.expr, site.args["n"].expr)


def _chunk_torch(site: Site) -> Form:
    dim = _along(site)
    assert isinstance(dim, Dim)
    size = dim.size // site.whole("n")
    length = _part_size(site, dim, size)
    begin = site.whole("index") * size
    start = op("*", begin, site.args["index"].expr, length)
    # Of a symbol the module alone: it needs no size.
    narrow = None
    if not is_symbol(size):
        ends = (Slot(begin, start), Slot(size, length))
        narrow = apply("torch.narrow", X, torch_axis(site), *ends)
    module = apply("Chunk", torch_axis(site), site.slot("n"), site.slot("index"))
    return Form(module, narrow, helper="chunk")


CHUNK = Layer(
    name="chunk",
    doc="One of n equal parts of an axis.",
    example="input 197x2304 | chunk 3 0 d",
    look="shape",
    args=(
        Arg("n", ArgType("whole", 1), REQUIRED, "how many parts", ("chunks", "parts")),
        _INDEX,
        axis_arg("axis to cut"),
    ),
    positional=("n", "index", "axis"),
    shape=_chunk_shape,
    torch=_chunk_torch,
    dtypes=ANY_DTYPE,
)


def _parts(site: Site) -> tuple[int, ...]:
    value = site.args["sizes"].value
    assert isinstance(value, tuple)
    return value


def _part_slots(site: Site) -> tuple[Slot, Slot]:
    """Where the part begins, and its length."""
    parts, index = _parts(site), site.whole("index")
    listed, chosen = site.args["sizes"].expr, site.args["index"].expr
    before = [op("[]", parts[at], listed, Const(at)) for at in range(index)]
    begin = sum(parts[:index])
    length = parts[index]
    return (
        Slot(begin, op("+", begin, *before)),
        Slot(length, op("[]", length, listed, chosen)),
    )


def _split_shape(site: Site) -> TensorType | Problem:
    dim = _along(site)
    if isinstance(dim, Problem):
        return dim
    parts = _parts(site)
    if site.whole("index") >= len(parts):
        return _no_such_part(site, len(parts))
    total = sum(parts)
    if dim.size != total:
        return Problem(
            "E0405",
            f"the parts are {total} entries together, but axis"
            f" {site.args['axis'].value} has {dim.size}",
            at="sizes",
            dims=((dim, f"the {dim.size} comes from here"),),
            hints=("`slice` leaves entries out",),
        )
    _, length = _part_slots(site)
    return _part(site, Dim(parts[site.whole("index")], site.span, length.expr))


SPLIT = Layer(
    name="split",
    doc="One of several parts of an axis, whose sizes are given.",
    example="input 192x28x28 | split [64, 128] 1",
    look="shape",
    args=(
        Arg("sizes", ArgType("list", 1), REQUIRED, "the size of each part"),
        _INDEX,
        axis_arg("axis to cut"),
    ),
    positional=("sizes", "index", "axis"),
    shape=_split_shape,
    torch=lambda site: _narrow(site, *_part_slots(site)),
    dtypes=ANY_DTYPE,
)

ROLL = Layer(
    name="roll",
    doc="Moves all numbers along an axis, those that leave to its other end.",
    example="input 96x56x56 | roll -3 h",
    look="shape",
    args=(
        Arg("by", ArgType("whole"), REQUIRED, "distance", ("shift",)),
        axis_arg("axis to move along", REQUIRED),
    ),
    positional=("by", "axis"),
    shape=same_on_axis,
    torch=lambda site: Form(
        apply("Roll", site.slot("by"), torch_axis(site)),
        apply("torch.roll", X, site.slot("by"), torch_axis(site)),
        helper="roll",
    ),
    dtypes=ANY_DTYPE,
)

LAYERS = (MEAN, AMAX, TAKE, SLICE, CHUNK, SPLIT, ROLL)
