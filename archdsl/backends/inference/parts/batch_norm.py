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
        weights = weights.at(path)
        self.mean = weights.tensor("running_mean")
        self.variance = weights.tensor("running_var")
        self.gain = weights.tensor("weight") if affine else None
        self.bias = weights.tensor("bias") if affine else None
        self.eps = eps
        self.in_place = activation(act, slope)

    def __call__(self, x: Tensor) -> Tensor:
        y = F.batch_norm(
            x, self.mean, self.variance, self.gain, self.bias, eps=self.eps
        )
        if self.in_place is not None:
            self.in_place(y)
        return y
