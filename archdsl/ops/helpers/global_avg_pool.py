"""Global average pooling."""

from torch import Tensor, nn


class GlobalAvgPool(nn.Module):
    """The mean of each channel over all its positions.

    Lin et al. 2014 (Network in network), section 3.2.
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(tuple(range(2, x.dim())))
