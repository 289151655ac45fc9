"""Nets for inference beside the modules of training that they come from."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from archdsl.backends.inference.emit import emit
from archdsl.backends.torch.emit import emit as emit_training
from archdsl.backends.torch.emit import net_class
from archdsl.ir.network import Network
from archdsl.ir.places import table_sizes
from archdsl.pipeline import check
from archdsl.runtime.load import execute
from archdsl.runtime.randomise import randomise
from archdsl.source import Source

# The largest difference, of the largest number.
TOLERANCE = 1e-4
# Symbols stand for numbers up to this.
MOST = 24


def network(text: str) -> Network:
    """The checked net of a text, the last one if there are several."""
    checked = check(Source("t.arch", text))
    assert not checked.diagnostics, [str(d) for d in checked.diagnostics]
    return list(checked.networks.values())[-1]


def trained(net: Network, seed: int = 0) -> nn.Module:
    """A module with weights, running means and variances that are all drawn."""
    module = getattr(execute(emit_training(net)), net_class(net.name))()
    assert isinstance(module, nn.Module)
    randomise(module, seed)
    generator = torch.Generator().manual_seed(seed)
    for name, buffer in module.named_buffers():
        noise = torch.rand(buffer.shape, generator=generator)
        if name.endswith("running_mean"):
            buffer.copy_(noise - 0.5)
        elif name.endswith("running_var"):
            buffer.copy_(noise + 0.5)
    return module.eval()


def source(net: Network, **options: Any) -> ModuleType:
    """The Python module of a net for inference."""
    return execute(emit(net, **options))


def inputs_of(net: Network, batch: int = 2, seed: int = 1) -> list[Tensor]:
    """Random inputs; sizes that are not known are drawn."""
    sizes = {}
    if net.facts is not None:
        sizes = net.facts.sample(random.Random(seed), MOST)
    generator = torch.Generator().manual_seed(seed)
    found = []
    for tensor, entries in zip(net.root.inputs, table_sizes(net), strict=True):
        numbers = (s if isinstance(s, int) else s.at(sizes) for s in tensor.sizes)
        shape = (batch, *numbers)
        if tensor.dtype == "int":
            found.append(torch.randint(entries or 2, shape, generator=generator))
        elif tensor.dtype == "bool":
            mask = torch.rand(shape, generator=generator) > 0.3
            mask[..., 0] = True
            found.append(mask)
        else:
            found.append(torch.randn(shape, generator=generator))
    return found


def tensors(out: Any) -> list[Tensor]:
    """All outputs of a net; those of training alone are left out."""
    if isinstance(out, Tensor):
        return [out]
    values = out.values() if isinstance(out, dict) else out
    return [value for value in values if value is not None]


@torch.no_grad()
def outputs(module: nn.Module, inputs: list[Tensor]) -> list[Tensor]:
    """What a module gives, of inputs that are its own to change."""
    return tensors(module(*(x.clone() for x in inputs)))


def difference(found: list[Tensor], wanted: list[Tensor]) -> float:
    """The largest difference, of the largest number of that output."""
    assert len(found) == len(wanted)
    worst = 0.0
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape
        if not other.is_floating_point():
            assert torch.equal(one, other)
            continue
        a, b = torch.nan_to_num(one.double()), torch.nan_to_num(other.double())
        if b.numel():
            most = float(b.abs().max())
            worst = max(worst, float((a - b).abs().max()) / max(most, 1e-30))
    return worst


def is_as_exact(module: nn.Module, inputs: list[Tensor], found: list[Tensor]) -> bool:
    """Whether the numbers are as near to those of float64 as the module's own are."""
    exact = outputs(
        copy.deepcopy(module).double(),
        [x.double() if x.is_floating_point() else x for x in inputs],
    )
    own = difference(outputs(module, inputs), exact)
    return difference(found, exact) <= max(TOLERANCE, 4 * own)


def always(made: ModuleType) -> Any:
    """Inside, the last way is taken, oneDNN's where it is there, faster or not."""

    def fastest(ways: Sequence[Callable[[], object]], packed: bool = False) -> int:
        ways[-1]()
        return len(ways) - 1

    return mock.patch.object(made, "fastest", fastest, create=True)


def way_of(conv: Any) -> Callable[..., Tensor]:
    """How it computes, on one thread or all."""
    way: Callable[..., Tensor] = getattr(conv.way, "way", conv.way)
    return way


def hold(net: Network, batch: int = 2, seed: int = 0) -> None:
    """Hold a net for inference to its module: oneDNN, public operators, and CUDA's.

    What CUDA's source has for the CPU is what it does where cuDNN has no kernel.
    """
    module = trained(net, seed)
    inputs = inputs_of(net, batch, seed)
    wanted = outputs(module, inputs)
    state = module.state_dict()
    before = {name: tensor.clone() for name, tensor in state.items()}
    for device, public in (("cpu", False), ("cpu", True), ("cuda", False)):
        made = source(net, device=device)
        with always(made):
            prepared = made.prepare(state, device="cpu", public=public)
            prepared(*(x.clone() for x in inputs))
        given = [x.clone() for x in inputs]
        for _ in range(2):
            # The second time with the packed weights, of inputs that are as they were.
            found = tensors(prepared(*given))
            assert all(torch.equal(x, y) for x, y in zip(given, inputs, strict=True))
            near = difference(found, wanted) <= TOLERANCE
            assert near or is_as_exact(module, inputs, found), (device, public)
    for name, tensor in state.items():
        assert torch.equal(tensor, before[name]), name
