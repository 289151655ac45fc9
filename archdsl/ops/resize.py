"""Layers that change the size of a map: pads, crops, upsampling, shuffles."""

from __future__ import annotations

import math

from archdsl.ops.axes import each
from archdsl.ops.conv import too_wide
from archdsl.ops.form import Code, Form, Slot, X, apply
from archdsl.ops.record import (
    REQUIRED,
    Arg,
    ArgType,
    Layer,
    Problem,
    Site,
    plain,
    same_shape,
)
from archdsl.ops.window import checked_window
from archdsl.shapes.expr import Const, op, opaque
from archdsl.shapes.tensor import Dim, TensorType

_MAPS = (2, 3, 4)
_PADS = {
    "zeros": "Zero",
    "reflect": "Reflection",
    "replicate": "Replication",
    "circular": "Circular",
}


def _sides(site: Site) -> tuple[tuple[int, int], ...]:
    """The padding before and behind each spatial axis."""
    before = site.sizes("p")
    end = before if site.args["end"].value is None else site.sizes("end")
    return tuple(zip(before, end, strict=True))


def _pad_shape(site: Site) -> TensorType | Problem:
    mode = str(site.args["mode"].value)
    for side in zip(*_sides(site), strict=True):
        problem = too_wide(site, mode, side, "p")
        if problem:
            return problem
    exprs = (site.args["p"].expr, site.args["end"].expr)
    dims = (
        site.fresh(dim.size + before + end, dim.expr, *exprs)
        for dim, (before, end) in zip(site.x.dims[1:], _sides(site), strict=True)
    )
    return TensorType((site.x.dims[0], *dims))


def _pad_torch(site: Site) -> Form:
    # PyTorch counts from the last axis.
    value = tuple(n for side in reversed(_sides(site)) for n in side)
    expr = opaque(value, site.args["p"].expr, site.args["end"].expr)
    kind = _PADS[str(site.args["mode"].value)]
    return Form(apply(f"nn.{kind}Pad{site.spatial}d", Slot(plain(value), expr)))


PAD = Layer(
    name="pad",
    doc="Adds numbers around a map.",
    example="input 64x28x28 | pad 1",
    look="shape",
    args=(
        Arg("p", ArgType("sizes", 0), REQUIRED, "numbers on each side", ("padding",)),
        Arg("end", ArgType("sizes", 0), None, "behind the end; p when left out"),
        Arg(
            "mode",
            ArgType("word", words=tuple(_PADS)),
            "zeros",
            "what is added",
            ("padding_mode",),
        ),
    ),
    positional=("*p",),
    ranks=_MAPS,
    shape=_pad_shape,
    torch=_pad_torch,
)


def _crop_shape(site: Site) -> TensorType | Problem:
    dims: list[Dim] = []
    asked = each(site, "size")
    for dim, slot in zip(site.x.dims[1:], asked, strict=True):
        size = slot.value
        assert isinstance(size, int)
        if size > dim.size:
            return Problem(
                "E0302",
                f"{size} cannot be cut out of the {dim.size} that arrives",
                at="size",
                dims=((dim, f"the {dim.size} comes from here"),),
                hints=("`pad` makes a map larger",),
            )
        dims.append(Dim(size, site.args["size"].span, slot.expr))
    return TensorType((site.x.dims[0], *dims))


CROP = Layer(
    name="crop",
    doc="The middle of a map. An odd rest leaves one number more behind it.",
    example="input 64x64x64 | crop 56x56",
    look="shape",
    args=(Arg("size", ArgType("sizes", 1), REQUIRED, "the size that is left"),),
    positional=("*size",),
    ranks=_MAPS,
    shape=_crop_shape,
    torch=lambda site: Form(
        apply("CentreCrop", *each(site, "size")), helper="centre_crop"
    ),
    source="Ronneberger et al. 2015, figure 1",
)

# The modes of upsampling, and the numbers of spatial axes that they are for.
_MODES = {
    "nearest": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "bicubic": (2,),
    "trilinear": (3,),
}


def _upsample_shape(site: Site) -> TensorType | Problem:
    mode = str(site.args["mode"].value)
    if site.spatial not in _MODES[mode]:
        fitting = [name for name, axes in _MODES.items() if site.spatial in axes]
        return Problem(
            "E0405",
            f"`{mode}` is not for maps with {site.spatial} spatial"
            f" {'axis' if site.spatial == 1 else 'axes'}",
            at="mode",
            hints=("for these there are: " + ", ".join(fitting),),
        )
    if site.truth("align") and mode == "nearest":
        return Problem("E0405", "`nearest` has no corners to align", at="align")
    dims: list[Dim] = []
    for dim, slot in zip(site.x.dims[1:], each(site, "s"), strict=True):
        assert isinstance(slot.value, int)
        size = dim.size * slot.value
        dims.append(Dim(size, site.span, op("*", size, dim.expr, slot.expr)))
    return TensorType((site.x.dims[0], *dims))


def _upsample_torch(site: Site) -> Form:
    keywords: dict[str, Code] = {
        "scale_factor": site.slot("s"),
        "mode": site.slot("mode", "nearest"),
        "align_corners": site.slot("align", False),
    }
    if site.is_word("mode", "nearest"):
        del keywords["align_corners"]
    return Form(apply("nn.Upsample", **keywords), apply("F.interpolate", X, **keywords))


