"""The squashing function of LeNet-5."""

import torch
from torch import Tensor, nn


class ScaledTanh(nn.Module):
    """1.7159 * tanh(2x/3), which maps -1 and 1 to themselves.

    LeCun et al. 1998, section II-B and appendix A.
    """

    def forward(self, x: Tensor) -> Tensor:
        return 1.7159 * torch.tanh(2 / 3 * x)
