"""Layers of LeNet-5 as published (LeCun et al. 1998, section II-B)."""

from __future__ import annotations

from archdsl.ops.form import Form, apply
from archdsl.ops.record import (
    REQUIRED,
    Arg,
    ArgType,
    Layer,
    Problem,
    Sight,
    Site,
    Weight,
    dim_slot,
)
from archdsl.shapes.size import require
from archdsl.shapes.tensor import Dim, TensorType


def _subsample_shape(site: Site) -> TensorType | Problem:
    dims: list[Dim] = []
    expr = site.args["k"].expr
    for dim, k in zip(site.x.dims[1:], site.sizes("k"), strict=True):
        if not require(dim.size, ">=", k):
            return Problem(
                "E0302",
                f"a window of {k} is larger than the {dim.size} that arrives",
                at="k",
                dims=((dim, f"the {dim.size} comes from here"),),
                hints=("use a smaller window",),
            )
        dims.append(site.fresh(dim.size // k, dim.expr, expr))
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
    sees=lambda site, out: tuple(Sight(0, k - 1, k) for k in site.sizes("k")),
    torch=lambda site: Form(
        apply("Subsample2d", dim_slot(site.x.dims[0]), site.slot("k")),
        helper="subsample2d",
    ),
    source="LeCun et al. 1998, section II-B, layer S2",
)


def _rbf_shape(site: Site) -> TensorType | Problem:
    n, width = site.dim("n"), site.x.dims[0]
    centres = site.args["centres"].value
    if isinstance(centres, tuple):
        problem = _centres_problem(centres, site.whole("n"), width)
        if problem:
            return problem
    return TensorType((n,))


def _centres_problem(
    centres: tuple[str, ...], outputs: int, width: Dim
) -> Problem | None:
    rows = [row.split() for row in centres]
    for number, row in enumerate(rows, start=1):
        if len(row) != outputs:
            return Problem(
                "E0405",
                f"row {number} of the centres has {len(row)} pieces for {outputs}"
                " outputs",
                at="centres",
                hints=("give each output one piece in each row, parted by blanks",),
            )
        if set("".join(row)) - {"#", "."}:
            return Problem(
                "E0405",
                f"row {number} of the centres holds more than `#` (+1), `.` (-1)"
                " and blanks",
                at="centres",
            )
    for number in range(outputs):
        pixels = sum(len(row[number]) for row in rows)
        if pixels != width.size:
            return Problem(
                "E0405",
                f"centre {number} has {pixels} numbers, but {width.size} arrive",
                at="centres",
                dims=((width, f"the {width.size} comes from here"),),
            )
    return None


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
            "pictures side by side, in rows: one piece for each output in each string,"
            " `#` for +1 and `.` for -1; random if left out",
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
