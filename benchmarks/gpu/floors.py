"""What a net has to compute and to move at least, and what the card can do of both.

The model of the bytes: each product (convolution, linear layer, attention) reads its
input and writes its output once, and reads its weights once a batch. All else, such as
normalisation, activation, addition and pooling, is taken to happen on the way.

Training counts the products three times: forward, and for the gradients of input and
weights. On the way back, the input of batch normalisation in training is read three
times more: for the sums, and for the gradient where either product takes it in. Of each
parameter, forward and backward read the value of the products' type and write the
gradient; SGD with momentum reads value, gradient and momentum and writes two of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from benchmarks.gpu.timing import Clock

_PASSES = 3
_NORM_READS = 3
_CONV = (torch.conv1d, torch.conv2d, torch.conv3d)


class Work(NamedTuple):
    """Multiply-adds and numbers of products, all but the weights for one image."""

    macs: int
    inputs: int
    outputs: int
    normalised: int
    weights: int

    def flops(self, batch: int, train: bool) -> int:
        """Floating-point operations of one step."""
        return 2 * self.macs * batch * (_PASSES if train else 1)

    def bytes(self, batch: int, train: bool, width: int, weight_width: int) -> int:
        """Bytes of one step, for products and weights of so many bytes a number."""
        moved = (self.inputs + self.outputs) * batch * width
        if not train:
            return moved + self.weights * weight_width
        moved = moved * _PASSES + self.normalised * _NORM_READS * batch * width
        return moved + self.weights * (3 * width + 5 * weight_width)


class Ceilings(NamedTuple):
    """What the card did of products and of copying, each a second."""

    flops: Mapping[str, float]
    bytes: float

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Ceilings:
        """Those that `ceilings` found."""
        flops = {name: rate * 1e12 for name, rate in facts["tflops"].items()}
        return cls(flops, facts["gbytes"] * 1e9)

    def floor(self, flops: int, moved: int, precision: str) -> tuple[float, str]:
        """The least seconds of a step, and which of the two they are spent on."""
        kind = "bf16" if precision == "autocast" else precision
        seconds = flops / self.flops[kind], moved / self.bytes
        return max(seconds), ("arithmetic", "bytes")[seconds[1] > seconds[0]]


def work(build: Callable[[], nn.Module], side: int) -> Work:
    """What a net does with one image; nothing is computed."""
    with torch.device("meta"):
        module = build().eval()
        x = torch.empty(1, 3, side, side)
    with torch.no_grad(), _Counted() as counted:
        module(x)
    weights = sum(parameter.numel() for parameter in module.parameters())
    return Work(
        counted.macs, counted.inputs, counted.outputs, counted.normalised, weights
    )


class _Counted(TorchFunctionMode):
    """Counts the products that are called for."""

    def __init__(self) -> None:
        super().__init__()
        self.macs = self.inputs = self.outputs = self.normalised = 0

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if func in _CONV or func is F.linear:
            # For each number of the output, a filter is gone through once.
            self._product(out.numel() * math.prod(args[1].shape[1:]), args[:1], out)
        elif func is F.scaled_dot_product_attention:
            query, key = args[:2]
            self._product(2 * query.numel() * key.shape[-2], args[:3], out)
        elif func is torch.batch_norm:
            self.normalised += out.numel()
        return out

    def _product(self, macs: int, inputs: tuple[Tensor, ...], out: Tensor) -> None:
        self.macs += macs
        self.inputs += sum(x.numel() for x in inputs)
        self.outputs += out.numel()


def ceilings(clock: Clock, side: int, numbers: int) -> dict[str, Any]:
    """Measure square products of that side, and a copy of so many bf16 numbers."""
    tasks: dict[str, Callable[[], object]] = {}
    for name, dtype in (
        ("bf16", torch.bfloat16),
        ("tf32", torch.float32),
        ("fp32", torch.float32),
    ):
        # Random: on zeros a product can run faster.
        a, b = (torch.randn(side, side, device=clock.device).to(dtype) for _ in "ab")
        tasks[name] = _matmul(a, b, tf32=name == "tf32")
    source = torch.randn(numbers, device=clock.device).to(torch.bfloat16)
    target = torch.empty_like(source)
    tasks["copy"] = lambda: target.copy_(source)
    spans = clock.in_turn(tasks)
    flops = {
        name: 2 * side**3 / span.median
        for name, span in spans.items()
        if name != "copy"
    }
    moved = 2 * numbers * source.element_size() / spans["copy"].median
    return {
        "side": side,
        "copied_bytes": numbers * source.element_size(),
        "ms": {name: span.as_json() for name, span in spans.items()},
        "tflops": {name: round(rate / 1e12, 4) for name, rate in flops.items()},
        "gbytes": round(moved / 1e9, 2),
    }


def _matmul(a: Tensor, b: Tensor, tf32: bool) -> Callable[[], object]:
    out = torch.empty_like(a)

    def run() -> None:
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.mm(a, b, out=out)

    return run
