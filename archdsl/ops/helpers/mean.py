"""A mean over one axis."""

from torch import Tensor, nn


class Mean(nn.Module):
    """The mean over an axis, which is left out."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(self.dim)
