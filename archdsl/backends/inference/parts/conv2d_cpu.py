"""Convolutions for inference on a CPU."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from archdsl.backends.inference.parts.activation import activation
from archdsl.backends.inference.parts.weights import Weights


class Conv2d:
    """A convolution and what follows it, in one pass of oneDNN where PyTorch has that.

    That is a batch normalisation, the addition of a second map, and an activation. The
    weights are packed for the size that arrives first.
    """

    def __init__(
        self,
        weights: Weights,
        path: str,
        norm: str | None = None,
        *,
        eps: float = 1e-5,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        act: str = "",
        slope: float = 0.0,
    ) -> None:
        weight, self.bias = weights.folded(path, norm, eps)
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        both = (padding, stride, dilation)
        self.window = [[n, n] if isinstance(n, int) else list(n) for n in both]
        self.act, self.slope = act, slope
        self.in_place = activation(act, slope)
        self.public = weights.public
        # What oneDNN's operators take beside tensors, once the weights are packed.
        self.packed: tuple[Any, ...] | None = None

    def __call__(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        if self.packed is not None:
            if other is None:
                return _convolve(x, self.weight, self.bias, *self.packed)
            return _convolve_and_add(x, other, self.weight, self.bias, *self.packed)
        if not self.public and self.pack(x, other):
            return self(x, other)
        padding, stride, dilation = self.window
        groups = x.shape[1] // self.weight.shape[1]
        y = F.conv2d(x, self.weight, self.bias, stride, padding, dilation, groups)
        if other is not None:
            y.add_(other)
        if self.in_place is not None:
            self.in_place(y)
        return y

    def pack(self, x: Tensor, other: Tensor | None) -> bool:
        """Pack the weights, if this PyTorch has these operators for such a map."""
        padding, stride, dilation = self.window
        groups = x.shape[1] // self.weight.shape[1]
        attribute, scalars, algorithm = _ATTRIBUTES.get(self.act, (self.act, [], ""))
        if self.act == "leaky_relu":
            scalars = [self.slope]
        after: tuple[Any, ...] = (attribute or "none", scalars, algorithm)
        if other is not None:
            after = ("add", 1.0, attribute or None, scalars, algorithm)
        packed = (padding, stride, dilation, groups, *after)
        try:
            weight = torch.ops.mkldnn._reorder_convolution_weight(
                self.weight, padding, stride, dilation, groups, x.shape
            )
            if other is None:
                _convolve(x, weight, self.bias, *packed)
            else:
                _convolve_and_add(x, other, weight, self.bias, *packed)
        except (AttributeError, RuntimeError):
            self.public = True
            return False
        self.weight, self.packed = weight, packed
        return True


# As oneDNN's operators call it where that is another name: with numbers, and a form.
_ATTRIBUTES: dict[str, tuple[str, list[float], str]] = {
    "relu6": ("hardtanh", [0.0, 6.0], ""),
    "silu": ("swish", [], ""),
    "gelu": ("gelu", [], "none"),
}


def _convolve(x: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    return torch.ops.mkldnn._convolution_pointwise.default(x, weight, *rest)


def _convolve_and_add(x: Tensor, other: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    return torch.ops.mkldnn._convolution_pointwise.binary(x, other, weight, *rest)
