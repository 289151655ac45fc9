"""Linear maps for inference on a CPU."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from archdsl.backends.inference.parts.activation import activation
from archdsl.backends.inference.parts.fastest_cpu import fastest
from archdsl.backends.inference.parts.weights import Weights


class Linear:
    """A linear map, with the batch normalisation and the activation that follow it.

    The weights are packed for as many rows as arrive first, if that is faster.
    """

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
        self.public = weights.public or self.weight.device.type != "cpu"
        self.by_onednn: Callable[..., Tensor] | None = None

    def __call__(self, x: Tensor) -> Tensor:
        if self.by_onednn is None and not self.public:
            self.pack(x)
        if self.by_onednn is None:
            y = F.linear(x, self.weight, self.bias)
        else:
            y = self.by_onednn(x, self.weight, self.bias, "none", [], "")
        if self.in_place is not None:
            self.in_place(y)
        return y

    def pack(self, x: Tensor) -> None:
        """Pack the weights, if this PyTorch can and there is something to gain."""
        self.public = True
        rows = x.numel() // x.shape[-1]
        try:
            onednn = torch.ops.mkldnn
            by_onednn = onednn._linear_pointwise.default
            weight = onednn._reorder_linear_weight(self.weight, rows)
            plain = partial(F.linear, x, self.weight, self.bias)
            packed = partial(by_onednn, x, weight, self.bias, "none", [], "")
            if fastest([plain, packed]) == 1:
                self.weight, self.by_onednn = weight, by_onednn
        except (AttributeError, RuntimeError):
            # This PyTorch lacks it, or it refuses such numbers.
            return
