"""Weights under which no mistake hides, and training in which chance has no part.

Freshly initialised networks hide most differences: biases are zero, gains one, and
layer scales so small that whole branches are silent. Here every parameter is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils._python_dispatch import TorchDispatchMode

# Of He et al. 2015, so that signals keep their size from layer to layer.
_GAIN = math.sqrt(2)
_SPREAD = 0.1
# Passes from which batch normalisation learns its statistics.
CALIBRATIONS = 2

_ATEN = torch.ops.aten
# Just below 1: what is drawn is kept also where `floor(rate + u)` decides.
_ALMOST_ONE = 1 - 2**-10


@torch.no_grad()
def randomise(module: nn.Module, seed: int, scale: float = 1.0) -> None:
    """Draw every parameter; the same seed gives the same on every device.

    Matrices and kernels are normal, with variance 2/fan-in. Biases are normal with a
    deviation of 0.1. Gains, layer scales and the like lie around 1, or around their
    initial value if that is of such a size. `scale` makes all but these smaller: with
    small activations it shows what a normalisation adds to a variance. A parameter
    that has several names is drawn once. Buffers stay as they are.
    """
    generator = torch.Generator().manual_seed(seed)
    tables = {id(m.weight) for m in module.modules() if isinstance(m, nn.Embedding)}
    for name, parameter in module.named_parameters():
        if not parameter.is_floating_point():
            continue
        noise = torch.randn(parameter.shape, generator=generator)
        parameter.copy_(_drawn(name, parameter, noise, scale, id(parameter) in tables))


def _drawn(
    name: str, parameter: Tensor, noise: Tensor, scale: float, table: bool
) -> Tensor:
    sizes = list(parameter.shape)
    while sizes and sizes[0] == 1:
        del sizes[0]
    if table:
        return noise * scale
    if len([size for size in sizes if size > 1]) > 1:
        return noise * (scale * _GAIN / math.sqrt(math.prod(sizes[1:])))
    if "bias" in name.rpartition(".")[2] or name.endswith("beta"):
        return noise * (_SPREAD * scale)
    centre = 1.0
    if parameter.numel() and bool((parameter == parameter.flatten()[0]).all()):
        initial = float(parameter.flatten()[0])
        if _SPREAD <= abs(initial) <= 1 / _SPREAD:
            centre = initial
    return centre * (1 + _SPREAD * noise)


def calibrate(module: nn.Module, run: Callable[[int], object]) -> None:
    """Let batch normalisation learn the statistics of a few passes.

    `run` makes one in training mode, of the inputs with that number. The module's
    mode and momenta are as before in the end.
    """
    norms = [m for m in module.modules() if isinstance(m, _NormBase)]
    norms = [norm for norm in norms if norm.track_running_stats]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    training = {part: part.training for part in module.modules()}
    try:
        for norm in norms:
            norm.reset_running_stats()
            # The mean of all passes.
            norm.momentum = None
        module.train()
        with torch.no_grad(), all_kept():
            for number in range(CALIBRATIONS):
                run(number)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for part, mode in training.items():
            part.training = mode


@contextmanager
def all_kept() -> Iterator[None]:
    """Dropout and stochastic depth drop nothing, and still divide by their rate.

    So a rate shows in the outputs, and the order in which numbers are drawn does not.
    """
    with _AllKept():  # type: ignore[no-untyped-call]
        yield


class _AllKept(TorchDispatchMode):
    """Every Bernoulli draw is 1, unless its probability is 0."""

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        packet = func.overloadpacket
        if packet is _ATEN.bernoulli_:
            chance = args[1] if len(args) > 1 else 0.5
            return args[0].copy_(torch.as_tensor(chance, device=args[0].device) > 0)
        if packet is _ATEN.bernoulli:
            chance = args[1] if len(args) > 1 else args[0]
            known = torch.as_tensor(chance, device=args[0].device)
            return (known > 0).expand(args[0].shape).to(args[0].dtype)
        if packet is _ATEN.native_dropout:
            x, rate, train = args
            if train is False:
                return x.clone(), torch.ones_like(x, dtype=torch.bool)
            kept = x / (1 - rate) if rate < 1 else torch.zeros_like(x)
            return kept, torch.full_like(x, rate < 1, dtype=torch.bool)
        result = func(*args, **(kwargs or {}))
        if packet in (_ATEN.rand, _ATEN.rand_like):
            result.fill_(_ALMOST_ONE)
        return result
