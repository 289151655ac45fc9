"""Convolutions for inference on a GPU."""

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from archdsl.backends.inference.parts.activation import activation
from archdsl.backends.inference.parts.is_faster_cuda import is_faster
from archdsl.backends.inference.parts.weights import Weights


class Conv2d:
    """A convolution and what follows it, in one kernel of cuDNN where that is faster.

    That is a batch normalisation, the addition of a second map, and an activation.
    What is faster is found out for the size that arrives first.
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
        # ReLU is what cuDNN's kernels compute.
        tried = act == "relu" and self.weight.is_cuda and not weights.public
        self.fused: bool | None = None if tried else False

    def __call__(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        if self.fused is None:
            self.fused = self.is_better_fused(x, other)
        return self.by_cudnn(x, other) if self.fused else self.plain(x, other)

    def plain(self, x: Tensor, other: Tensor | None) -> Tensor:
        """The same by public operators."""
        stride, padding, dilation = self.window
        groups = x.shape[1] // self.weight.shape[1]
        y = F.conv2d(x, self.weight, self.bias, stride, padding, dilation, groups)
        if other is not None:
            y.add_(other)
        if self.in_place is not None:
            self.in_place(y)
        return y

    def by_cudnn(self, x: Tensor, other: Tensor | None) -> Tensor:
        """ReLU of the convolution, or of its sum with a second map."""
        stride, padding, dilation = self.window
        groups = x.shape[1] // self.weight.shape[1]
        weight, bias = self.weight, self.bias
        if other is None:
            return torch.cudnn_convolution_relu(
                x, weight, bias, stride, padding, dilation, groups
            )
        return torch.cudnn_convolution_add_relu(
            x, weight, other, 1.0, bias, stride, padding, dilation, groups
        )

    def is_better_fused(self, x: Tensor, other: Tensor | None) -> bool:
        """Whether cuDNN has such a kernel, and it takes less time."""
        bias = self.bias
        if bias is None:
            # cuDNN wants one.
            self.bias = self.weight.new_zeros(len(self.weight))
        ways = (partial(way, x, other) for way in (self.by_cudnn, self.plain))
        try:
            if is_faster(*ways):
                return True
        except (AttributeError, RuntimeError):
            # There is none for such a map.
            pass
        self.bias = bias
        return False
