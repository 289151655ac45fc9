"""Normalisation and regularisation."""

from __future__ import annotations

from archdsl.ops.form import Form, X, apply
from archdsl.ops.record import (
    REQUIRED,
    Arg,
    ArgType,
    Layer,
    Site,
    Weight,
    dim_slot,
    same_shape,
)
from archdsl.shapes.tensor import TensorType


def _bn_weights(site: Site, out: TensorType) -> tuple[Weight, ...]:
    c = (site.x.dims[0].size,)
    learned = (Weight("weight", c), Weight("bias", c)) if site.truth("affine") else ()
    return (
        *learned,
        Weight("running_mean", c, parameter=False),
        Weight("running_var", c, parameter=False),
        Weight("num_batches_tracked", (), parameter=False),
    )


def _bn_torch(site: Site) -> Form:
    return Form(
        apply(
            f"nn.BatchNorm{max(1, site.spatial)}d",
            dim_slot(site.x.dims[0]),
            eps=site.slot("eps", 1e-5),
            momentum=site.slot("momentum", 0.1),
            affine=site.slot("affine", True),
        )
    )


BN = Layer(
    name="bn",
    doc="Batch normalisation over each channel.",
    example="input 64x56x56 | bn",
    look="normalisation",
    args=(
        Arg("eps", ArgType("number", 0), 1e-5, "added to the variance"),
        Arg("momentum", ArgType("number", 0, 1), 0.1, "weight of the newest batch"),
        Arg("affine", ArgType("truth"), True, "learn a scale and a shift"),
    ),
    shape=same_shape,
    weights=_bn_weights,
    torch=_bn_torch,
    source="Ioffe and Szegedy 2015",
)


def _lrn_torch(site: Site) -> Form:
    arguments = (site.slot("n"),)
    keywords = {
        "alpha": site.slot("alpha", 1e-4),
        "beta": site.slot("beta", 0.75),
        "k": site.slot("k", 1.0),
    }
    return Form(
        apply("nn.LocalResponseNorm", *arguments, **keywords),
        apply("F.local_response_norm", X, *arguments, **keywords),
    )


LRN = Layer(
    name="lrn",
    doc="Local response normalisation across n neighbouring channels:"
    " x / (k + alpha/n · Σ x²)^beta.",
    example="input 96x55x55 | lrn 5",
    look="normalisation",
    args=(
        Arg("n", ArgType("whole", 1), REQUIRED, "channels in a neighbourhood"),
        Arg("alpha", ArgType("number", 0), 1e-4, "scale of the mean square"),
        Arg("beta", ArgType("number", 0), 0.75, "exponent"),
        Arg("k", ArgType("number", 0), 1.0, "constant"),
    ),
    positional=("n",),
    ranks=(2, 3, 4),
    shape=same_shape,
    torch=_lrn_torch,
    source="Krizhevsky et al. 2012, section 3.3",
)

DROPOUT = Layer(
    name="dropout",
    doc="Sets numbers to zero at random while training, and scales the others up.",
    example="input 4096 | dropout 0.5",
    look="regularisation",
    args=(Arg("rate", ArgType("number", 0, 1), 0.5, "share set to zero", ("p",)),),
    positional=("rate",),
    shape=same_shape,
    torch=lambda site: Form(apply("nn.Dropout", site.slot("rate"))),
    source="Srivastava et al. 2014",
)

LAYERS = (BN, LRN, DROPOUT)
