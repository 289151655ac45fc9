"""Layers that move numbers and compute nothing."""

from __future__ import annotations

from archdsl.ops.form import Form, X, apply
from archdsl.ops.record import (
    REQUIRED,
    Arg,
    ArgType,
    Layer,
    Problem,
    Site,
)
from archdsl.shapes.tensor import TensorType, product

FLATTEN = Layer(
    name="flatten",
    doc="All numbers of a sample as one vector.",
    example="input 256x6x6 | flatten",
    look="shape",
    shape=lambda site: TensorType((product(site.x.dims, site.span),)),
    torch=lambda site: Form(apply("nn.Flatten"), apply("torch.flatten", X, 1)),
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
    torch=lambda site: Form(
        apply(f"nn.MaxPool{site.spatial}d", 1, stride=site.slot("s")),
        apply(f"F.max_pool{site.spatial}d", X, 1, stride=site.slot("s")),
    ),
    source="He et al. 2016, section 3.3, shortcut option A",
)


def _zeropad_shape(site: Site) -> TensorType | Problem:
    channels = site.x.dims[0]
    if site.whole("c") < channels.size:
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
    torch=_zeropad_torch,
    source="He et al. 2016, section 3.3, shortcut option A",
)

LAYERS = (FLATTEN, DECIMATE, PADCHANNELS)
