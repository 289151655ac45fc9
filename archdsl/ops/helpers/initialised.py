"""Other weights to begin with."""

from torch import nn


def initialised(
    layer: nn.Module,
    weight: str | None = None,
    bias: float | None = None,
    **options: float | str,
) -> nn.Module:
    """The layer, its weight drawn by a function of nn.init, its bias one number."""
    if weight is not None:
        getattr(nn.init, weight)(layer.get_parameter("weight"), **options)
    if bias is not None:
        nn.init.constant_(layer.get_parameter("bias"), bias)
    return layer
