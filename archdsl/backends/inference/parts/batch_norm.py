"""Batch normalisation that follows no convolution."""

from torch import Tensor
from torch.nn import functional as F

from archdsl.backends.inference.parts.activation import activation
from archdsl.backends.inference.parts.weights import Weights


class BatchNorm:
    """A batch normalisation, and the activation that follows it."""

    def __init__(
        self,
        weights: Weights,
        path: str,
        *,
        eps: float = 1e-5,
        affine: bool = True,
        act: str = "",
        slope: float = 0.0,
    ) -> None:
        names = ("running_mean", "running_var", *(("weight", "bias") if affine else ()))
        self.tensors = [weights.tensor(f"{path}.{name}") for name in names]
        self.eps = eps
        self.in_place = activation(act, slope)

    def __call__(self, x: Tensor) -> Tensor:
        y = F.batch_norm(x, *self.tensors, eps=self.eps)
        if self.in_place is not None:
            self.in_place(y)
        return y
