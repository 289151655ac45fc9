"""A crop around the centre."""

from torch import Tensor, nn


class CentreCrop(nn.Module):
    """The middle of a map, a size for each axis.

    Ronneberger et al. 2015 (U-Net), figure 1.
    """

    def __init__(self, *size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        for axis, size in enumerate(self.size, start=2):
            x = x.narrow(axis, (x.shape[axis] - size) // 2, size)
        return x
