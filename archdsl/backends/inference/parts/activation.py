"""Activations that are computed in place."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F


def activation(name: str, slope: float) -> Callable[[Tensor], object] | None:
    """What computes an activation in place; None if the name is empty."""
    if name == "leaky_relu":
        return partial(F.leaky_relu, negative_slope=slope, inplace=True)
    known: dict[str, Callable[[Tensor], object] | None] = {
        "": None,
        "relu": torch.relu_,
        "relu6": partial(F.hardtanh, min_val=0.0, max_val=6.0, inplace=True),
        "silu": partial(F.silu, inplace=True),
        "hardswish": partial(F.hardswish, inplace=True),
        "sigmoid": torch.sigmoid_,
        "tanh": torch.tanh_,
        "gelu": lambda y: y.copy_(F.gelu(y)),
    }
    return known[name]
