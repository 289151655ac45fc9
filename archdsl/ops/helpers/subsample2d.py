"""Trainable subsampling."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Subsample2d(nn.Module):
    """Sum of each window, times a coefficient, plus a bias, one pair for each map.

    LeCun et al. 1998, section II-B, layer S2. It begins as an average pool.
    """

    def __init__(self, channels: int, kernel_size: int | tuple[int, int]) -> None:
        super().__init__()
        kernel = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
        self.kernel_size = kernel
        self.weight = nn.Parameter(torch.full((channels,), 1 / (kernel[0] * kernel[1])))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        total = F.avg_pool2d(x, self.kernel_size, divisor_override=1)
        return total * self.weight[:, None, None] + self.bias[:, None, None]
