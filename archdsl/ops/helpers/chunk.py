"""One of the equal parts of an axis."""

from torch import Tensor, nn


class Chunk(nn.Module):
    """One of so many equal parts of an axis."""

    def __init__(self, dim: int, parts: int, index: int) -> None:
        super().__init__()
        self.dim = dim
        self.parts = parts
        self.index = index

    def forward(self, x: Tensor) -> Tensor:
        return x.chunk(self.parts, self.dim)[self.index]
