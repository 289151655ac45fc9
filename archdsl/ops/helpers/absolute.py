"""Numbers without their signs."""

from torch import Tensor, nn


class Absolute(nn.Module):
    """Each number without its sign."""

    def forward(self, x: Tensor) -> Tensor:
        return x.abs()
