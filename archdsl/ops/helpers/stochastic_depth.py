"""Stochastic depth."""

from torch import Tensor, nn


class StochasticDepth(nn.Module):
    """While training, sets samples to zero at random and scales up the others.

    Huang et al. 2016. In mode "batch" all samples share one draw.
    """

    def __init__(self, rate: float, mode: str = "row") -> None:
        super().__init__()
        self.rate = rate
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        drawn = x.shape[0] if self.mode == "row" else 1
        keep = x.new_empty(drawn, *[1] * (x.dim() - 1)).bernoulli_(1 - self.rate)
        if self.rate < 1:
            keep = keep / (1 - self.rate)
        return x * keep
