"""One entry of an axis."""

from torch import Tensor, nn


class Take(nn.Module):
    """One entry of an axis, which is left out."""

    def __init__(self, dim: int, index: int) -> None:
        super().__init__()
        self.dim = dim
        self.index = index

    def forward(self, x: Tensor) -> Tensor:
        return x.select(self.dim, self.index)
