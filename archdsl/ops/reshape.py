"""Layers that move numbers and compute nothing."""

from __future__ import annotations

from archdsl.ops.axes import (
    rank_problem,
)
from archdsl.ops.form import Form, Slot, X, apply
from archdsl.ops.record import (
    ANY_DTYPE,
    REQUIRED,
    Arg,
    ArgType,
    Layer,
    Problem,
    Sight,
    Site,
    own_place,
)
from archdsl.ops.symbolic import inferred, is_symbol
from archdsl.shapes.expr import Const, op
from archdsl.shapes.size import require
from archdsl.shapes.tensor import TensorType, product

FLATTEN = Layer(
    name="flatten",
    doc="All numbers of a sample as one vector.",
    example="input 256x6x6 | flatten",
    look="shape",
    shape=lambda site: TensorType((product(site.x.dims, site.span),)),
    torch=lambda site: Form(apply("nn.Flatten"), apply("torch.flatten", X, 1)),
    dtypes=ANY_DTYPE,
)


def _decimate_shape(site: Site) -> TensorType | Problem:
    step = site.whole("s")
    expr = site.args["s"].expr
    spatial = tuple(
        site.fresh(-(-dim.size // step), dim.expr, expr) for dim in site.x.dims[1:]
    )
    return TensorType((site.x.dims[0], *spatial))


DECIMATE = Layer(
    name="decimate",
    doc="Keeps every s-th position of each spatial axis.",
    example="input 16x32x32 | decimate 2",
    look="shape",
    args=(Arg("s", ArgType("whole", 1), REQUIRED, "step", ("stride",)),),
    positional=("s",),
    ranks=(2, 3, 4),
    shape=_decimate_shape,
    sees=lambda site, out: (Sight(0, 0, site.whole("s")),) * site.spatial,
    torch=lambda site: Form(
        apply(f"nn.MaxPool{site.spatial}d", 1, stride=site.slot("s")),
        apply(f"F.max_pool{site.spatial}d", X, 1, stride=site.slot("s")),
    ),
    source="He et al. 2016, section 3.3, shortcut option A",
)


def _zeropad_shape(site: Site) -> TensorType | Problem:
    channels = site.x.dims[0]
    if not require(channels.size, "<=", site.whole("c")):
        return Problem(
            "E0405",
            f"{channels.size} channels arrive; zeros can only add to them,"
            f" not leave {site.whole('c')}",
            at="c",
            dims=((channels, f"the {channels.size} channels come from here"),),
        )
    return TensorType((site.dim("c"), *site.x.dims[1:]))


def _zeropad_torch(site: Site) -> Form:
    return Form(
        apply("ZeroPadChannels", site.slot("c")),
        None,
        helper="zero_pad_channels",
    )


PADCHANNELS = Layer(
    name="padchannels",
    doc="Adds channels of zeros until there are c.",
    example="input 16x32x32 | padchannels 32",
    look="shape",
    args=(Arg("c", ArgType("whole", 1), REQUIRED, "channels to reach", ("channels",)),),
    positional=("c",),
    shape=_zeropad_shape,
    sees=own_place,
    torch=_zeropad_torch,
    source="He et al. 2016, section 3.3, shortcut option A",
    dtypes=ANY_DTYPE,
)

# Axes and shapes given as numbers


def _listed(what: str) -> tuple[Arg, ...]:
    """Arguments for one to four numbers; a size such as 3x3 is read as several."""
    names = ("first", "second", "third", "fourth")
    return tuple(
        Arg(
            name,
            ArgType("whole", 1) if what == "size" else ArgType("whole", 0, 3),
            None if at else REQUIRED,
            f"{name} {what}",
        )
        for at, name in enumerate(names)
    )


def _given(site: Site) -> tuple[str, ...]:
    """The names of the numbers that are given, or the empty tuple for a gap."""
    names = tuple(arg.name for arg in site.layer.args)
    given = tuple(name for name in names if site.args[name].value is not None)
    return given if given == names[: len(given)] else ()


def _gap(site: Site) -> Problem:
    return Problem("E0404", f"{site.layer.name} takes its numbers without a gap")


def _slots(site: Site) -> tuple[Slot | int, ...]:
    return inferred(tuple(site.slot(name) for name in _given(site)))


def _has_symbols(sizes: tuple[Slot | int, ...]) -> bool:
    return any(isinstance(size, Slot) and is_symbol(size.value) for size in sizes)


def _reshape_shape(site: Site) -> TensorType | Problem:
    given = _given(site)
    if not given:
        return _gap(site)
    out = TensorType(tuple(site.dim(name) for name in given))
    if out.elements != site.x.elements:
        return Problem(
            "E0405",
            f"{out} has {out.elements:,} numbers, but {site.x} has {site.x.elements:,}",
            at="first",
            dims=((site.x.dims[0], f"{site.x} comes from here"),),
        )
    return out


def _unflatten_shape(site: Site) -> TensorType | Problem:
    if site.x.rank > 1:
        return rank_problem(site, "a vector", "`reshape` takes any shape")
    if site.args["second"].value is None:
        return Problem(
            "E0404",
            "unflatten takes two sizes or more",
            at="first",
            hints=("as in `unflatten 256x7x7`",),
        )
    return _reshape_shape(site)


def _unflatten_torch(site: Site) -> Form:
    sizes = _slots(site)
    if _has_symbols(sizes):
        return Form(None, apply("torch.unflatten", X, 1, apply("", *sizes)))
    return Form(apply("nn.Unflatten", 1, apply("", *sizes)))


UNFLATTEN = Layer(
    name="unflatten",
    doc="A vector as a map, the inverse of `flatten`.",
    example="input 12544 | unflatten 256x7x7",
    look="shape",
    args=_listed("size"),
    positional=("first", "second", "third", "fourth"),
    shape=_unflatten_shape,
    torch=_unflatten_torch,
    dtypes=ANY_DTYPE,
)


def _reshape_torch(site: Site) -> Form:
    sizes = _slots(site)
    if _has_symbols(sizes):
        return Form(None, apply("torch.reshape", X, apply("", -1, *sizes)))
    return Form(apply("Reshape", *sizes), helper="reshape")


RESHAPE = Layer(
    name="reshape",
    doc="The same numbers, in the same order, in another shape.",
    example="input 64x7x7 | reshape 64x49",
    look="shape",
    args=_listed("size"),
    positional=("first", "second", "third", "fourth"),
    shape=_reshape_shape,
    torch=_reshape_torch,
    dtypes=ANY_DTYPE,
)


def _permute_shape(site: Site) -> TensorType | Problem:
    order = tuple(site.whole(name) for name in _given(site))
    if not order:
        return _gap(site)
    if sorted(order) != list(range(site.x.rank)):
        wanted = ", ".join(map(str, range(site.x.rank)))
        return Problem(
            "E0405",
            f"permute takes each axis of {site.x} once: {wanted} in some order",
            at="first",
            dims=((site.x.dims[0], f"{site.x} comes from here"),),
        )
    return TensorType(tuple(site.x.dims[at] for at in order))


def _permute_torch(site: Site) -> Form:
    # The batch keeps its place.
    axes = tuple(1 + site.whole(name) for name in _given(site))
    exprs = (site.args[name].expr for name in _given(site))
    counted = (
        op("+", at, expr, Const(1)) for at, expr in zip(axes, exprs, strict=True)
    )
    whole = (0, *axes)
    order = Slot(whole, op("tuple", whole, Const(0), *counted))
    return Form(
        apply("Permute", order), apply("torch.permute", X, order), helper="permute"
    )


PERMUTE = Layer(
    name="permute",
    doc="The axes in another order, counted from 0.",
    example="input 3x224x160 | permute 1 2 0",
    look="shape",
    args=_listed("axis"),
    positional=("first", "second", "third", "fourth"),
    shape=_permute_shape,
    torch=_permute_torch,
    dtypes=ANY_DTYPE,
)

TOKENS = Layer(
    name="tokens",
    doc="A map as a sequence: one vector of all channels for each position.",
    example="input 768x14x14 | tokens",
    look="shape",
    ranks=(2, 3, 4),
    shape=lambda site: TensorType(
        (product(site.x.dims[1:], site.span), site.x.dims[0])
    ),
    torch=lambda site: Form(
        apply("Tokens"),
        apply("torch.transpose", apply("torch.flatten", X, 2), 1, 2),
        helper="tokens",
    ),
    dtypes=ANY_DTYPE,
)

LAYERS = (FLATTEN, UNFLATTEN, RESHAPE, PERMUTE, TOKENS, DECIMATE, PADCHANNELS)
