"""A maximum over axes."""

from torch import Tensor, nn


class Amax(nn.Module):
    """The largest number along one axis or several, which are left out."""

    def __init__(self, *dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(self.dim)
