"""The layers of the language, one record each."""

from archdsl.ops import (
    activation,
    along,
    attention,
    classic,
    constant,
    conv,
    einsum,
    embedding,
    linear,
    merge,
    norm,
    pool,
    rearrange,
    recurrent,
    reshape,
    resize,
)
from archdsl.ops.initialise import with_initialiser
from archdsl.ops.record import Layer

# Those whose parameters are a `weight` and perhaps a `bias`, to be set one by one.
_INITIALISED = (
    "conv",
    "dwconv",
    "upconv",
    "fc",
    "embedding",
    "bn",
    "ln",
    "gn",
    "instancenorm",
    "rms",
)

_FAMILIES: tuple[tuple[str, tuple[Layer, ...]], ...] = (
    ("Convolution", conv.LAYERS),
    ("Linear", linear.LAYERS + embedding.LAYERS),
    ("Recurrent", recurrent.LAYERS),
    ("Attention", attention.LAYERS),
    ("Pooling", pool.LAYERS),
    ("Normalisation and regularisation", norm.LAYERS),
    ("Activation", activation.LAYERS),
    ("Merging", merge.LAYERS + einsum.LAYERS),
    ("Shape", reshape.LAYERS + along.LAYERS + rearrange.LAYERS),
    ("Size of a map", resize.LAYERS),
    ("Tensors of their own", constant.LAYERS),
    ("LeNet-5 as published", classic.LAYERS),
)

FAMILIES: tuple[tuple[str, tuple[Layer, ...]], ...] = tuple(
    (
        title,
        tuple(
            with_initialiser(layer) if layer.name in _INITIALISED else layer
            for layer in layers
        ),
    )
    for title, layers in _FAMILIES
)

LAYERS: dict[str, Layer] = {
    layer.name: layer for _, layers in FAMILIES for layer in layers
}

__all__ = ["FAMILIES", "LAYERS", "Layer"]
