"""Activations: functions of each number alone, softmax, and gates."""

from __future__ import annotations

from archdsl.ops.axes import (
    axis,
    axis_arg,
    positive,
    replaced,
    same_on_axis,
    torch_axis,
)
from archdsl.ops.form import Form, Infix, X, apply
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
from archdsl.shapes.expr import Const, op
from archdsl.shapes.size import divides
from archdsl.shapes.tensor import Dim, TensorType


def _activation(
    name: str, doc: str, module: str, function: str, source: str = ""
) -> Layer:
    """An activation without arguments."""
    return Layer(
        name=name,
        doc=doc,
        example=f"input 64x28x28 | {name}",
        look="activation",
        shape=same_shape,
        sees=own_place,
        torch=lambda site: Form(apply(f"nn.{module}"), apply(function, X)),
        source=source,
    )


def _scaled_tanh(site: Site) -> Form:
    return Form(
        apply("ScaledTanh"),
        apply("scaled_tanh", X),
        helper="scaled_tanh_module",
        function_helper="scaled_tanh",
    )


SCALE = Layer(
    name="scale",
    doc="Each number times a constant factor.",
    example="input 128x512 | scale 22.6",
    look="activation",
    args=(Arg("factor", ArgType("number"), REQUIRED, "factor", ("by",)),),
    positional=("factor",),
    shape=same_shape,
    sees=own_place,
    torch=lambda site: Form(
        apply("Scale", site.slot("factor")),
        Infix("*", (X, site.slot("factor"))),
        helper="scale",
    ),
)

ABS = Layer(
    name="abs",
    doc="Each number without its sign.",
    example="input 64x28x28 | abs",
    look="activation",
    shape=same_shape,
    sees=own_place,
    torch=lambda site: Form(
        apply("Absolute"), apply("torch.abs", X), helper="absolute"
    ),
)

EXP = Layer(
    name="exp",
    doc="e to the power of each number.",
    example="input 64x28x28 | exp",
    look="activation",
    shape=same_shape,
    sees=own_place,
    torch=lambda site: Form(apply("Exp"), apply("torch.exp", X), helper="exp"),
)


def _clamp_shape(site: Site) -> TensorType | Problem:
    least, most = site.args["min"].value, site.args["max"].value
    if least is None and most is None:
        return Problem(
            "E0402",
            "clamp lacks a bound",
            hints=("give `min=`, `max=` or both",),
        )
    if (
        isinstance(least, int | float)
        and isinstance(most, int | float)
        and least > most
    ):
        return Problem("E0405", f"{least} is more than the most, {most}", at="min")
    return site.x


CLAMP = Layer(
    name="clamp",
    doc="Numbers below `min` become `min`, those above `max` become `max`.",
    example="input 64x28x28 | clamp min=0 max=6",
    look="activation",
    args=(
        Arg("min", ArgType("number"), None, "the least number", ("low",)),
        Arg("max", ArgType("number"), None, "the most", ("high",)),
    ),
    shape=_clamp_shape,
    sees=own_place,
    torch=lambda site: Form(
        apply("Clamp", min=site.slot("min"), max=site.slot("max")),
        apply("torch.clamp", X, min=site.slot("min"), max=site.slot("max")),
        helper="clamp",
    ),
)

SCALED_TANH = Layer(
    name="scaled_tanh",
    doc="1.7159 · tanh(2x/3), which maps ±1 to ±1.",
    example="input 6x28x28 | scaled_tanh",
    look="activation",
    shape=same_shape,
    sees=own_place,
    torch=_scaled_tanh,
    source="LeCun et al. 1998, appendix A",
)

LEAKY = Layer(
    name="leaky",
    doc="x where positive, slope·x elsewhere.",
    example="input 64x28x28 | leaky 0.1",
    look="activation",
    args=(Arg("slope", ArgType("number"), 0.01, "slope below zero"),),
    positional=("slope",),
    shape=same_shape,
    sees=own_place,
    torch=lambda site: Form(
        apply("nn.LeakyReLU", site.slot("slope", 0.01)),
        apply("F.leaky_relu", X, site.slot("slope", 0.01)),
    ),
)


