"""Convolutions."""

from __future__ import annotations

from archdsl.diagnostics import Hint
from archdsl.ops.axes import each, together
from archdsl.ops.form import Form, Slot, apply, fixed
from archdsl.ops.initialise import with_initialiser
from archdsl.ops.record import (
    REQUIRED,
    WHERE,
    Arg,
    ArgType,
    Layer,
    Problem,
    Site,
    Weight,
    dim_slot,
    half,
)
from archdsl.ops.tf_padding import padded, tf_or_own_window, tf_window
from archdsl.ops.window import checked_window, padding, strided
from archdsl.shapes.expr import Const, op
from archdsl.shapes.size import Size, divides, is_known, require
from archdsl.shapes.tensor import Dim, TensorType

_SIZE = ArgType("sizes", 1)

STRIDE = Arg("s", _SIZE, (1,), "stride", ("stride",))
PADDING = Arg(
    "p",
    ArgType("sizes", 0, words=("same", "tf")),
    (0,),
    "zeros added on each side; `same` and `tf` keep ⌈in/s⌉, `tf` by as many as the"
    " size needs, as TensorFlow does",
    ("padding",),
)
BIAS = Arg("bias", ArgType("truth"), True, "add a learned bias to each channel")
MODE = Arg(
    "mode",
    ArgType("word", words=("zeros", "reflect", "replicate", "circular")),
    "zeros",
    "what is added there instead of zeros",
    ("padding_mode",),
)
DILATION = Arg("d", _SIZE, (1,), "dilation", ("dilation",))


def padding_slot(site: Site) -> Slot:
    """The padding for the constructor."""
    if site.is_word("p", "tf"):
        return fixed(0, 0)
    if not site.is_word("p", "same"):
        return site.slot("p", 0)
    axes = zip(each(site, "k"), each(site, "d"), padding(site), strict=True)
    return together(
        tuple(Slot(pad, half(k.expr, d.expr, pad)) for k, d, pad in axes), default=0
    )


def even_same(site: Site) -> Problem | None:
    """`same` with an even kernel has no symmetric padding."""
    if not site.is_word("p", "same"):
        return None
    for k in site.sizes("k"):
        if k % 2 == 0:
            return Problem(
                "E0303",
                f"an even kernel of {k} cannot keep the size with equal padding"
                " on both sides",
                at="k",
                label=f"{k} is even",
                hints=(f"use a kernel of {k - 1} or {k + 1}, or give p= instead",),
            )
    return None


def too_wide(site: Site, mode: str, pads: tuple[int, ...], at: str) -> Problem | None:
    """A padding that would need more numbers than the map has."""
    most = {"reflect": -1, "circular": 0}.get(mode)
    if most is None:
        return None
    for dim, pad in zip(site.x.dims[1:], pads, strict=True):
        if not require(pad, "<=", dim.size + most):
            return Problem(
                "E0405",
                f"a {mode} padding of {dim.size} can be {dim.size + most} at most,"
                f" not {pad}",
                at=at,
                dims=((dim, f"the {dim.size} comes from here"),),
            )
    return None


def _padded_window(site: Site) -> tuple[Dim, ...] | Problem:
    if site.is_word("p", "tf"):
        return tf_window(site)
    pads = padding(site)
    problem = even_same(site) or too_wide(site, str(site.args["mode"].value), pads, "p")
    if problem:
        return problem
    return checked_window(site, site.sizes("k"), strided(site), pads, site.sizes("d"))


def _shape(site: Site) -> TensorType | Problem:
    x, c, groups = site.x, site.dim("c"), site.whole("g")
    table = _table(site)
    if table is not None:
        problem = _table_problem(site, table)
        if problem:
            return problem
    if not divides(groups, x.dims[0].size):
        return _does_not_divide(site, x.dims[0], "arrive", "come from here")
    if not divides(groups, c.size):
        return _does_not_divide(site, c, "leave", "are asked for here")
    spatial = _padded_window(site)
    if isinstance(spatial, Problem):
        return spatial
    return TensorType((c, *spatial))


