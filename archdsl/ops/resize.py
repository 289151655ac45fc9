"""Layers that change the size of a map: pads, crops, upsampling, shuffles."""

from __future__ import annotations

from archdsl.ops.axes import each, together
from archdsl.ops.conv import too_wide
from archdsl.ops.form import Apply, Code, Form, Slot, X, apply
from archdsl.ops.record import (
    ANY_DTYPE,
    REQUIRED,
    Arg,
    ArgType,
    Layer,
    Problem,
    Site,
    dim_slot,
    same_shape,
)
from archdsl.ops.symbolic import is_symbol, size_code
from archdsl.ops.window import checked_window
from archdsl.shapes.expr import Const, Expr, op
from archdsl.shapes.size import divides, is_symbolic, require
from archdsl.shapes.tensor import Dim, TensorType, product

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
    problem = _wrong_value(site, mode)
    if problem:
        return problem
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


def _wrong_value(site: Site, mode: str) -> Problem | None:
    """What cannot be added to a map of this kind."""
    value, dtype = site.number("value"), site.x.dtype
    if mode != "zeros" and value != 0:
        return Problem(
            "E0405",
            f"mode {mode} adds numbers of the map, and not {value}",
            at="value",
            hints=("leave one of the two out",),
        )
    if dtype != "float" and mode in ("reflect", "replicate"):
        return Problem(
            "E0309",
            f"PyTorch has no {mode} padding of whole numbers and truth values",
            at="mode",
        )
    if (dtype == "int" and not isinstance(value, int)) or (
        dtype == "bool" and value not in (0, 1)
    ):
        kind = "whole numbers" if dtype == "int" else "truth values, 0 and 1,"
        return Problem(
            "E0405", f"{value} cannot stand among the {kind} that arrive", at="value"
        )
    return None


def _pad_torch(site: Site) -> Form:
    # PyTorch counts from the last axis.
    before = each(site, "p")
    behind = before if site.args["end"].value is None else each(site, "end")
    sides = zip(reversed(before), reversed(behind), strict=True)
    slots = [slot for side in sides for slot in side]
    mode = str(site.args["mode"].value)
    if any(is_symbolic(slot.value) for slot in slots):
        # A module would need the numbers before a map arrives.
        each_pad = Apply("", tuple(slots))
        if mode != "zeros":
            return Form(None, apply("F.pad", X, each_pad, Slot(mode, Const(mode))))
        return Form(None, apply("F.pad", X, each_pad, value=site.slot("value", 0)))
    kind = _PADS[mode]
    pads, added = together(tuple(slots)), site.args["value"]
    if added.value != 0 or not isinstance(added.expr, Const):
        return Form(apply(f"nn.ConstantPad{site.spatial}d", pads, site.slot("value")))
    return Form(apply(f"nn.{kind}Pad{site.spatial}d", pads))


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
        Arg("value", ArgType("number"), 0, "what is added instead of zeros"),
    ),
    positional=("*p",),
    ranks=_MAPS,
    shape=_pad_shape,
    torch=_pad_torch,
    dtypes=ANY_DTYPE,
)


def _crop_shape(site: Site) -> TensorType | Problem:
    dims: list[Dim] = []
    asked = zip(site.sizes("size"), each(site, "size"), strict=True)
    for dim, (size, slot) in zip(site.x.dims[1:], asked, strict=True):
        if not require(dim.size, ">=", size):
            return Problem(
                "E0302",
                f"{size} cannot be cut out of the {dim.size} that arrives",
                at="size",
                dims=((dim, f"the {dim.size} comes from here"),),
                hints=("`pad` makes a map larger",),
            )
        dims.append(Dim(size, site.args["size"].span, slot.expr))
    return TensorType((site.x.dims[0], *dims))


def _crop_torch(site: Site) -> Form:
    sizes = each(site, "size")
    if is_symbol(site.args["size"].value):
        return Form(None, apply("cropped", X, *sizes), function_helper="cropped")
    return Form(apply("CentreCrop", *sizes), helper="centre_crop")


CROP = Layer(
    name="crop",
    doc="The middle of a map. An odd rest leaves one number more behind it.",
    example="input 64x64x64 | crop 56x56",
    look="shape",
    args=(Arg("size", ArgType("sizes", 1), REQUIRED, "the size that is left"),),
    positional=("*size",),
    ranks=_MAPS,
    shape=_crop_shape,
    torch=_crop_torch,
    source="Ronneberger et al. 2015, figure 1",
    dtypes=ANY_DTYPE,
)

# The modes of upsampling, and the numbers of spatial axes that they are for.
_MODES = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "bicubic": (2,),
    "trilinear": (3,),
}
# Those that interpolate, and so may align the corners.
_SMOOTH = ("linear", "bilinear", "bicubic", "trilinear")


