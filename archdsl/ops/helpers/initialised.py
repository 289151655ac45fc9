"""Other weights to begin with."""

from torch import nn


def initialised(
    layer: nn.Module,
    weight: str | None = None,
    bias: float | None = None,
    **options: float | str,
) -> nn.Module:
    """The layer, its weights drawn by a function of nn.init, its biases one number."""
    for name, parameter in layer.named_parameters():
        if "bias" in name:
            if bias is not None:
                nn.init.constant_(parameter, bias)
        elif weight is not None:
            getattr(nn.init, weight)(parameter, **options)
    if isinstance(layer, nn.Embedding) and layer.padding_idx is not None:
        nn.init.zeros_(layer.weight[layer.padding_idx])
    return layer
