"""Linear maps for inference on a GPU."""

from torch import Tensor
from torch.nn import functional as F

from archdsl.backends.inference.parts.activation import activation
from archdsl.backends.inference.parts.weights import Weights


class Linear:
    """A linear map, with the batch normalisation and the activation that follow it."""

    def __init__(
        self,
        weights: Weights,
        path: str,
        norm: str | None = None,
        *,
        bias: bool | None = None,
        eps: float = 1e-5,
        affine: bool = True,
        act: str = "",
        slope: float = 0.0,
    ) -> None:
        # What is normalised has no bias, unless it is said.
        bias = norm is None if bias is None else bias
        self.weight, self.bias = weights.folded(path, bias, norm, eps, affine)
        self.in_place = activation(act, slope)

    def __call__(self, x: Tensor) -> Tensor:
        y = F.linear(x, self.weight, self.bias)
        if self.in_place is not None:
            self.in_place(y)
        return y