def _times(site: Site, dim: Dim, factor: int, expr: Expr) -> Dim:
    size = dim.size * factor
    return Dim(size, site.span, op("*", size, dim.expr, expr))


def _by(site: Site, dim: Dim, divisor: int, expr: Expr) -> Dim:
    size = dim.size // divisor
    return Dim(size, site.span, op("//", size, dim.expr, expr))


def _upsample_shape(site: Site) -> TensorType | Problem:
    mode = str(site.args["mode"].value)
    by_factor = site.args["s"].value is not None
    if by_factor is (site.args["size"].value is not None):
        return Problem(
            "E0405" if by_factor else "E0402",
            "upsample takes a factor or a size, and not both"
            if by_factor
            else "`upsample` lacks its factor or its size",
            at="size",
            hints=("as in `upsample 2` or `upsample size=28x28`",),
        )
    if site.spatial not in _MODES[mode]:
        fitting = [name for name, axes in _MODES.items() if site.spatial in axes]
        return Problem(
            "E0405",
            f"`{mode}` is not for maps with {site.spatial} spatial"
            f" {'axis' if site.spatial == 1 else 'axes'}",
            at="mode",
            hints=("for these there are: " + ", ".join(fitting),),
        )
    if site.truth("align") and mode not in _SMOOTH:
        return Problem("E0405", f"`{mode}` has no corners to align", at="align")
    given = "s" if by_factor else "size"
    numbers = zip(site.sizes(given), each(site, given), strict=True)
    dims: list[Dim] = []
    for dim, (number, slot) in zip(site.x.dims[1:], numbers, strict=True):
        if by_factor:
            dims.append(_times(site, dim, number, slot.expr))
        else:
            dims.append(Dim(number, site.args["size"].span, slot.expr))
    return TensorType((site.x.dims[0], *dims))


def _upsample_torch(site: Site) -> Form:
    if site.args["s"].value is None:
        keywords: dict[str, Code] = {"size": size_code(site, "size")}
    elif is_symbol(site.args["s"].value):
        # `torch.export` takes no unknown number as a factor.
        out = _upsample_shape(site)
        assert isinstance(out, TensorType)
        keywords = {"size": Apply("", tuple(map(dim_slot, out.dims[1:])))}
    else:
        keywords = {"scale_factor": site.slot("s")}
    keywords["mode"] = site.slot("mode", "nearest")
    if site.args["mode"].value in _SMOOTH:
        keywords["align_corners"] = site.slot("align", False)
    return Form(apply("nn.Upsample", **keywords), apply("F.interpolate", X, **keywords))


UPSAMPLE = Layer(
    name="upsample",
    doc="A larger map, by a whole factor or to a size.",
    example="input 256x14x14 | upsample 2",
    look="shape",
    args=(
        Arg("s", ArgType("sizes", 1), None, "factor", ("scale_factor",)),
        Arg("size", ArgType("sizes", 1), None, "the size to reach", ("to",)),
        Arg(
            "mode",
            ArgType("word", words=tuple(_MODES)),
            "nearest",
            'how; `"nearest-exact"` stands in quotes',
        ),
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
    square = r**2
    if not divides(square, c.size):
        return _no_multiple(site, c, square, "r")
    channels = _by(site, c, square, op("**", square, expr, Const(2)))
    return TensorType((channels, *(_times(site, d, r, expr) for d in spatial)))


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
    dtypes=ANY_DTYPE,
)


def _unshuffle_shape(site: Site) -> TensorType | Problem:
    r, (c, *spatial) = site.whole("r"), site.x.dims
    expr = site.args["r"].expr
    for dim in spatial:
        if not divides(r, dim.size):
            return _no_multiple(site, dim, r, "r")
    square = r**2
    channels = _times(site, c, square, op("**", square, expr, Const(2)))
    return TensorType((channels, *(_by(site, d, r, expr) for d in spatial)))


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
    dtypes=ANY_DTYPE,
)


def _channelshuffle_shape(site: Site) -> TensorType | Problem:
    if not divides(site.whole("groups"), site.x.dims[0].size):
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
    dtypes=ANY_DTYPE,
)


def _unfold_shape(site: Site) -> TensorType | Problem:
    kernel = site.sizes("k")
    spatial = checked_window(
        site, kernel, site.sizes("s"), site.sizes("p"), site.sizes("d")
    )
    if isinstance(spatial, Problem):
        return spatial
    c = site.x.dims[0]
    rows = c.size
    for k in kernel:
        rows *= k
    return TensorType(
        (
            site.fresh(rows, c.expr, site.args["k"].expr),
            site.fresh(product(spatial, None).size, *(dim.expr for dim in spatial)),
        )
    )


UNFOLD = Layer(
    name="unfold",
    doc="The numbers of each window as a column.",
    example="input 3x32x32 | unfold 4 s4",
    look="shape",
    args=(
        Arg("k", ArgType("sizes", 1), REQUIRED, "kernel", ("kernel_size",)),
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
