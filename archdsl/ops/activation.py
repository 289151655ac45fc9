"""Functions applied to each number alone."""

from __future__ import annotations

from archdsl.ops.form import Form, X, apply
from archdsl.ops.record import Arg, ArgType, Layer, Site, same_shape


def _activation(name: str, doc: str, module: str, function: str) -> Layer:
    """An activation without arguments."""
    return Layer(
        name=name,
        doc=doc,
        example=f"input 64x28x28 | {name}",
        look="activation",
        shape=same_shape,
        torch=lambda site: Form(apply(f"nn.{module}"), apply(function, X)),
    )


def _scaled_tanh(site: Site) -> Form:
    return Form(
        apply("ScaledTanh"),
        apply("scaled_tanh", X),
        helper="scaled_tanh_module",
        function_helper="scaled_tanh",
    )


SCALED_TANH = Layer(
    name="scaled_tanh",
    doc="1.7159 · tanh(2x/3), which maps ±1 to ±1.",
    example="input 6x28x28 | scaled_tanh",
    look="activation",
    shape=same_shape,
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
    torch=lambda site: Form(
        apply("nn.LeakyReLU", site.slot("slope", 0.01)),
        apply("F.leaky_relu", X, site.slot("slope", 0.01)),
    ),
)

SOFTMAX = Layer(
    name="softmax",
    doc="Probabilities over the channels: exp(x) / Σ exp(x).",
    example="input 10 | softmax",
    look="activation",
    shape=same_shape,
    torch=lambda site: Form(apply("nn.Softmax", dim=1), apply("F.softmax", X, dim=1)),
)

LAYERS = (
    _activation("relu", "max(0, x).", "ReLU", "F.relu"),
    _activation("relu6", "min(max(0, x), 6).", "ReLU6", "F.relu6"),
    _activation("tanh", "Hyperbolic tangent.", "Tanh", "torch.tanh"),
    _activation("sigmoid", "1 / (1 + exp(-x)).", "Sigmoid", "torch.sigmoid"),
    _activation("gelu", "x · Φ(x), exactly.", "GELU", "F.gelu"),
    _activation("silu", "x · sigmoid(x).", "SiLU", "F.silu"),
    _activation("elu", "x where positive, exp(x) - 1 elsewhere.", "ELU", "F.elu"),
    _activation("hardswish", "x · relu6(x + 3) / 6.", "Hardswish", "F.hardswish"),
    _activation("hardsigmoid", "relu6(x + 3) / 6.", "Hardsigmoid", "F.hardsigmoid"),
    LEAKY,
    SOFTMAX,
    SCALED_TANH,
)
