"""The layers of the language, one record each."""

from archdsl.ops import (
    activation,
    attention,
    classic,
    conv,
    linear,
    merge,
    norm,
    pool,
    reshape,
    resize,
)
from archdsl.ops.record import Layer

FAMILIES: tuple[tuple[str, tuple[Layer, ...]], ...] = (
    ("Convolution", conv.LAYERS),
    ("Linear", linear.LAYERS),
    ("Attention", attention.LAYERS),
    ("Pooling", pool.LAYERS),
    ("Normalisation and regularisation", norm.LAYERS),
    ("Activation", activation.LAYERS),
    ("Merging", merge.LAYERS),
    ("Shape", reshape.LAYERS),
    ("Size of a map", resize.LAYERS),
    ("LeNet-5 as published", classic.LAYERS),
)

LAYERS: dict[str, Layer] = {
    layer.name: layer for _, layers in FAMILIES for layer in layers
}

__all__ = ["FAMILIES", "LAYERS", "Layer"]
