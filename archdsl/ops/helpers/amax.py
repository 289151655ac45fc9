"""A maximum over one axis."""

from torch import Tensor, nn


class Amax(nn.Module):
    """The largest number along an axis, which is left out."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(self.dim)
