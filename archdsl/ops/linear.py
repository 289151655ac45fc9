"""Linear maps."""

from __future__ import annotations

from archdsl.ops.form import Form, apply
from archdsl.ops.initialise import with_initialiser
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
from archdsl.shapes.tensor import TensorType


def _shape(site: Site) -> TensorType | Problem:
    x = site.x
    if x.rank > 2:
        flat = x.elements
        return Problem(
            "E0305",
            f"fc needs a vector, but a map of {x} arrives",
            dims=((x.dims[1], f"{x} comes from here"),),
            hints=(
                f"put `flatten` before it (a vector of {flat}),"
                f" or `gap` (a vector of {x.dims[0].size})",
            ),
        )
    return TensorType((*x.dims[:-1], site.dim("n")))


def _weights(site: Site, out: TensorType) -> tuple[Weight, ...]:
    n, m = site.whole("n"), site.x.dims[-1].size
    weight = Weight("weight", (n, m))
    return (weight, Weight("bias", (n,))) if site.truth("bias") else (weight,)


def _torch(site: Site) -> Form:
    return Form(
        apply(
            "nn.Linear",
            dim_slot(site.x.dims[-1]),
            dim_slot(site.dim("n")),
            bias=site.slot("bias", True),
        )
    )


FC = Layer(
    name="fc",
    doc="Fully connected layer, over the last axis.",
    example="input 84 | fc 10",
    look="linear",
    args=(
        Arg(
            "n",
            ArgType("whole", 1),
            REQUIRED,
            "output features",
            ("out", "features", "units", "out_features"),
        ),
        Arg("bias", ArgType("truth"), True, "add a learned bias"),
    ),
    positional=("n",),
    shape=_shape,
    weights=_weights,
    macs=lambda site, out: out.elements * site.x.dims[-1].size,
    torch=_torch,
)

LAYERS = (with_initialiser(FC),)
