"""Pools."""

from __future__ import annotations

from archdsl.ops.form import Code, Form, Slot, X, apply
from archdsl.ops.record import (
    REQUIRED,
    Arg,
    ArgType,
    Layer,
    Problem,
    Sight,
    Site,
)
from archdsl.ops.symbolic import size_code
from archdsl.ops.window import checked_window, own_window, strided
from archdsl.shapes.size import require
from archdsl.shapes.tensor import TensorType

_SIZE = ArgType("sizes", 1)
_KERNEL = Arg("k", _SIZE, REQUIRED, "kernel", ("kernel_size", "size"))
_STRIDE = Arg("s", _SIZE, None, "stride; the kernel when left out", ("stride",))
_PADDING = Arg("p", ArgType("sizes", 0), (0,), "padding on each side", ("padding",))
_CEIL = Arg(
    "ceil",
    ArgType("truth"),
    False,
    "let the last window hang over the end",
    ("ceil_mode",),
)


def _shape(site: Site) -> TensorType | Problem:
    kernel = site.sizes("k")
    pads = site.sizes("p") if "p" in site.args else (0,) * site.spatial
    for k, p in zip(kernel, pads, strict=True):
        if p > k // 2:
            return Problem(
                "E0405",
                f"a pool of {k} may be padded by {k // 2} at most, not {p}",
                at="p",
            )
    dilation = site.sizes("d") if "d" in site.args else (1,) * site.spatial
    spatial = checked_window(
        site, kernel, strided(site), pads, dilation, site.truth("ceil")
    )
    if isinstance(spatial, Problem):
        return spatial
    return TensorType((site.x.dims[0], *spatial))


def _avg_shape(site: Site) -> TensorType | Problem:
    # In 3-D PyTorch does not count the padding when it compares with the kernel.
    if site.spatial == 3:
        for dim, k in zip(site.x.dims[1:], site.sizes("k"), strict=True):
            if not require(dim.size, ">=", k):
                return Problem(
                    "E0302",
                    f"a kernel of {k} is larger than the {dim.size} that arrives,"
                    " and a 3-D mean does not count the padding",
                    at="k",
                    dims=((dim, f"the {dim.size} comes from here"),),
                    hints=("use a smaller kernel",),
                )
    return _shape(site)


def _stride_slot(site: Site) -> Slot:
    kernel = site.slot("k")
    if site.args["s"].value is None:
        return kernel._replace(default=kernel.value)
    stride = site.slot("s")
    # Left out when equal to the kernel: PyTorch's default.
    same = stride.expr == kernel.expr
    return stride._replace(default=kernel.value if same else None)


def _pool_form(site: Site, name: str, **more: Code) -> Form:
    n = site.spatial
    function = {"MaxPool": "max_pool", "AvgPool": "avg_pool"}[name]
    arguments = (site.slot("k"),)
    keywords: dict[str, Code] = {
        "stride": _stride_slot(site),
        "padding": site.slot("p", 0),
        **more,
        "ceil_mode": site.slot("ceil", False),
    }
    return Form(
        apply(f"nn.{name}{n}d", *arguments, **keywords),
        apply(f"F.{function}{n}d", X, *arguments, **keywords),
    )


MAXPOOL = Layer(
    name="maxpool",
    doc="The largest number in each window.",
    example="input 64x112x112 | maxpool 3 s2 p1",
    look="pooling",
    args=(
        _KERNEL,
        _STRIDE,
        _PADDING,
        Arg("d", _SIZE, (1,), "dilation", ("dilation",)),
        _CEIL,
    ),
    positional=("*k",),
    ranks=(2, 3, 4),
    shape=_shape,
    sees=own_window,
    torch=lambda site: _pool_form(site, "MaxPool", dilation=site.slot("d", 1)),
)

AVGPOOL = Layer(
    name="avgpool",
    doc="The mean of each window.",
    example="input 6x28x28 | avgpool 2",
    look="pooling",
    args=(
        _KERNEL,
        _STRIDE,
        _PADDING,
        _CEIL,
        Arg(
            "include_pad",
            ArgType("truth"),
            True,
            "count the padding's zeros in the mean",
        ),
    ),
    positional=("*k",),
    ranks=(2, 3, 4),
    shape=_avg_shape,
    sees=own_window,
    torch=lambda site: _pool_form(
        site, "AvgPool", count_include_pad=site.slot("include_pad", True)
    ),
)


