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
        act: str = "",
        slope: float = 0.0,
    ) -> None:
        weights = weights.at(path)
        self.mean, self.variance = (
            weights.tensor("running_mean"),
            weights.tensor("running_var"),
        )
        gain, bias = weights.find("weight"), weights.find("bias")
        self.gain = None if gain is None else weights.cast(gain)
        self.bias = None if bias is None else weights.cast(bias)
        self.eps = eps
        self.in_place = activation(act, slope)

    def __call__(self, x: Tensor) -> Tensor:
        y = F.batch_norm(
            x, self.mean, self.variance, self.gain, self.bias, False, 0.0, self.eps
        )
        if self.in_place is not None:
            self.in_place(y)
        return y
