"""A mean over axes."""

from torch import Tensor, nn


class Mean(nn.Module):
    """The mean over one axis or several, which are left out."""

    def __init__(self, *dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(self.dim)
