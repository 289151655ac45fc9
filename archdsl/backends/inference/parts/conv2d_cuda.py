"""Convolutions for inference on a GPU."""

import torch
from torch import Tensor
from torch.nn import functional as F

from archdsl.backends.inference.parts.activation import activation
from archdsl.backends.inference.parts.weights import Weights


class Conv2d:
    """A convolution and what follows it, in one kernel of cuDNN where that has one.

    That is a batch normalisation, the addition of a second map, and an activation.
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
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        act: str = "",
        slope: float = 0.0,
    ) -> None:
        # What is normalised has no bias, unless it is said.
        bias = norm is None if bias is None else bias
        weight, self.bias = weights.folded(path, bias, norm, eps, affine)
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        both = (stride, padding, dilation)
        self.window = [(n, n) if isinstance(n, int) else n for n in both]
        self.in_place = activation(act, slope)
        # cuDNN's kernels compute ReLU, and want a bias.
        self.fused = act == "relu" and self.weight.is_cuda and not weights.public
        if self.fused and self.bias is None:
            self.bias = weight.new_zeros(len(weight))

    def __call__(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        groups = x.shape[1] // self.weight.shape[1]
        if self.fused:
            try:
                return self.by_cudnn(x, other, groups)
            except (AttributeError, RuntimeError):
                # There is no such kernel for this map.
                self.fused = False
        stride, padding, dilation = self.window
        y = F.conv2d(x, self.weight, self.bias, stride, padding, dilation, groups)
        if other is not None:
            y.add_(other)
        if self.in_place is not None:
            self.in_place(y)
        return y

    def by_cudnn(self, x: Tensor, other: Tensor | None, groups: int) -> Tensor:
        """ReLU of the convolution, or of its sum with a second map."""
        stride, padding, dilation = self.window
        weight, bias = self.weight, self.bias
        if other is None:
            return torch.cudnn_convolution_relu(
                x, weight, bias, stride, padding, dilation, groups
            )
        return torch.cudnn_convolution_add_relu(
            x, weight, other, 1.0, bias, stride, padding, dilation, groups
        )
