"""Normalisation and regularisation."""

from __future__ import annotations

from archdsl.ops.axes import axis, axis_arg, rank_problem, same_on_axis, torch_axis
from archdsl.ops.form import Form, Slot, X, apply
from archdsl.ops.initialise import with_initialiser
from archdsl.ops.linear import LAST
from archdsl.ops.record import (
    REQUIRED,
    Arg,
    ArgType,
    Layer,
    Problem,
    Site,
    Weight,
    dim_slot,
    own_place,
    same_shape,
)
from archdsl.shapes.expr import Const
from archdsl.shapes.size import Size, divides, require
from archdsl.shapes.tensor import Dim, TensorType, product


def _bn_weights(site: Site, out: TensorType) -> tuple[Weight, ...]:
    c = (site.x.dims[0].size,)
    learned = (Weight("weight", c), Weight("bias", c)) if site.truth("affine") else ()
    if not site.truth("track"):
        return learned
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
            track_running_stats=site.slot("track", True),
        )
    )


_MOMENTUM = Arg("momentum", ArgType("number", 0, 1), 0.1, "weight of the newest batch")


def _eps(of: str, default: float | None = 1e-5) -> Arg:
    return Arg("eps", ArgType("number", 0), default, f"added to the {of}")


def _affine(default: bool) -> Arg:
    return Arg("affine", ArgType("truth"), default, "learn a scale and a shift")


def _track(default: bool) -> Arg:
    return Arg(
        "track",
        ArgType("truth"),
        default,
        "keep a running mean and variance, for use after training",
        ("track_running_stats",),
    )


BN = Layer(
    name="bn",
    doc="Batch normalisation over each channel.",
    example="input 64x56x56 | bn",
    look="normalisation",
    args=(
        _eps("variance"),
        _MOMENTUM,
        _affine(True),
        _track(True),
    ),
    shape=same_shape,
    weights=_bn_weights,
    sees=own_place,
    torch=_bn_torch,
    source="Ioffe and Szegedy 2015",
)


def _instance_shape(site: Site) -> TensorType | Problem:
    positions = product(site.x.dims[1:], None).size
    if not require(positions, ">", 1):
        return Problem(
            "E0301",
            f"instancenorm needs several positions in each channel, but {site.x}"
            " arrives",
            dims=((site.x.dims[-1], "it comes from here"),),
        )
    return site.x


INSTANCE = Layer(
    name="instancenorm",
    doc="Normalises each channel of each sample over its positions.",
    example="input 64x56x56 | instancenorm",
    look="normalisation",
    args=(_eps("variance"), _MOMENTUM, _affine(False), _track(False)),
    ranks=(2, 3, 4),
    shape=_instance_shape,
    weights=_bn_weights,
    torch=lambda site: Form(
        apply(
            f"nn.InstanceNorm{site.spatial}d",
            dim_slot(site.x.dims[0]),
            eps=site.slot("eps", 1e-5),
            momentum=site.slot("momentum", 0.1),
            affine=site.slot("affine", False),
            track_running_stats=site.slot("track", False),
        )
    ),
    source="Ulyanov et al. 2016",
)


