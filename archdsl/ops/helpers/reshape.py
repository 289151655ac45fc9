"""A change of shape."""

from torch import Tensor, nn


class Reshape(nn.Module):
    """The numbers of each sample in another shape."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], *self.shape)
