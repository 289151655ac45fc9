"""Attention."""

from __future__ import annotations

from archdsl.ops.axes import rank_problem
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
from archdsl.shapes.tensor import TensorType


def _shape(site: Site) -> TensorType | Problem:
    if site.x.rank != 2:
        hints = ("`tokens` makes a sequence of a map",) if site.x.rank > 2 else ()
        return rank_problem(site, "a sequence of vectors", *hints)
    width, heads = site.x.dims[1], site.whole("heads")
    if width.size % heads:
        return Problem(
            "E0405",
            f"{heads} heads do not divide vectors of {width.size}",
            at="heads",
            label=f"{width.size} is not a multiple of {heads}",
            dims=((width, f"the {width.size} comes from here"),),
        )
    return site.x


def _weights(site: Site, out: TensorType) -> tuple[Weight, ...]:
    width = site.x.sizes[1]
    first = Weight("in_proj_weight", (3 * width, width))
    last = Weight("out_proj.weight", (width, width))
    if not site.truth("bias"):
        return first, last
    biases = Weight("in_proj_bias", (3 * width,)), Weight("out_proj.bias", (width,))
    return first, biases[0], last, biases[1]


def _macs(site: Site, out: TensorType) -> int:
    length, width = site.x.sizes
    return 4 * length * width * width + 2 * length * length * width


ATTENTION = Layer(
    name="attention",
    doc="Self-attention over a sequence, with the weights of nn.MultiheadAttention.",
    example="input 197x768 | attention 12",
    look="linear",
    args=(
        Arg("heads", ArgType("whole", 1), REQUIRED, "heads", ("num_heads",)),
        Arg("dropout", ArgType("number", 0, 1), 0.0, "share of weights set to zero"),
        Arg("causal", ArgType("truth"), False, "see what came before only"),
        Arg("bias", ArgType("truth"), True, "add learned biases"),
    ),
    positional=("heads",),
    shape=_shape,
    weights=_weights,
    macs=_macs,
    torch=lambda site: Form(
        apply(
            "SelfAttention",
            dim_slot(site.x.dims[1]),
            site.slot("heads"),
            dropout=site.slot("dropout", 0.0),
            causal=site.slot("causal", False),
            bias=site.slot("bias", True),
        ),
        helper="self_attention",
    ),
    source="Vaswani et al. 2017, section 3.2",
)

LAYERS = (ATTENTION,)
