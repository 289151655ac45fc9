"""The exponential function."""

from torch import Tensor, nn


class Exp(nn.Module):
    """e to the power of each number."""

    def forward(self, x: Tensor) -> Tensor:
        return x.exp()
