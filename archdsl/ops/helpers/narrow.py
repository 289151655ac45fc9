"""A part of an axis."""

from torch import Tensor, nn


class Narrow(nn.Module):
    """So many entries of an axis, beginning at one."""

    def __init__(self, dim: int, start: int, length: int) -> None:
        super().__init__()
        self.dim = dim
        self.start = start
        self.length = length

    def forward(self, x: Tensor) -> Tensor:
        return x.narrow(self.dim, self.start, self.length)