def _does_not_divide(site: Site, dim: Dim, flow: str, origin: str) -> Problem:
    groups, channels = site.whole("g"), dim.size
    span = site.args["g"].span
    hints: tuple[str, ...] = ()
    if is_known(channels):
        from archdsl.ops.fixes import leave_out

        # The nearest multiple, of two equally near ones the greater.
        fitting = max(groups, (2 * channels + groups) // (2 * groups) * groups)
        without = span.text if span else "g"
        text = f"try {fitting} channels{WHERE}, or leave {without} out"
        hints = (Hint(text, *leave_out(site, "g")),)
    return Problem(
        "E0312",
        f"groups={groups} does not divide the {channels} channels that {flow}",
        at="g",
        label=f"{channels} is not a multiple of {groups}",
        dims=((dim, f"the {channels} channels {origin}"),),
        hints=hints,
    )


def _table(site: Site) -> tuple[tuple[int, ...], ...] | None:
    table = site.args["table"].value
    assert table is None or isinstance(table, tuple)
    return table


def _table_problem(site: Site, table: tuple[tuple[int, ...], ...]) -> Problem | None:
    if site.spatial != 2:
        return Problem("E0405", "a connection table needs a 2-D map", at="table")
    channels = site.x.dims[0].size
    if len(table) != site.whole("c"):
        return Problem(
            "E0405",
            f"the connection table has {len(table)} rows for {site.whole('c')} maps",
            at="table",
            hints=("give one list of input maps for each output map",),
        )
    for row in table:
        wrong = [n for n in row if not require(n, "<", channels)]
        if wrong or len(set(row)) != len(row) or not row:
            what = f"map {wrong[0]}" if wrong else "an empty or repeated entry"
            return Problem(
                "E0405",
                f"the connection table names {what}, but maps 0 to {channels - 1}"
                " arrive, each to be named at most once in a row",
                at="table",
            )
    if site.whole("g") != 1:
        return Problem("E0405", "a connection table takes the place of g", at="g")
    if not site.is_word("mode", "zeros"):
        return Problem("E0405", "a connection table goes with zeros only", at="mode")
    return None


def _kernel_weights(site: Site) -> Size:
    """The weights that reach one output number, for all output channels together."""
    table = _table(site)
    if table is not None:
        return _area(site) * sum(map(len, table))
    return _area(site) * site.whole("c") * (site.x.dims[0].size // site.whole("g"))


def _weights(site: Site, out: TensorType) -> tuple[Weight, ...]:
    channels = site.whole("c")
    table = _table(site)
    shape: tuple[Size, ...]
    if table is not None:
        shape = (sum(map(len, table)), 1, *site.sizes("k"))
    else:
        shape = (channels, site.x.dims[0].size // site.whole("g"), *site.sizes("k"))
    weights = [Weight("weight", shape)]
    if site.truth("bias"):
        weights.append(Weight("bias", (channels,)))
    if table is not None:
        weights.append(Weight("sources", (shape[0],), parameter=False))
        weights.append(Weight("targets", (shape[0],), parameter=False))
    return tuple(weights)


def _macs(site: Site, out: TensorType) -> Size:
    return _kernel_weights(site) * (out.elements // site.whole("c"))


def _torch(site: Site) -> Form:
    n = site.spatial
    bias = ("bias", site.slot("bias", True))
    stride = ("stride", site.slot("s", 1))
    if _table(site) is not None:
        table = site.slot("table")
        module = apply(
            "PartialConv2d",
            dim_slot(site.x.dims[0]),
            table,
            site.slot("k"),
            **dict(
                (
                    stride,
                    ("padding", padding_slot(site)),
                    ("dilation", site.slot("d", 1)),
                    bias,
                )
            ),
        )
        return Form(module, helper="partial_conv2d")
    module = apply(
        f"nn.Conv{n}d",
        dim_slot(site.x.dims[0]),
        dim_slot(site.dim("c")),
        site.slot("k"),
        **dict(
            (
                stride,
                ("padding", padding_slot(site)),
                ("dilation", site.slot("d", 1)),
                ("groups", site.slot("g", 1)),
                bias,
                ("padding_mode", site.slot("mode", "zeros")),
            )
        ),
    )
    return padded(site, module)


CONV = Layer(
    name="conv",
    doc="Convolution over 1, 2 or 3 spatial axes.",
    example="input 3x32x32 | conv 16x3x3 p1",
    look="convolution",
    args=(
        Arg("c", ArgType("whole", 1), REQUIRED, "output channels", ("channels", "out")),
        Arg("k", _SIZE, REQUIRED, "kernel", ("kernel_size", "size")),
        STRIDE,
        PADDING,
        DILATION,
        Arg("g", ArgType("whole", 1), 1, "groups", ("groups",)),
        BIAS,
        MODE,
        Arg(
            "table",
            ArgType("lists", 0),
            None,
            "for each output map, the input maps it sees (LeCun et al. 1998, table I)",
        ),
    ),
    positional=("c", "*k"),
    ranks=(2, 3, 4),
    shape=_shape,
    weights=_weights,
    macs=_macs,
    sees=tf_or_own_window,
    torch=_torch,
)


def _area(site: Site) -> int:
    area = 1
    for k in site.sizes("k"):
        area *= k
    return area


def _deep_channels(site: Site) -> Dim:
    c, bound = site.x.dims[0], site.args["m"]
    if bound.expr == Const(1):
        return c
    size = c.size * site.whole("m")
    return Dim(size, bound.span, op("*", size, c.expr, bound.expr))


def _deep_shape(site: Site) -> TensorType | Problem:
    spatial = _padded_window(site)
    if isinstance(spatial, Problem):
        return spatial
    return TensorType((_deep_channels(site), *spatial))


def _deep_weights(site: Site, out: TensorType) -> tuple[Weight, ...]:
    c = out.sizes[0]
    weight = Weight("weight", (c, 1, *site.sizes("k")))
    return (weight, Weight("bias", (c,))) if site.truth("bias") else (weight,)


DWCONV = Layer(
    name="dwconv",
    doc="Depthwise convolution: each channel alone.",
    example="input 32x56x56 | dwconv 3x3 p1",
    look="convolution",
    args=(
        Arg("k", _SIZE, REQUIRED, "kernel", ("kernel_size", "size")),
        STRIDE,
        PADDING,
        DILATION,
        Arg(
            "m",
            ArgType("whole", 1),
            1,
            "output channels for each input channel",
            ("multiplier",),
        ),
        BIAS,
        MODE,
    ),
    positional=("*k",),
    ranks=(2, 3, 4),
    shape=_deep_shape,
    weights=_deep_weights,
    macs=lambda site, out: out.elements * _area(site),
    sees=tf_or_own_window,
    torch=lambda site: padded(
        site,
        apply(
            f"nn.Conv{site.spatial}d",
            dim_slot(site.x.dims[0]),
            dim_slot(_deep_channels(site)),
            site.slot("k"),
            stride=site.slot("s", 1),
            padding=padding_slot(site),
            dilation=site.slot("d", 1),
            groups=dim_slot(site.x.dims[0]),
            bias=site.slot("bias", True),
            padding_mode=site.slot("mode", "zeros"),
        ),
    ),
    source="Howard et al. 2017 (MobileNets)",
)


def _up_shape(site: Site) -> TensorType | Problem:
    x, c, groups = site.x, site.dim("c"), site.whole("g")
    if not divides(groups, x.dims[0].size):
        return _does_not_divide(site, x.dims[0], "arrive", "come from here")
    if not divides(groups, c.size):
        return _does_not_divide(site, c, "leave", "are asked for here")
    dims: list[Dim] = []
    used = [site.args[name].expr for name in ("k", "s", "p", "op", "d")]
    for at, dim in enumerate(x.dims[1:]):
        k, s, p, extra, d = (
            site.sizes(name)[at] for name in ("k", "s", "p", "op", "d")
        )
        if extra >= max(s, d):
            return Problem(
                "E0405",
                f"the output's padding of {extra} has to be below the stride or the"
                f" dilation, here {max(s, d)}",
                at="op",
            )
        # Dumoulin and Visin 2016, relationship 14, the other way round.
        out = (dim.size - 1) * s - 2 * p + d * (k - 1) + extra + 1
        if not require(out, ">=", 1):
            return Problem(
                "E0302",
                f"nothing is left of the {out + 2 * p} numbers when {p} are taken from"
                " each side",
                at="p",
                dims=((dim, f"the {dim.size} comes from here"),),
                hints=("use less padding",),
            )
        dims.append(site.fresh(out, dim.expr, *used))
    return TensorType((c, *dims))


def _up_weights(site: Site, out: TensorType) -> tuple[Weight, ...]:
    c = site.whole("c")
    shape = (site.x.dims[0].size, c // site.whole("g"), *site.sizes("k"))
    weight = Weight("weight", shape)
    return (weight, Weight("bias", (c,))) if site.truth("bias") else (weight,)


def _up_torch(site: Site) -> Form:
    return Form(
        apply(
            f"nn.ConvTranspose{site.spatial}d",
            dim_slot(site.x.dims[0]),
            dim_slot(site.dim("c")),
            site.slot("k"),
            stride=site.slot("s", 1),
            padding=site.slot("p", 0),
            output_padding=site.slot("op", 0),
            groups=site.slot("g", 1),
            bias=site.slot("bias", True),
            dilation=site.slot("d", 1),
        )
    )


UPCONV = Layer(
    name="upconv",
    doc="Transposed convolution, over 1, 2 or 3 spatial axes: with a stride it enlarges"
    " the map.",
    example="input 128x28x28 | upconv 64x2x2 s2",
    look="convolution",
    args=(
        Arg("c", ArgType("whole", 1), REQUIRED, "output channels", ("channels", "out")),
        Arg("k", _SIZE, REQUIRED, "kernel", ("kernel_size", "size")),
        STRIDE,
        Arg(
            "p",
            ArgType("sizes", 0),
            (0,),
            "numbers taken from each side of the output",
            ("padding",),
        ),
        Arg(
            "op",
            ArgType("sizes", 0),
            (0,),
            "numbers added at the end of the output",
            ("output_padding",),
        ),
        DILATION,
        Arg("g", ArgType("whole", 1), 1, "groups", ("groups",)),
        BIAS,
    ),
    positional=("c", "*k"),
    ranks=(2, 3, 4),
    shape=_up_shape,
    weights=_up_weights,
    macs=lambda site, out: (
        site.x.elements * (site.whole("c") // site.whole("g")) * _area(site)
    ),
    torch=_up_torch,
    source="Zeiler et al. 2010",
)

LAYERS = tuple(map(with_initialiser, (CONV, DWCONV, UPCONV)))
