"""A learned factor for each channel."""

import torch
from torch import Tensor, nn


class LayerScale(nn.Module):
    """A learned factor for each entry of the axis that others follow.

    Touvron et al. 2021 (Going deeper with image transformers), section 2.
    """

    def __init__(self, size: int, init: float, axes_after: int = 0) -> None:
        super().__init__()
        self.axes_after = axes_after
        self.gamma = nn.Parameter(torch.full((size,), float(init)))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma.view(-1, *[1] * self.axes_after)
