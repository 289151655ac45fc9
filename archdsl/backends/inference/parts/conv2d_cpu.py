"""Convolutions for inference on a CPU."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from archdsl.backends.inference.parts.activation import activation
from archdsl.backends.inference.parts.is_faster import is_faster
from archdsl.backends.inference.parts.weights import Weights


class Conv2d:
    """A convolution and what follows it, in one pass of oneDNN where that is faster.

    That is a batch normalisation, the addition of a second map, and an activation. With
    `overwrite` the sum may take the second map's memory. The weights are packed for the
    size that arrives first.
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
        # Once the weights are packed: the operator, and what it takes beside tensors.
        self.by_onednn: Callable[..., Tensor] | None = None
        self.packed: tuple[Any, ...] = ()

    def __call__(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        if self.by_onednn is None and not self.public:
            self.pack(x, other)
        if self.by_onednn is None:
            return self.plain(x, other)
        if other is None:
            return self.by_onednn(x, self.weight, self.bias, *self.packed)
        maps = (other, x) if self.overwrite else (x, other)
        return self.by_onednn(*maps, self.weight, self.bias, *self.packed)

    def plain(self, x: Tensor, other: Tensor | None) -> Tensor:
        """The same by public operators."""
        padding, stride, dilation = self.window
        groups = x.shape[1] // self.weight.shape[1]
        y = F.conv2d(x, self.weight, self.bias, stride, padding, dilation, groups)
        if other is not None:
            y.add_(other)
        if self.in_place is not None:
            self.in_place(y)
        return y

    def pack(self, x: Tensor, other: Tensor | None) -> None:
        """Pack the weights, if oneDNN's kernel is there and faster for such a map."""
        self.public = True
        padding, stride, dilation = self.window
        groups = x.shape[1] // self.weight.shape[1]
        attribute, scalars, algorithm = ONEDNN.get(self.act, (self.act, [], ""))
        if self.act == "leaky_relu":
            scalars = [self.slope]
        after: tuple[Any, ...] = (attribute or "none", scalars, algorithm)
        maps: tuple[Tensor, ...] = (x,)
        if other is not None:
            # What is tried must not change the map.
            maps = (other.clone(), x) if self.overwrite else (x, other)
            after = ("add", 1.0, attribute or None, scalars, algorithm)
        packed = (padding, stride, dilation, groups, *after)
        try:
            onednn = torch.ops.mkldnn
            by_onednn = onednn._convolution_pointwise.default
            if other is not None and self.overwrite:
                by_onednn = onednn._convolution_pointwise_.binary
            elif other is not None:
                by_onednn = onednn._convolution_pointwise.binary
            weight = onednn._reorder_convolution_weight(
                self.weight, padding, stride, dilation, groups, x.shape
            )
            fused = partial(by_onednn, *maps, weight, self.bias, *packed)
            if is_faster(fused, partial(self.plain, x, other)):
                self.weight, self.packed, self.by_onednn = weight, packed, by_onednn
        except (AttributeError, RuntimeError):
            # This PyTorch lacks it, or it refuses such a map.
            return


# As oneDNN's operators call it where that is another name: with numbers, and a form.
ONEDNN: dict[str, tuple[str, list[float], str]] = {
    "relu6": ("hardtanh", [0.0, 6.0], ""),
    "silu": ("swish", [], ""),
    "gelu": ("gelu", [], "none"),
}