def _gn_shape(site: Site) -> TensorType | Problem:
    channels, groups = site.x.dims[0], site.whole("groups")
    if not divides(groups, channels.size):
        return Problem(
            "E0312",
            f"{groups} groups do not divide the {channels.size} channels that arrive",
            at="groups",
            label=f"{channels.size} is not a multiple of {groups}",
            dims=((channels, f"the {channels.size} channels come from here"),),
        )
    if not require(site.x.elements // groups, ">", 1):
        return Problem(
            "E0405",
            f"each of {groups} groups of {site.x} is one number alone",
            at="groups",
            hints=("use fewer groups",),
        )
    return site.x


def _scale_and_shift(size: Size, site: Site) -> tuple[Weight, ...]:
    if not site.truth("affine"):
        return ()
    return Weight("weight", (size,)), Weight("bias", (size,))


GN = Layer(
    name="gn",
    doc="Group normalisation: over the positions and channels of each group.",
    example="input 64x56x56 | gn 32",
    look="normalisation",
    args=(
        Arg("groups", ArgType("whole", 1), REQUIRED, "groups", ("g",)),
        _eps("variance"),
        _affine(True),
    ),
    positional=("groups",),
    shape=_gn_shape,
    weights=lambda site, out: _scale_and_shift(site.x.sizes[0], site),
    torch=lambda site: Form(
        apply(
            "nn.GroupNorm",
            site.slot("groups"),
            dim_slot(site.x.dims[0]),
            eps=site.slot("eps", 1e-5),
            affine=site.slot("affine", True),
        )
    ),
    source="Wu and He 2018",
)


def _last_axis(site: Site) -> TensorType | Problem:
    if site.x.rank > 2 and not site.truth("last"):
        return rank_problem(
            site,
            "a vector or a sequence of vectors",
            f"`{site.layer.name} last` takes channels that stand last",
            "`gn 1` normalises a whole map, `tokens` makes a sequence of it",
        )
    return site.x


def _ln_shape(site: Site) -> TensorType | Problem:
    if not site.truth("channels"):
        return _last_axis(site)
    if site.truth("last"):
        return Problem("E0405", "`channels` and `last` exclude each other", at="last")
    if site.x.rank == 1:
        return rank_problem(site, "a map, for `channels`", "leave `channels` out")
    return site.x


def _ln_axis(site: Site) -> Dim:
    return site.x.dims[0 if site.truth("channels") else -1]


def _ln_weights(site: Site, out: TensorType) -> tuple[Weight, ...]:
    learned = _scale_and_shift(_ln_axis(site).size, site)
    return learned if site.truth("bias") else learned[:1]


def _ln_torch(site: Site) -> Form:
    channels = site.truth("channels")
    return Form(
        apply(
            "ChannelLayerNorm" if channels else "nn.LayerNorm",
            dim_slot(_ln_axis(site)),
            eps=site.slot("eps", 1e-5),
            elementwise_affine=site.slot("affine", True),
            bias=site.slot("bias", True),
        ),
        helper="channel_layer_norm" if channels else None,
    )


LN = Layer(
    name="ln",
    doc="Layer normalisation over the last axis, of each vector of a sequence; over the"
    " channels at each position of a map with `channels`.",
    example="input 197x768 | ln",
    look="normalisation",
    args=(
        _eps("variance"),
        _affine(True),
        Arg("bias", ArgType("truth"), True, "learn the shift too"),
        LAST,
        Arg("channels", ArgType("truth"), False, "over the channels of a map"),
    ),
    shape=_ln_shape,
    weights=_ln_weights,
    torch=_ln_torch,
    source="Ba et al. 2016",
)

RMS = Layer(
    name="rms",
    doc="Divides by the root of the mean square over the last axis.",
    example="input 197x768 | rms",
    look="normalisation",
    args=(
        _eps("mean square; the machine epsilon when left out", None),
        Arg("affine", ArgType("truth"), True, "learn a scale"),
        LAST,
    ),
    shape=_last_axis,
    weights=lambda site, out: _scale_and_shift(site.x.sizes[-1], site)[:1],
    torch=lambda site: Form(
        apply(
            "nn.RMSNorm",
            dim_slot(site.x.dims[-1]),
            eps=site.slot("eps"),
            elementwise_affine=site.slot("affine", True),
        )
    ),
    source="Zhang and Sennrich 2019",
)

L2 = Layer(
    name="l2norm",
    doc="Divides by the Euclidean norm along an axis.",
    example="input 512 | l2norm",
    look="normalisation",
    args=(
        axis_arg("axis of each vector"),
        Arg("eps", ArgType("number", 0), 1e-12, "the least norm to divide by"),
    ),
    positional=("axis",),
    shape=same_on_axis,
    torch=lambda site: Form(
        apply("L2Norm", torch_axis(site), eps=site.slot("eps", 1e-12)),
        apply("F.normalize", X, dim=torch_axis(site), eps=site.slot("eps", 1e-12)),
        helper="l2_norm",
    ),
)


def _layerscale_dim(site: Site) -> Dim:
    at = axis(site)
    assert isinstance(at, int)
    return site.x.dims[at]


def _layerscale_torch(site: Site) -> Form:
    at = axis(site)
    assert isinstance(at, int)
    after = site.x.rank - 1 - at
    return Form(
        apply(
            "LayerScale",
            dim_slot(_layerscale_dim(site)),
            site.slot("init"),
            axes_after=Slot(after, Const(after), 0),
        ),
        helper="layer_scale",
    )


LAYERSCALE = Layer(
    name="layerscale",
    doc="A learned factor for each channel, or each entry of another axis.",
    example="input 197x768 | layerscale 0.1 d",
    look="normalisation",
    args=(
        Arg("init", ArgType("number"), 1e-6, "the factor to begin with"),
        axis_arg("axis that has the factors"),
    ),
    positional=("init", "axis"),
    shape=same_on_axis,
    weights=lambda site, out: (Weight("gamma", (_layerscale_dim(site).size,)),),
    sees=own_place,
    torch=_layerscale_torch,
    source="Touvron et al. 2021 (Going deeper with image transformers)",
)


def _lrn_torch(site: Site) -> Form:
    arguments = (site.slot("n"),)
    keywords = {
        "alpha": site.slot("alpha", 1e-4),
        "beta": site.slot("beta", 0.75),
        "k": site.slot("k", 1.0),
    }
    if site.spatial == 3:
        return Form(
            apply("LocalResponseNorm3d", *arguments, **keywords),
            helper="local_response_norm3d",
        )
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
    sees=own_place,
    torch=_lrn_torch,
    source="Krizhevsky et al. 2012, section 3.3",
)


