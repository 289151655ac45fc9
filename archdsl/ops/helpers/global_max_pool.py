"""Global max pooling."""

from torch import Tensor, nn


class GlobalMaxPool(nn.Module):
    """The largest number of each channel over all its positions."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(tuple(range(2, x.dim())))
