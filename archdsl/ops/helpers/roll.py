"""A cyclic shift."""

from torch import Tensor, nn


class Roll(nn.Module):
    """Moves all numbers along an axis, those that leave to its other end."""

    def __init__(self, shift: int, dim: int) -> None:
        super().__init__()
        self.shift = shift
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return x.roll(self.shift, self.dim)