def _lp_form(site: Site) -> Form:
    arguments = (site.slot("norm"), site.slot("k"))
    keywords: dict[str, Code] = {
        "stride": _stride_slot(site),
        "ceil_mode": site.slot("ceil", False),
    }
    n = site.spatial
    return Form(
        apply(f"nn.LPPool{n}d", *arguments, **keywords),
        apply(f"F.lp_pool{n}d", X, *arguments, **keywords),
    )


LPPOOL = Layer(
    name="lppool",
    doc="The norm of each window: (Σ xⁿ)^(1/n).",
    example="input 64x56x56 | lppool 2",
    look="pooling",
    args=(
        _KERNEL,
        Arg("norm", ArgType("number", 1), 2, "the exponent n", ("norm_type",)),
        _STRIDE,
        _CEIL,
    ),
    positional=("*k",),
    ranks=(2, 3, 4),
    shape=_shape,
    sees=own_window,
    torch=_lp_form,
)


def _adaptive_shape(site: Site) -> TensorType | Problem:
    exprs = site.args["k"].expr
    spatial = tuple(site.fresh(n, exprs) for n in site.sizes("k"))
    return TensorType((site.x.dims[0], *spatial))


def _adaptive_sight(site: Site, out: TensorType) -> tuple[Sight, ...] | None:
    found: list[Sight] = []
    for size, count in zip(site.x.sizes[1:], out.sizes[1:], strict=True):
        # Otherwise the windows differ from place to place, or are not known.
        if not isinstance(size, int) or not isinstance(count, int) or size % count:
            return None
        found.append(Sight(0, size // count - 1, size // count))
    return tuple(found)


def _adaptive(name: str, doc: str, kind: str, function: str) -> Layer:
    def form(site: Site) -> Form:
        n = site.spatial
        size = size_code(site, "k")
        return Form(
            apply(f"nn.Adaptive{kind}Pool{n}d", size),
            apply(f"F.{function}{n}d", X, size),
        )

    return Layer(
        name=name,
        doc=doc,
        example=f"input 256x13x13 | {name} 6",
        look="pooling",
        args=(Arg("k", _SIZE, REQUIRED, "output size", ("size", "out")),),
        positional=("*k",),
        ranks=(2, 3, 4),
        shape=_adaptive_shape,
        sees=_adaptive_sight,
        torch=form,
    )


ADAPTIVE = _adaptive(
    "adaptive",
    "Mean over windows chosen so that the output has the size asked for.",
    "Avg",
    "adaptive_avg_pool",
)

ADAPTIVEMAX = _adaptive(
    "adaptivemax",
    "The largest number in windows chosen so that the output has the size asked for.",
    "Max",
    "adaptive_max_pool",
)


def _gap_torch(site: Site) -> Form:
    n = site.spatial
    pooled = apply(f"F.adaptive_avg_pool{n}d", X, 1)
    return Form(
        apply("GlobalAvgPool"),
        apply("torch.flatten", pooled, 1),
        helper="global_avg_pool",
    )


GAP = Layer(
    name="gap",
    doc="Global average pool: the mean of each channel, as a vector.",
    example="input 512x7x7 | gap",
    look="pooling",
    ranks=(2, 3, 4),
    shape=lambda site: TensorType(site.x.dims[:1]),
    torch=_gap_torch,
)


def _gmp_torch(site: Site) -> Form:
    pooled = apply(f"F.adaptive_max_pool{site.spatial}d", X, 1)
    return Form(
        apply("GlobalMaxPool"),
        apply("torch.flatten", pooled, 1),
        helper="global_max_pool",
    )


GMP = Layer(
    name="gmp",
    doc="Global max pool: the largest number of each channel, as a vector.",
    example="input 512x7x7 | gmp",
    look="pooling",
    ranks=(2, 3, 4),
    shape=lambda site: TensorType(site.x.dims[:1]),
    torch=_gmp_torch,
)

LAYERS = (MAXPOOL, AVGPOOL, LPPOOL, ADAPTIVE, ADAPTIVEMAX, GAP, GMP)
