"""A change of the order of axes."""

from torch import Tensor, nn


class Permute(nn.Module):
    """The axes in another order; 0 is the batch."""

    def __init__(self, order: tuple[int, ...]) -> None:
        super().__init__()
        self.order = order

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.order)