UPSAMPLE = Layer(
    name="upsample",
    doc="A larger map, by a whole factor.",
    example="input 256x14x14 | upsample 2",
    look="shape",
    args=(
        Arg("s", ArgType("sizes", 1), REQUIRED, "factor", ("scale", "scale_factor")),
        Arg("mode", ArgType("word", words=tuple(_MODES)), "nearest", "how"),
        Arg(
            "align",
            ArgType("truth"),
            False,
            "keep the outermost numbers where they are",
            ("align_corners",),
        ),
    ),
    positional=("*s",),
    ranks=_MAPS,
    shape=_upsample_shape,
    torch=_upsample_torch,
)

_FACTOR = Arg("r", ArgType("whole", 1), REQUIRED, "factor", ("factor", "s"))


def _no_multiple(site: Site, dim: Dim, of: int, at: str) -> Problem:
    return Problem(
        "E0405",
        f"{site.layer.name} needs a multiple of {of}, but {dim.size} arrives",
        at=at,
        dims=((dim, f"the {dim.size} comes from here"),),
    )


def _shuffle_shape(site: Site) -> TensorType | Problem:
    r, (c, *spatial) = site.whole("r"), site.x.dims
    expr = site.args["r"].expr
    if c.size % r**2:
        return _no_multiple(site, c, r**2, "r")
    area = op("**", r**2, expr, Const(2))
    fewer = c.size // r**2
    channels = Dim(fewer, site.span, op("//", fewer, c.expr, area))
    larger = (
        Dim(d.size * r, site.span, op("*", d.size * r, d.expr, expr)) for d in spatial
    )
    return TensorType((channels, *larger))


PIXELSHUFFLE = Layer(
    name="pixelshuffle",
    doc="A map r times as high and wide, made of r² channels each.",
    example="input 256x32x32 | pixelshuffle 2",
    look="shape",
    args=(_FACTOR,),
    positional=("r",),
    ranks=(3,),
    shape=_shuffle_shape,
    torch=lambda site: Form(
        apply("nn.PixelShuffle", site.slot("r")),
        apply("F.pixel_shuffle", X, site.slot("r")),
    ),
    source="Shi et al. 2016",
)


def _unshuffle_shape(site: Site) -> TensorType | Problem:
    r, (c, *spatial) = site.whole("r"), site.x.dims
    expr = site.args["r"].expr
    for dim in spatial:
        if dim.size % r:
            return _no_multiple(site, dim, r, "r")
    area = op("**", r**2, expr, Const(2))
    more = c.size * r**2
    channels = Dim(more, site.span, op("*", more, c.expr, area))
    smaller = (
        Dim(d.size // r, site.span, op("//", d.size // r, d.expr, expr))
        for d in spatial
    )
    return TensorType((channels, *smaller))


PIXELUNSHUFFLE = Layer(
    name="pixelunshuffle",
    doc="Each r by r square as channels, the inverse of `pixelshuffle`.",
    example="input 64x64x64 | pixelunshuffle 2",
    look="shape",
    args=(_FACTOR,),
    positional=("r",),
    ranks=(3,),
    shape=_unshuffle_shape,
    torch=lambda site: Form(
        apply("nn.PixelUnshuffle", site.slot("r")),
        apply("F.pixel_unshuffle", X, site.slot("r")),
    ),
)


def _channelshuffle_shape(site: Site) -> TensorType | Problem:
    if site.x.dims[0].size % site.whole("groups"):
        return _no_multiple(site, site.x.dims[0], site.whole("groups"), "groups")
    return same_shape(site)


CHANNELSHUFFLE = Layer(
    name="channelshuffle",
    doc="The channels in another order: the first of each group, then the second.",
    example="input 116x28x28 | channelshuffle 2",
    look="shape",
    args=(Arg("groups", ArgType("whole", 1), REQUIRED, "groups", ("g",)),),
    positional=("groups",),
    ranks=_MAPS,
    shape=_channelshuffle_shape,
    torch=lambda site: Form(apply("nn.ChannelShuffle", site.slot("groups"))),
    source="Zhang et al. 2018 (ShuffleNet)",
)


def _unfold_shape(site: Site) -> TensorType | Problem:
    kernel = site.sizes("k")
    spatial = checked_window(
        site, kernel, site.sizes("s"), site.sizes("p"), site.sizes("d")
    )
    if isinstance(spatial, Problem):
        return spatial
    c = site.x.dims[0]
    rows = c.size * math.prod(kernel)
    columns = math.prod(dim.size for dim in spatial)
    return TensorType(
        (
            site.fresh(rows, c.expr, site.args["k"].expr),
            site.fresh(columns, *(dim.expr for dim in spatial)),
        )
    )


UNFOLD = Layer(
    name="unfold",
    doc="The numbers of each window as a column.",
    example="input 3x32x32 | unfold 4 s4",
    look="shape",
    args=(
        Arg("k", ArgType("sizes", 1), REQUIRED, "kernel", ("kernel", "kernel_size")),
        Arg("s", ArgType("sizes", 1), (1,), "stride", ("stride",)),
        Arg("p", ArgType("sizes", 0), (0,), "zeros on each side", ("padding",)),
        Arg("d", ArgType("sizes", 1), (1,), "dilation", ("dilation",)),
    ),
    positional=("*k",),
    ranks=(3,),
    shape=_unfold_shape,
    torch=lambda site: Form(
        apply(
            "nn.Unfold",
            site.slot("k"),
            dilation=site.slot("d", 1),
            padding=site.slot("p", 0),
            stride=site.slot("s", 1),
        )
    ),
)

LAYERS = (
    PAD,
    CROP,
    UPSAMPLE,
    PIXELSHUFFLE,
    PIXELUNSHUFFLE,
    CHANNELSHUFFLE,
    UNFOLD,
)
