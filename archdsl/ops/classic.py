"""Layers of LeNet-5 as published (LeCun et al. 1998, section II-B)."""

from __future__ import annotations

from archdsl.ops.form import Form, apply
from archdsl.ops.record import (
    REQUIRED,
    Arg,
    ArgType,
    Layer,
    Problem,
    Site,
    Weight,
    dim_slot,
)
from archdsl.ops.window import window
from archdsl.shapes.tensor import Dim, TensorType


def _subsample_shape(site: Site) -> TensorType | Problem:
    dims: list[Dim] = []
    expr = site.args["k"].expr
    for dim, k in zip(site.x.dims[1:], site.sizes("k"), strict=True):
        out = window(dim.size, k, k, 0)
        if out < 1:
            return Problem(
                "E0302",
                f"a window of {k} is larger than the {dim.size} that arrives",
                at="k",
                dims=((dim, f"the {dim.size} comes from here"),),
                hints=("use a smaller window",),
            )
        dims.append(site.fresh(out, dim.expr, expr))
    return TensorType((site.x.dims[0], *dims))


def _window_area(site: Site) -> int:
    area = 1
    for k in site.sizes("k"):
        area *= k
    return area


SUBSAMPLE = Layer(
    name="subsample",
    doc="Sums each window, times a learned coefficient, plus a learned bias, one pair"
    " for each map.",
    example="input 6x28x28 | subsample 2",
    look="pooling",
    args=(Arg("k", ArgType("sizes", 1), REQUIRED, "window", ("kernel", "size")),),
    positional=("*k",),
    ranks=(3,),
    shape=_subsample_shape,
    weights=lambda site, out: (
        Weight("weight", (site.x.dims[0].size,)),
        Weight("bias", (site.x.dims[0].size,)),
    ),
    connections=lambda site, out: out.elements * (_window_area(site) + 1),
    torch=lambda site: Form(
        apply("Subsample2d", dim_slot(site.x.dims[0]), site.slot("k")),
        helper="subsample2d",
    ),
    source="LeCun et al. 1998, section II-B, layer S2",
)


def _rbf_shape(site: Site) -> TensorType | Problem:
    n = site.dim("n")
    centres = site.args["centres"].value
    if isinstance(centres, tuple):
        width = site.x.dims[0].size
        if len(centres) != n.size:
            return Problem(
                "E0405",
                f"{len(centres)} centres are given for {n.size} outputs",
                at="centres",
            )
        for number, centre in enumerate(centres):
            if len(centre) != width or set(centre) - {"#", "."}:
                return Problem(
                    "E0405",
                    f"centre {number} must be {width} of `#` (+1) and `.` (-1),"
                    f" but is {len(centre)} characters long",
                    at="centres",
                )
    return TensorType((n,))


def _rbf_torch(site: Site) -> Form:
    return Form(
        apply(
            "EuclideanRBF",
            dim_slot(site.x.dims[0]),
            dim_slot(site.dim("n")),
            site.slot("centres"),
        ),
        helper="euclidean_rbf",
    )


RBF = Layer(
    name="rbf",
    doc="The squared distance to each of n fixed centres of ±1.",
    example="input 84 | rbf 10",
    look="linear",
    args=(
        Arg("n", ArgType("whole", 1), REQUIRED, "outputs", ("out", "classes")),
        Arg(
            "centres",
            ArgType("strings"),
            None,
            "one string for each output, `#` for +1 and `.` for -1; random if left out",
            ("centers",),
        ),
    ),
    positional=("n",),
    ranks=(1,),
    shape=_rbf_shape,
    weights=lambda site, out: (
        Weight("centres", (site.whole("n"), site.x.dims[0].size), parameter=False),
    ),
    connections=lambda site, out: out.elements * site.x.dims[0].size,
    torch=_rbf_torch,
    source="LeCun et al. 1998, section II-B, equation 7",
)

LAYERS = (SUBSAMPLE, RBF)
