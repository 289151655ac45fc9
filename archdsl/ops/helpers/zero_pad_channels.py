"""Channels of zeros."""

from torch import Tensor, nn
from torch.nn import functional as F


class ZeroPadChannels(nn.Module):
    """Adds channels of zeros until there are `channels`.

    He et al. 2016 (Deep residual learning), section 3.3, shortcut option A.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        others = [0, 0] * (x.dim() - 2)
        return F.pad(x, [*others, 0, self.channels - x.shape[1]])
