"""Numbers within bounds."""

from torch import Tensor, nn


class Clamp(nn.Module):
    """Each number, but not less than `min` nor more than `max`."""

    def __init__(self, min: float | None = None, max: float | None = None) -> None:
        super().__init__()
        self.min, self.max = min, max

    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(self.min, self.max)
