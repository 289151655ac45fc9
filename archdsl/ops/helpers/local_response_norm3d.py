"""Local response normalisation of volumes."""

from torch import Tensor, nn


class LocalResponseNorm3d(nn.LocalResponseNorm):
    """Takes volumes of any layout; PyTorch's refuses those it cannot view flattened."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.contiguous())