def _rate(default: object) -> Arg:
    return Arg("rate", ArgType("number", 0, 1), default, "share set to zero", ("p",))


DROPOUT = Layer(
    name="dropout",
    doc="Sets numbers to zero at random while training, and scales the others up.",
    example="input 4096 | dropout 0.5",
    look="regularisation",
    args=(_rate(0.5),),
    positional=("rate",),
    shape=same_shape,
    sees=own_place,
    torch=lambda site: Form(apply("nn.Dropout", site.slot("rate"))),
    source="Srivastava et al. 2014",
)


DROPCHANNELS = Layer(
    name="dropchannels",
    doc="Dropout of whole channels.",
    example="input 64x28x28 | dropchannels 0.1",
    look="regularisation",
    args=(_rate(0.5),),
    positional=("rate",),
    ranks=(2, 3, 4),
    shape=same_shape,
    sees=own_place,
    torch=lambda site: Form(apply(f"nn.Dropout{site.spatial}d", site.slot("rate"))),
    source="Tompson et al. 2015",
)

ALPHADROPOUT = Layer(
    name="alphadropout",
    doc="Dropout that keeps mean and variance, for use with `selu`.",
    example="input 4096 | alphadropout 0.1",
    look="regularisation",
    args=(_rate(0.5),),
    positional=("rate",),
    shape=same_shape,
    sees=own_place,
    torch=lambda site: Form(apply("nn.AlphaDropout", site.slot("rate"))),
    source="Klambauer et al. 2017",
)

DROPPATH = Layer(
    name="droppath",
    doc="Stochastic depth: while training, sets a whole branch to zero at random, and"
    " scales it up otherwise.",
    example="input 64x28x28 | droppath 0.1",
    look="regularisation",
    args=(
        _rate(REQUIRED),
        Arg(
            "mode",
            ArgType("word", words=("row", "batch")),
            "row",
            "drawn for each sample, or once for the batch",
        ),
    ),
    positional=("rate",),
    shape=same_shape,
    torch=lambda site: Form(
        apply("StochasticDepth", site.slot("rate"), mode=site.slot("mode", "row")),
        helper="stochastic_depth",
    ),
    source="Huang et al. 2016",
)

LAYERS = (
    *map(with_initialiser, (BN, LN, GN, INSTANCE, RMS)),
    LRN,
    L2,
    LAYERSCALE,
    DROPOUT,
    DROPCHANNELS,
    ALPHADROPOUT,
    DROPPATH,
)
