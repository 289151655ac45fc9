"""The layers of the language, one record each."""

from archdsl.ops import activation, classic, conv, linear, merge, norm, pool, reshape
from archdsl.ops.record import Layer

FAMILIES: tuple[tuple[str, tuple[Layer, ...]], ...] = (
    ("Convolution", conv.LAYERS),
    ("Linear", linear.LAYERS),
    ("Pooling", pool.LAYERS),
    ("Normalisation and regularisation", norm.LAYERS),
    ("Activation", activation.LAYERS),
    ("Merging", merge.LAYERS),
    ("Shape", reshape.LAYERS),
    ("LeNet-5 as published", classic.LAYERS),
)

LAYERS: dict[str, Layer] = {
    layer.name: layer for _, layers in FAMILIES for layer in layers
}

__all__ = ["FAMILIES", "LAYERS", "Layer"]
