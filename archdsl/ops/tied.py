"""A linear map whose weight is the table of an embedding (Press and Wolf 2017)."""

from __future__ import annotations

from archdsl.ops.form import Apply, Form, Keyword, Member, X, apply
from archdsl.ops.record import Arg, ArgType, Layer, Problem, Site, Weight
from archdsl.shapes.tensor import TensorType


def _shape(site: Site) -> TensorType | Problem:
    last = site.x.dims[-1]
    width = site.dim("width")
    if last != width:
        return Problem(
            "E0318",
            f"the table `{site.args['of'].value}` holds vectors of {width.size}, but"
            f" {last.size} numbers arrive",
            dims=((last, f"the {last.size} comes from here"),),
            hints=(f"an `fc {width.size}` before it makes them fit",),
        )
    return TensorType((*site.x.dims[:-1], site.dim("rows")))


def _weights(site: Site, out: TensorType) -> tuple[Weight, ...]:
    rows, width = site.whole("rows"), site.whole("width")
    bias = (Weight("bias", (rows,)),) if site.truth("bias") else ()
    if not site.truth("labelled"):
        return ()
    return (Weight("weight", (rows, width), tied=True), *bias)


def _torch(site: Site) -> Form:
    table = str(site.args["of"].value)
    if not site.truth("labelled"):
        return Form(None, Apply("F.linear", (X, Member(table, "weight"))))
    made = apply("nn.Linear", site.slot("width"), site.slot("rows"))
    if not site.truth("bias"):
        made = Apply(made.function, (*made.arguments, Keyword("bias", "False")))
    return Form(made, ties=(("weight", table),))


TIED = Layer(
    name="tie",
    doc="A linear map whose weight is the table of an embedding. With a label it is a"
    " submodule of its own, and the table has a second name.",
    example="input 16 int | tok: embedding 1000 64 | tie tok",
    look="linear",
    args=(
        Arg("bias", ArgType("truth"), False, "add a learned bias; with a label only"),
    ),
    ranks=(1, 2, 3),
    shape=_shape,
    weights=_weights,
    macs=lambda site, out: out.elements * site.whole("width"),
    torch=_torch,
)