def _prelu_count(site: Site) -> Dim:
    return site.x.dims[0] if site.truth("channels") else Dim(1, site.span)


PRELU = Layer(
    name="prelu",
    doc="x where positive, elsewhere x times a learned slope.",
    example="input 64x28x28 | prelu channels",
    look="activation",
    args=(
        Arg("channels", ArgType("truth"), False, "learn a slope for each channel"),
        Arg("init", ArgType("number"), 0.25, "the slope to begin with"),
    ),
    shape=same_shape,
    weights=lambda site, out: (Weight("weight", (_prelu_count(site).size,)),),
    sees=own_place,
    torch=lambda site: Form(
        apply(
            "nn.PReLU",
            dim_slot(_prelu_count(site))._replace(default=1),
            init=site.slot("init", 0.25),
        )
    ),
    source="He et al. 2015 (Delving deep into rectifiers)",
)


def _alpha(
    name: str, doc: str, module: str, function: str, least: float | None, source: str
) -> Layer:
    """An exponential unit with an alpha."""

    def shape(site: Site) -> TensorType | Problem:
        if name == "celu":
            return positive(site, "alpha") or site.x
        return site.x

    return Layer(
        name=name,
        doc=doc,
        example=f"input 64x28x28 | {name}",
        look="activation",
        args=(
            Arg("alpha", ArgType("number", least), 1.0, "how far below zero it goes"),
        ),
        positional=("alpha",),
        shape=shape,
        sees=own_place,
        torch=lambda site: Form(
            apply(f"nn.{module}", site.slot("alpha", 1.0)),
            apply(function, X, site.slot("alpha", 1.0)),
        ),
        source=source,
    )


ELU = _alpha(
    "elu",
    "x where positive, alpha · (exp(x) - 1) elsewhere.",
    "ELU",
    "F.elu",
    None,
    "Clevert et al. 2016",
)
CELU = _alpha(
    "celu",
    "x where positive, alpha · (exp(x/alpha) - 1) elsewhere.",
    "CELU",
    "F.celu",
    0,
    "Barron 2017",
)

GELU = Layer(
    name="gelu",
    doc="x · Φ(x), exactly or in its tanh form.",
    example="input 64x28x28 | gelu",
    look="activation",
    args=(
        Arg(
            "approximate",
            ArgType("word", words=("none", "tanh")),
            "none",
            "`tanh` for 0.5x · (1 + tanh(√(2/π) · (x + 0.044715x³)))",
        ),
    ),
    shape=same_shape,
    sees=own_place,
    torch=lambda site: Form(
        apply("nn.GELU", approximate=site.slot("approximate", "none")),
        apply("F.gelu", X, approximate=site.slot("approximate", "none")),
    ),
    source="Hendrycks and Gimpel 2016",
)


def _softplus_torch(site: Site) -> Form:
    arguments = {
        "beta": site.slot("beta", 1.0),
        "threshold": site.slot("threshold", 20.0),
    }
    return Form(apply("nn.Softplus", **arguments), apply("F.softplus", X, **arguments))


SOFTPLUS = Layer(
    name="softplus",
    doc="log(1 + exp(beta·x)) / beta; x itself where beta·x is above the threshold.",
    example="input 64x28x28 | softplus",
    look="activation",
    args=(
        Arg("beta", ArgType("number", 0), 1.0, "how sharp the bend is"),
        Arg("threshold", ArgType("number"), 20.0, "where it becomes linear"),
    ),
    shape=lambda site: positive(site, "beta") or site.x,
    sees=own_place,
    torch=_softplus_torch,
)


def _hardtanh_shape(site: Site) -> TensorType | Problem:
    if site.number("low") >= site.number("high"):
        return Problem(
            "E0405",
            f"`low` has to be below `high`, but {site.number('low')} is not below"
            f" {site.number('high')}",
            at="low" if site.args["low"].span else "high",
        )
    return site.x


def _hardtanh_torch(site: Site) -> Form:
    limits = (site.slot("low"), site.slot("high"))
    return Form(apply("nn.Hardtanh", *limits), apply("F.hardtanh", X, *limits))


