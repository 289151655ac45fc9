"""Convolutions for inference on a CPU."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from archdsl.backends.inference.parts.activation import activation
from archdsl.backends.inference.parts.alone import alone_if_faster
from archdsl.backends.inference.parts.fastest_cpu import fastest
from archdsl.backends.inference.parts.weights import Weights


class Conv2d:
    """A convolution and what follows it, computed in the way that is fastest.

    That is a batch normalisation, the addition of a second map, and an activation. With
    `overwrite` the sum may take the second map's memory. The way is found out for the
    size that arrives first, one thread or all, and the weights are packed for it.
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
        overwrite: bool = False,
    ) -> None:
        # What is normalised has no bias, unless it is said.
        bias = norm is None if bias is None else bias
        weight, self.bias = weights.folded(path, bias, norm, eps, affine)
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        both = (padding, stride, dilation)
        self.window = [[n, n] if isinstance(n, int) else list(n) for n in both]
        self.act, self.slope = act, slope
        self.in_place = activation(act, slope)
        self.overwrite = overwrite
        self.public = weights.public
        self.way: Callable[..., Tensor] | None = None
        # oneDNN's operator, and what it takes beside tensors.
        self.onednn: tuple[Callable[..., Tensor], tuple[Any, ...]] | None = None

    def __call__(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        if self.way is None:
            self.way, self.weight = self.chosen(x, other)
        return self.way(self.weight, x, other)

    def chosen(
        self, x: Tensor, other: Tensor | None
    ) -> tuple[Callable[..., Tensor], Tensor]:
        """The fastest way for such a map, and the weight as that takes it."""
        if self.overwrite and other is not None:
            # What is tried must not change the map.
            other = other.clone()
        ways: list[tuple[Callable[..., Tensor], Tensor]] = [(self.plain, self.weight)]
        if self.weight.shape[1:] == (x.shape[1], 1, 1) and self.window[0] == [0, 0]:
            columns = self.weight.flatten(1).t().contiguous()
            ways.append((self.as_linear, columns.t()))
        packed = None if self.public else self.packed(x, other)
        if packed is not None:
            ways.append((self.by_onednn, packed))
        if len(ways) > 1:
            tried = [partial(way, weight, x, other) for way, weight in ways]
            ways = [ways[fastest(tried, packed is not None)]]
        way, weight = ways[0]
        return alone_if_faster(way, weight, x, other), weight

    def plain(self, weight: Tensor, x: Tensor, other: Tensor | None) -> Tensor:
        """The convolution, and then the rest."""
        padding, stride, dilation = self.window
        groups = x.shape[1] // weight.shape[1]
        y = F.conv2d(x, weight, self.bias, stride, padding, dilation, groups)
        return self.after(y, other)

    def as_linear(self, weight: Tensor, x: Tensor, other: Tensor | None) -> Tensor:
        """A linear map of the channels, for a window of one place."""
        down, right = self.window[1]
        places = x.permute(0, 2, 3, 1)
        if down != 1 or right != 1:
            places = places[:, ::down, ::right]
        y = F.linear(places, weight, self.bias)
        return self.after(y.permute(0, 3, 1, 2), other)

    def after(self, y: Tensor, other: Tensor | None) -> Tensor:
        """The addition and the activation, in place."""
        if other is not None:
            y.add_(other)
        if self.in_place is not None:
            self.in_place(y)
        return y

    def by_onednn(self, weight: Tensor, x: Tensor, other: Tensor | None) -> Tensor:
        """All in one pass of oneDNN."""
        assert self.onednn is not None
        operator, window = self.onednn
        if other is None:
            return operator(x, weight, self.bias, *window)
        if self.overwrite:
            return operator(other, x, weight, self.bias, *window)
        return operator(x, other, weight, self.bias, *window)

    def packed(self, x: Tensor, other: Tensor | None) -> Tensor | None:
        """The weight as oneDNN packs it, if its kernel is there for such a map."""
        padding, stride, dilation = self.window
        groups = x.shape[1] // self.weight.shape[1]
        attribute, scalars, algorithm = ONEDNN.get(self.act, (self.act, [], ""))
        if self.act == "leaky_relu":
            scalars = [self.slope]
        after: tuple[Any, ...] = (attribute or "none", scalars, algorithm)
        if other is not None:
            after = ("add", 1.0, attribute or None, scalars, algorithm)
        try:
            onednn = torch.ops.mkldnn
            operator = onednn._convolution_pointwise.default
            if other is not None and self.overwrite:
                operator = onednn._convolution_pointwise_.binary
            elif other is not None:
                operator = onednn._convolution_pointwise.binary
            packed: Tensor = onednn._reorder_convolution_weight(
                self.weight, padding, stride, dilation, groups, x.shape
            )
            self.onednn = operator, (padding, stride, dilation, groups, *after)
            self.by_onednn(packed, x, other)
        except (AttributeError, RuntimeError):
            # This PyTorch lacks it, or it refuses such a map.
            return None
        return packed


# As oneDNN's operators call it where that is another name: with numbers, and a form.
ONEDNN: dict[str, tuple[str, list[float], str]] = {
    "relu6": ("hardtanh", [0.0, 6.0], ""),
    "silu": ("swish", [], ""),
    "gelu": ("gelu", [], "none"),
}
