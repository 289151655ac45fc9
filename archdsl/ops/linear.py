"""Linear maps."""

from __future__ import annotations

from archdsl.diagnostics import Hint
from archdsl.ops.form import Code, Form, Input, X, apply
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
from archdsl.shapes.tensor import Dim, TensorType

LAST = Arg(
    "last",
    ArgType("truth"),
    False,
    "over the last axis of a map, whose channels stand last",
)


def _shape(site: Site) -> TensorType | Problem:
    x = site.x
    if x.rank > 2 and not site.truth("last"):
        from archdsl.ops.fixes import put_before

        flat = x.elements
        return Problem(
            "E0305",
            f"fc needs a vector, but a map of {x} arrives",
            dims=((x.dims[1], f"{x} comes from here"),),
            hints=(
                Hint(
                    f"put `flatten` before it (a vector of {flat}),"
                    f" or `gap` (a vector of {x.dims[0].size})",
                    *put_before(site, "flatten", "gap"),
                ),
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
            ("units", "out_features"),
        ),
        Arg("bias", ArgType("truth"), True, "add a learned bias"),
        LAST,
    ),
    positional=("n",),
    shape=_shape,
    weights=_weights,
    macs=lambda site, out: out.elements * site.x.dims[-1].size,
    torch=_torch,
)


def _order(site: Site) -> str:
    """How the sizes of a weight that is given are to be read."""
    return "inputs x outputs" if site.truth("transposed") else "outputs x inputs"


def _sides(site: Site) -> tuple[Dim, Dim]:
    """How many numbers a weight that is given makes, and of how many."""
    first, second = site.ins[1].dims
    return (second, first) if site.truth("transposed") else (first, second)


def _given_problem(site: Site) -> Problem | None:
    """Why the weight or bias that is given does not fit."""
    x, weight = site.ins[:2]
    for number, what in enumerate(("weight", "bias")[: len(site.ins) - 1], start=1):
        tensor = site.ins[number]
        if tensor.batched:
            return Problem(
                "E0301",
                f"affine takes a {what} that is the same for all samples",
                at=number,
                dims=((tensor.dims[0], "this differs between samples"),),
                hints=("`matmul` multiplies two values",),
            )
        if tensor.rank != 3 - number:
            wanted = (_order(site), "one number for each output")[number - 1]
            return Problem(
                "E0301",
                f"affine takes a {what} of {wanted}, not {tensor}",
                at=number,
                dims=((tensor.dims[0], "it comes from here"),),
            )
    outputs, inputs = _sides(site)
    pairs = [(inputs, x.dims[-1], 1)]
    if len(site.ins) == 3:
        pairs.append((site.ins[2].dims[0], outputs, 2))
    for given, wanted_dim, number in pairs:
        if given != wanted_dim:
            return Problem(
                "E0304",
                f"affine of {x} by a weight of {weight}"
                + (f" and a bias of {site.ins[2]}" if number == 2 else "")
                + f": {given.size} is not {wanted_dim.size}",
                at=number,
                label=f"this is {site.ins[number]}",
                dims=((wanted_dim, f"the {wanted_dim.size} comes from here"),),
                hints=(
                    f"a weight is {_order(site)}: `param"
                    f" {'84x10' if site.truth('transposed') else '10x84'}`",
                ),
            )
    return None


def _affine_shape(site: Site) -> TensorType | Problem:
    problem = _given_problem(site)
    if problem:
        return problem
    return TensorType((*site.x.dims[:-1], _sides(site)[0]))


def _affine_torch(site: Site) -> Form:
    weight: Code = Input(1, bare=True)
    if site.truth("transposed"):
        weight = apply("torch.t", weight)
    rest = (Input(at, bare=True) for at in range(2, len(site.ins)))
    return Form(None, apply("F.linear", X, weight, *rest))


AFFINE = Layer(
    name="affine",
    doc="A linear map over the last axis, as `fc` is, by a weight and perhaps a bias"
    " that are given: `affine(x, weight, bias)`. They are the same for all samples: a"
    " `param`, or what is computed of one.",
    example="input 84 | affine(id, param 10x84 init=xavier)",
    look="linear",
    inputs=(2, 3),
    args=(
        Arg(
            "transposed",
            ArgType("truth"),
            False,
            "the weight is inputs x outputs, and not outputs x inputs as that of `fc`",
        ),
    ),
    shape=_affine_shape,
    macs=lambda site, out: out.elements * site.x.dims[-1].size,
    torch=_affine_torch,
)

LAYERS = (with_initialiser(FC), AFFINE)
