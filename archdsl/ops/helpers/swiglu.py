"""A gate."""

from torch import Tensor, nn
from torch.nn import functional as F


class SwiGLU(nn.Module):
    """Halves an axis: the silu of the first half times the second.

    Shazeer 2020 (GLU variants improve transformer), equation 6.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        gate, value = x.chunk(2, self.dim)
        return F.silu(gate) * value