HARDTANH = Layer(
    name="hardtanh",
    doc="x, held between two limits.",
    example="input 64x28x28 | hardtanh",
    look="activation",
    args=(
        Arg("low", ArgType("number"), -1.0, "the lower limit", ("min_val",)),
        Arg("high", ArgType("number"), 1.0, "the upper limit", ("max_val",)),
    ),
    positional=("low", "high"),
    shape=_hardtanh_shape,
    sees=own_place,
    torch=_hardtanh_torch,
)


def _over_axis(name: str, doc: str, module: str, function: str) -> Layer:
    """A softmax."""
    return Layer(
        name=name,
        doc=doc,
        example=f"input 10 | {name}",
        look="activation",
        args=(axis_arg("axis to sum over"),),
        positional=("axis",),
        shape=same_on_axis,
        torch=lambda site: Form(
            apply(f"nn.{module}", dim=torch_axis(site)),
            apply(function, X, dim=torch_axis(site)),
        ),
    )


def _halved(site: Site) -> TensorType | Problem:
    at = axis(site)
    if isinstance(at, Problem):
        return at
    dim = site.x.dims[at]
    if not divides(2, dim.size):
        return Problem(
            "E0405",
            f"{site.layer.name} halves axis {site.args['axis'].value}, but its size is"
            f" {dim.size}",
            at="axis",
            dims=((dim, f"the {dim.size} comes from here"),),
            hints=("make it an even number",),
        )
    half = dim.size // 2
    expr = op("//", half, dim.expr, Const(2))
    return replaced(site.x, at, Dim(half, site.span, expr))


GLU = Layer(
    name="glu",
    doc="Halves an axis: the first half times the sigmoid of the second.",
    example="input 64x28x28 | glu",
    look="activation",
    args=(axis_arg("axis to halve"),),
    positional=("axis",),
    shape=_halved,
    torch=lambda site: Form(
        apply("nn.GLU", torch_axis(site)), apply("F.glu", X, torch_axis(site))
    ),
    source="Dauphin et al. 2017",
)

SWIGLU = Layer(
    name="swiglu",
    doc="Halves an axis: the silu of the first half times the second. The weights of"
    " the paper's layer are those of an `fc` before it.",
    example="input 197x3072 | swiglu d",
    look="activation",
    args=(axis_arg("axis to halve"),),
    positional=("axis",),
    shape=_halved,
    torch=lambda site: Form(apply("SwiGLU", torch_axis(site)), helper="swiglu"),
    source="Shazeer 2020 (GLU variants improve transformer)",
)

LAYERS = (
    _activation("relu", "max(0, x).", "ReLU", "F.relu"),
    _activation("relu6", "min(max(0, x), 6).", "ReLU6", "F.relu6"),
    LEAKY,
    PRELU,
    ELU,
    CELU,
    _activation(
        "selu",
        "elu with an alpha and a scale under which mean 0 and variance 1 are kept.",
        "SELU",
        "F.selu",
        "Klambauer et al. 2017",
    ),
    GELU,
    _activation("silu", "x · sigmoid(x).", "SiLU", "F.silu"),
    _activation("mish", "x · tanh(softplus(x)).", "Mish", "F.mish", "Misra 2019"),
    _activation("hardswish", "x · relu6(x + 3) / 6.", "Hardswish", "F.hardswish"),
    _activation("hardsigmoid", "relu6(x + 3) / 6.", "Hardsigmoid", "F.hardsigmoid"),
    HARDTANH,
    _activation("tanh", "Hyperbolic tangent.", "Tanh", "torch.tanh"),
    _activation("sigmoid", "1 / (1 + exp(-x)).", "Sigmoid", "torch.sigmoid"),
    SOFTPLUS,
    _over_axis(
        "softmax",
        "Probabilities over the channels, or another axis: exp(x) / Σ exp(x).",
        "Softmax",
        "F.softmax",
    ),
    _over_axis(
        "logsoftmax",
        "The logarithm of softmax.",
        "LogSoftmax",
        "F.log_softmax",
    ),
    GLU,
    SWIGLU,
    SCALE,
    ABS,
    EXP,
    CLAMP,
    SCALED_TANH,
)
