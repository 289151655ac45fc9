"""A map as a sequence."""

from torch import Tensor, nn


class Tokens(nn.Module):
    """One vector of all channels for each position of a map."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).transpose(1, 2)
