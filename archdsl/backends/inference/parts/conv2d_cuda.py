"""Convolutions for inference on a GPU."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from archdsl.backends.inference.parts.activation import activation
from archdsl.backends.inference.parts.fastest_cuda import fastest
from archdsl.backends.inference.parts.weights import Weights


class Conv2d:
    """A convolution and what follows it, computed in the way that is fastest.

    That is a batch normalisation, the addition of a second map, and an activation.
    The way is found out for the size that arrives first.
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
        # ReLU is what cuDNN's kernels compute after the sum, and they want a bias.
        self.fuses = act == "relu" and not weights.public
        self.shift = weight.new_zeros(len(weight)) if self.bias is None else self.bias
        self.way: Callable[..., Tensor] | None = None

    def __call__(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        if self.way is None:
            self.way = self.chosen(x, other)
        return self.way(x, other)

    def chosen(self, x: Tensor, other: Tensor | None) -> Callable[..., Tensor]:
        """The fastest way for such a map."""
        ways = [self.plain]
        if x.is_cuda:
            one_place = self.weight.shape[1:] == (x.shape[1], 1, 1)
            if one_place and self.window[1] == (0, 0):
                ways.append(self.as_linear)
            if self.fuses:
                ways.append(self.by_cudnn)
        return ways[0] if len(ways) == 1 else fastest(ways, x, other)

    def plain(self, x: Tensor, other: Tensor | None) -> Tensor:
        """The convolution, and then the rest."""
        stride, padding, dilation = self.window
        groups = x.shape[1] // self.weight.shape[1]
        y = F.conv2d(x, self.weight, self.bias, stride, padding, dilation, groups)
        return self.after(y, other)

    def as_linear(self, x: Tensor, other: Tensor | None) -> Tensor:
        """A linear map of the channels, for a window of one place."""
        down, right = self.window[0]
        places = x.permute(0, 2, 3, 1)[:, ::down, ::right]
        y = F.linear(places, self.weight.flatten(1), self.bias)
        return self.after(y.permute(0, 3, 1, 2), other)

    def after(self, y: Tensor, other: Tensor | None) -> Tensor:
        """The addition and the activation, in place."""
        if other is not None:
            y.add_(other)
        if self.in_place is not None:
            self.in_place(y)
        return y

    def by_cudnn(self, x: Tensor, other: Tensor | None) -> Tensor:
        """ReLU of the convolution, or of its sum with a second map, in one kernel."""
        stride, padding, dilation = self.window
        groups = x.shape[1] // self.weight.shape[1]
        weight, bias = self.weight, self.shift
        try:
            if other is None:
                return torch.cudnn_convolution_relu(
                    x, weight, bias, stride, padding, dilation, groups
                )
            return torch.cudnn_convolution_add_relu(
                x, weight, other, 1.0, bias, stride, padding, dilation, groups
            )
        except (AttributeError, RuntimeError):
            # There is no such kernel for this map.
            return self.plain(x, other)
