"""Division by the Euclidean norm."""

from torch import Tensor, nn
from torch.nn import functional as F


class L2Norm(nn.Module):
    """Divides by the Euclidean norm along an axis."""

    def __init__(self, dim: int, eps: float = 1e-12) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x, dim=self.dim, eps=self.eps)
